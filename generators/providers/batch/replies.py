"""Replies of the batches API: batches, statuses and errors, whoever answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from goldspan.annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.redaction import redact
from goldspan.generators.providers.fields import as_mapping, list_mappings, read_count, read_number, read_text
from goldspan.generators.providers.waiting import read_retry_after

if TYPE_CHECKING:
    import openai

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
"""Statuses that a batch does not leave by itself. Any other word means: keep polling."""

KNOWN = TERMINAL | {"validating", "in_progress", "finalizing", "cancelling"}
"""Statuses of both batch APIs."""

_SYNONYMS = {
    "canceled": "cancelled",
    "canceling": "cancelling",
    "complete": "completed",
    "succeeded": "completed",
    "success": "completed",
    "ended": "completed",
    "error": "failed",
    "errored": "failed",
    "queued": "in_progress",
    "pending": "in_progress",
    "running": "in_progress",
    "processing": "in_progress",
}


class BatchProblem(NamedTuple):
    """Why a batch failed as a whole; `line` counts from 1, 0 when it concerns all."""

    code: str
    message: str
    line: int


@dataclass(frozen=True, slots=True)
class RemoteBatch:
    """A batch as the provider describes it. Absent file ids are empty; counts may be wrong, files decide."""

    id: str
    status: str
    input_file: str = ""
    output_file: str = ""
    error_file: str = ""
    total: int = 0
    completed: int = 0
    failed: int = 0
    created_at: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BatchProblem, ...] = ()


class ForeignReplyError(TerminalServiceError):
    """Whatever answered does not implement the batch API: a login page, a proxy, another service."""


def translate_error(error: openai.OpenAIError, doing: str, secret: str, address: str = "") -> ServiceError:
    """The client's error as one of ours; `secret` is blotted out, since some servers repeat the key they refuse."""
    import openai

    from goldspan.generators.providers.http import NOT_TAKEN, TooLargeError

    if not isinstance(error, openai.APIStatusError):
        place = f" at {address}" if address else ""
        reason = redact(str(error.__cause__ or "") or str(error), [secret])
        if isinstance(error.__cause__, TooLargeError):
            return TerminalServiceError(f"The provider{place} gives no usable answer when asked to {doing}: {reason}.")
        return TransientServiceError(f"The provider{place} could not be reached to {doing}: {reason.rstrip('.')}.")
    status = error.status_code
    if 300 <= status < 400:
        target = redact(str(error.response.headers.get("location", "elsewhere")), [secret])
        return TerminalServiceError(
            f"{address or 'The provider'} redirects to {target} when asked to {doing}. Redirects are not followed; "
            "give that address with --api-url if it is right.",
            status,
        )
    message = f"The provider refused to {doing} (HTTP {status}): {_read_message(error, secret)}"
    if status >= 500 or status in {408, 409, 429} | NOT_TAKEN:
        return TransientServiceError(message, read_retry_after(error.response.headers))
    hints = {
        401: " Check the API key.",
        402: " Add credit, then resume: nothing is lost.",
        403: " Check that the key may use this model.",
    }
    return TerminalServiceError(message + hints.get(status, ""), status)


def _read_message(error: openai.APIStatusError, secret: str) -> str:
    said = error.body if isinstance(error.body, str) else as_mapping(error.body).get("message")
    message = str(said or error.message)
    if message.lstrip().startswith("<"):
        return "it answered with a web page; check --api-url."
    return redact(message, [secret])


def read_batch(document: Any) -> RemoteBatch | None:
    """The batch that an answer describes; None when it has no id or no status."""
    batch = as_mapping(document)
    counts = as_mapping(batch.get("request_counts"))
    problems = list_mappings(as_mapping(batch.get("errors")).get("data"))
    found = RemoteBatch(
        id=read_text(batch, "id"),
        status=_fold_status(read_text(batch, "status")),
        input_file=read_text(batch, "input_file_id"),
        output_file=read_text(batch, "output_file_id"),
        error_file=read_text(batch, "error_file_id"),
        total=read_count(counts, "total"),
        completed=read_count(counts, "completed"),
        failed=read_count(counts, "failed"),
        created_at=read_number(batch, "created_at") or 0.0,
        metadata=as_mapping(batch.get("metadata")),
        problems=tuple(_read_problem(one) for one in problems),
    )
    return found if found.id and found.status else None


def _fold_status(status: str) -> str:
    folded = status.strip().casefold().replace("-", "_").replace(" ", "_")
    return _SYNONYMS.get(folded, folded)


def _read_problem(one: Mapping[str, Any]) -> BatchProblem:
    return BatchProblem(read_text(one, "code"), read_text(one, "message"), read_count(one, "line"))
