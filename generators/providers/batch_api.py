"""Files and batches over the wire: the one place of the batch executor that knows the openai client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from generators.providers.profiles import ProviderProfile

if TYPE_CHECKING:
    import openai
    from openai.types import Batch

TERMINAL = frozenset({"completed", "failed", "expired", "cancelled"})
"""Statuses that a batch does not leave by itself. Any other word means: keep polling."""

INTENT_KEY = "goldspan_intent"
_ENDPOINT: Final = "/v1/chat/completions"
_PAGE = 100
_RETRIES = 4
_AMBIGUOUS = frozenset({408, 409, 499})


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
    created_at: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BatchProblem, ...] = ()


class BatchApi:
    """The calls that the batch executor makes.

    All methods raise TransientServiceError (may work later) or TerminalServiceError (will not).
    """

    def __init__(self, profile: ProviderProfile, base_url: str, api_key: str) -> None:
        import openai

        self.profile = profile
        self._client = openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=_RETRIES)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def upload(self, path: Path, name: str) -> str:
        """Upload a file of requests, read as it is sent; returns its id. Sent again if need be: an upload is free."""
        with path.open("rb") as source, self._translate("upload the requests"):
            file = await self._client.files.create(file=(name, source, "application/jsonl"), purpose="batch")
        return file.id

    async def has_file(self, file_id: str) -> bool:
        """True if the provider still has an uploaded file."""
        try:
            with self._translate("look for the requests"):
                await self._client.files.retrieve(file_id)
        except TerminalServiceError as error:
            if error.status != 404:
                raise
            return False
        return True

    async def create(self, file_id: str, window: str, intent: str, metadata: Mapping[str, str]) -> RemoteBatch | None:
        """Create a batch: one call, never repeated here. None when it is unknown whether it was created.

        The client types windows as 24h alone; it sends any.
        """
        import openai

        once = self._client.with_options(max_retries=0)
        try:
            batch = await once.batches.create(
                input_file_id=file_id,
                endpoint=_ENDPOINT,
                completion_window=cast("Literal['24h']", window),
                metadata={**metadata, INTENT_KEY: intent},
                extra_headers={"Idempotency-Key": intent},
            )
        except openai.APIConnectionError:
            return None
        except openai.APIStatusError as error:
            if error.status_code >= 500 or error.status_code in _AMBIGUOUS:
                return None
            raise translate_error(error, "create the batch", self._client.api_key) from error
        return _read_batch(batch)

    async def retrieve(self, batch_id: str) -> RemoteBatch:
        """Look at a batch."""
        with self._translate("look at the batch"):
            return _read_batch(await self._client.batches.retrieve(batch_id))

    async def cancel(self, batch_id: str) -> None:
        """Cancel a batch; one that has ended already is left as it is."""
        import openai

        with (
            self._translate("cancel the batch"),
            contextlib.suppress(openai.BadRequestError, openai.NotFoundError, openai.ConflictError),
        ):
            await self._client.batches.cancel(batch_id)

    async def retry(self, batch_id: str) -> bool:
        """Have the failed and cancelled rows of a batch run again in place. False when there are none."""
        try:
            with self._translate("retry the batch"):
                await self._client.post(f"/batches/{batch_id}/retry", cast_to=object)
        except TerminalServiceError as error:
            if error.status not in {400, 404}:
                raise
            return False
        return True

    async def list_newest(self, search: str, not_before: float) -> AsyncIterator[RemoteBatch]:
        """Batches, newest first, until one was created before `not_before`; `search` narrows where the list can."""
        query = {"search": search} if self.profile.list_supports_search else {}
        with self._translate("list the batches"):
            async for batch in self._client.batches.list(limit=_PAGE, extra_query=query):
                found = _read_batch(batch)
                if found.created_at < not_before:
                    return
                yield found

    async def iter_lines(self, file_id: str, skip: int = 0) -> AsyncIterator[bytes]:
        """The lines of a file as received, without their ends, from line `skip` on; memory stays flat."""
        query = {"skip": str(skip)} if skip else {}
        with self._translate("read the answers"):
            stream = self._client.files.with_streaming_response.content(file_id, extra_query=query)
            async with stream as response:
                rest = b""
                async for chunk in response.iter_bytes():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
                if rest:
                    yield rest

    async def estimate(self, file_id: str, window: str) -> dict[str, Any]:
        """What the provider thinks a file will cost; `total_estimated_cost` is a decimal as a string."""
        with self._translate("ask for an estimate"):
            answer = await self._client.get(
                f"/files/{file_id}/cost-estimate", cast_to=object, options={"params": {"completion_window": window}}
            )
        return dict(answer) if isinstance(answer, Mapping) else {}

    @contextlib.contextmanager
    def _translate(self, doing: str) -> Iterator[None]:
        import httpx2
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            raise translate_error(error, doing, self._client.api_key) from error
        except httpx2.HTTPError as error:
            raise TransientServiceError(f"The connection broke while trying to {doing}: {error}.") from error


def translate_error(error: openai.OpenAIError, doing: str, secret: str) -> ServiceError:
    """The client's error as one of ours; `secret` is blotted out, since some servers repeat the key they refuse."""
    import openai

    if not isinstance(error, openai.APIStatusError):
        return TransientServiceError(f"The provider could not be reached to {doing}: {error}")
    status = error.status_code
    message = f"The provider refused to {doing} (HTTP {status}): {_read_message(error, secret)}"
    if status >= 500 or status in {408, 409, 429}:
        return TransientServiceError(message, _read_retry_after(error))
    hints = {
        401: " Check the API key.",
        402: " Add credit, then resume: nothing is lost.",
        403: " Check that the key may use this model.",
    }
    return TerminalServiceError(message + hints.get(status, ""), status)


def _read_message(error: openai.APIStatusError, secret: str) -> str:
    body = error.body if isinstance(error.body, Mapping) else {}
    message = str(body.get("message") or error.message)
    return (message.replace(secret, "…") if secret else message)[:300]


def _read_retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None


def _read_batch(batch: Batch) -> RemoteBatch:
    counts = batch.request_counts
    listed = batch.errors.data if batch.errors and batch.errors.data else []
    return RemoteBatch(
        id=batch.id,
        status=batch.status,
        input_file=batch.input_file_id or "",
        output_file=batch.output_file_id or "",
        error_file=batch.error_file_id or "",
        total=counts.total if counts else 0,
        completed=counts.completed if counts else 0,
        created_at=float(batch.created_at or 0),
        metadata=batch.metadata or {},
        problems=tuple(BatchProblem(one.code or "", one.message or "", one.line or 0) for one in listed),
    )
