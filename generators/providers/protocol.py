"""The protocol between the pipeline and an executor.

An *executor* gets rows answered: live over a pool of connections, in batches of a provider, or from the offline
author. The pipeline owns the meaning (prompts, validation, retries, budget); the executor owns transport.

    queue.take(limit)      -> requests that are ready now; [] when none is ready now
    queue.deliver(answers) -> answers read, judged and committed when it returns; later stages and retries become ready
    queue.give_back(ids)   -> requests that were taken but certainly never sent; ready again, no attempt is counted
    queue.wait(timeout)    -> sleeps until something may be ready, or the queue is finished
    queue.finished         -> nothing is ready, nothing is outstanding, nothing will come

Rules for an executor:

1. A taken row is `submitted` in the journal. It is outstanding until it is delivered or given back.
2. An executor that pays per submission writes the intent first: `submissions.plan_submission` ties the rows to it. Rows
   without a submission that were outstanding when a process died are ready again on the next run; rows of a submission
   are not: the executor recovers them (`submissions.list_submissions(journal, open_only=True)`) and delivers each.
3. Every taken row ends in exactly one of: delivered, given back, or still tied to an open submission when `run` returns
   (the provider is at work; the command exits with "waiting").
4. A row that the provider will not answer any more is delivered as MISSING or FAILED, never dropped in silence.
5. A second answer to one custom_id is harmless: the queue ignores it.
6. The provider's bytes go to the journal's raw files, as received, before their answers are delivered.
7. `run` returns when `queue.finished`, or soon after `stop` is set: it then takes no more rows and lets what is in
   flight finish (live) or leaves it with the provider (batch). Cancelling the task is the second Ctrl-C: leave.
8. Queue and journal belong to the event loop's thread. They are not thread-safe; none of their calls blocks long.
9. A problem with a single row is an Answer; a problem with all rows (wrong key, unknown model, no balance, disk full)
   is raised as an error of `goldspan.annotation.errors` and ends the run, resumable.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class AnswerState(StrEnum):
    """Transport outcome of one request; the stage judges the content."""

    ANSWERED = "answered"
    FAILED = "failed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Request:
    """One row to be asked. `body` is a `/v1/chat/completions` body; equal requests have equal bytes.

    `custom_id` is at most 64 ASCII characters: `<stage>-<item>-<attempt>-<hash8 of the body>`.
    `body["response_format"]`, when present, is `json_schema`; an executor may weaken it for models that refuse it.
    """

    custom_id: str
    stage: str
    item: int
    attempt: int
    body: Mapping[str, Any]

    @property
    def batch_line(self) -> dict[str, Any]:
        """The request as a line of a batch input file."""
        return {"custom_id": self.custom_id, "method": "POST", "url": "/v1/chat/completions", "body": self.body}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one request.

    `error` is a short code (`rate_limit`, `batch_expired`, `server_error`, `http_400`), `message` a sentence for
    people, without secrets.
    `detail` is the provider's own code beside an HTTP status. `repairs` names what was repaired to find the content.
    """

    custom_id: str
    state: AnswerState = AnswerState.ANSWERED
    content: str = ""
    finish_reason: str = "stop"
    refusal: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    model: str = ""
    error: str = ""
    message: str = ""
    detail: str = ""
    repairs: tuple[str, ...] = ()


class RequestQueue(Protocol):
    """The pipeline's side of the protocol: a queue of requests."""

    @property
    def finished(self) -> bool:
        """True when no row is ready, none is outstanding and none will come."""

    def take(self, limit: int) -> list[Request]:
        """Up to `limit` requests that are ready now, each marked as submitted; empty when none is ready."""

    def deliver(self, answers: Sequence[Answer]) -> None:
        """Judge and commit answers; when this returns they are in the journal."""

    def give_back(self, custom_ids: Iterable[str]) -> None:
        """Requests that were taken and certainly not sent; they are ready again."""

    async def wait(self, timeout: float | None = None) -> None:
        """Sleep until a row may be ready or the queue is finished, at most `timeout` seconds."""


class Executor(ABC):
    """Executes requests. All but `run` is for executors that leave requests with the provider."""

    @abstractmethod
    async def run(self, queue: RequestQueue, stop: asyncio.Event) -> None:
        """Take rows and deliver answers until the queue is finished or `stop` is set.

        Raises:
            TerminalServiceError: no row can be answered as things are (key, model, balance).
            TransientServiceError: the service is down or keeps failing; the run can be resumed later.
        """

    async def reconcile(self, queue: RequestQueue) -> None:  # noqa: B027
        """Look up open submissions at the provider and deliver their answers; send nothing new."""

    async def cancel(self, queue: RequestQueue) -> None:  # noqa: B027
        """Cancel at the provider whatever is still open, and deliver the answers received so far."""

    async def abandon(self, queue: RequestQueue) -> None:  # noqa: B027
        """Forget whatever is open at the provider, without asking it; the rows are ready again."""
