"""Single completions through a provider's batches: cheaper, slower, each answer kept and none paid twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import DECIDED_STATES, Row, RowKey, fold_custom_id
from goldspan.generators.providers.batch.executor import BatchExecutor
from goldspan.generators.providers.batch.lines import read_line
from goldspan.generators.providers.live.completions import Completion, ExecutorTask
from goldspan.generators.providers.live.request_queue import CompletionQueue
from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.providers.protocol import Answer, AnswerState, Request

_ITEM = 0
_SUBMITTED = "submitted"


class BatchCompletions:
    """What `live.completions.Completions` does, through batches of the cheapest window.

    Requests that wait together share a batch. The journal of `folder` says how each request ended, raw files hold the
    answers: after a crash the batches that are open are collected, not created again. Belongs to the event loop it is
    made in.

    Args:
        profile: of the provider.
        base_url: its address.
        api_key: its key.
        folder: journal and raw answers.
        poll_interval: seconds between two looks at a batch; 0: adaptive.

    Raises:
        ConfigurationError: the provider has no batches.
        StateError: another process works in the folder, or the disk refuses.
    """

    def __init__(
        self, profile: ProviderProfile, base_url: str, api_key: str, folder: Path, poll_interval: float = 0.0
    ) -> None:
        if not profile.windows:
            raise ConfigurationError(f"Goldspan makes no batches at {profile.name}: use the mode live.")
        self._journal = Journal(folder, create=True, lock=True)
        self._journal.release_unclaimed()
        self._answers = {fold_custom_id(answer.custom_id): answer for answer in _iter_raw(folder / "raw")}
        if not self._journal.next_item():
            self._journal.add_item(_ITEM, {}, "")
        executor = BatchExecutor(self._journal, profile, base_url, api_key, profile.windows[0], poll_interval)
        self._task = ExecutorTask(self._journal, _JournalQueue(self._journal), executor)

    def is_cached(self, request: Request) -> bool:
        """True if a request has ended before."""
        row = self._journal.find_row(request.custom_id)
        return row is not None and row.state in DECIDED_STATES

    async def complete(self, request: Request) -> Completion:
        """The answer to a request, from the journal or from a batch.

        Raises:
            ServiceError: the provider cannot be used as things are.
        """
        row = self._journal.find_row(request.custom_id)
        if row is not None and row.state in DECIDED_STATES:
            return Completion(self._answers.get(fold_custom_id(request.custom_id)) or _make_ended(row), cached=True)
        answer = await self._task.ask(request)
        self._answers[fold_custom_id(request.custom_id)] = answer
        return Completion(answer, cached=False)

    async def close(self) -> None:
        """Close the connections; batches that are still open stay with the provider for the next time."""
        await self._task.close(stops=True)


class _JournalQueue(CompletionQueue):
    """Requests of callers, with a row in the journal for each."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._requests: dict[str, Request] = {}

    async def ask(self, request: Request) -> Answer:
        """The answer to a request; one that a batch holds since an earlier process is waited for, not sent again."""
        name = request.custom_id
        self._requests[name] = request
        row = self._journal.find_row(name)
        if row is None:
            self._journal.add_row(name, RowKey(_ITEM, request.stage, request.attempt))
        if row is None or row.state != _SUBMITTED:
            return await super().ask(request)
        future = self._futures.setdefault(name, asyncio.get_running_loop().create_future())
        return await asyncio.shield(future)

    def take(self, limit: int) -> list[Request]:
        """Up to `limit` requests that are ready, marked in the journal."""
        requests = super().take(limit)
        self._journal.set_submitted([request.custom_id for request in requests])
        return requests

    def deliver(self, answers: Sequence[Answer]) -> None:
        """Commit the answers, then wake the callers."""
        with self._journal.transaction(durable=True):
            for answer in answers:
                row = self._journal.find_row(answer.custom_id)
                if row is not None and row.state not in DECIDED_STATES:
                    self._journal.decide_row(_decide(row, answer))
        super().deliver(answers)

    def give_back(self, custom_ids: Iterable[str]) -> None:
        """Requests that were not sent: ready again, also those of an earlier process that a caller waits for."""
        names = list(custom_ids)
        self._journal.set_pending(names)
        lost = [name for name in names if name not in self._taken and name in self._futures]
        super().give_back(names)
        self._ready.extend(self._requests[name] for name in lost)


def _decide(row: Row, answer: Answer) -> Row:
    state = {AnswerState.ANSWERED: "ok", AnswerState.FAILED: "failed", AnswerState.MISSING: "missing"}[answer.state]
    return replace(
        row,
        state=state,
        reason=answer.message or answer.error,
        finish_reason=answer.finish_reason,
        model=answer.model,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
    )


def _iter_raw(folder: Path) -> Iterator[Answer]:
    """Answers in the raw files."""
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                answer = read_line(line)
                if answer is not None and answer.state is AnswerState.ANSWERED:
                    yield answer


def _make_ended(row: Row) -> Answer:
    """A request that ended without an answer, or whose answer was erased since."""
    return Answer(row.custom_id, AnswerState.FAILED, message=row.reason or "the answer is not there any more")
