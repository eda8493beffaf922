"""Drives one batch from its intent to its last answer; every step is on disk before the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotation.errors import ServiceError, StateError, TerminalServiceError, TransientServiceError
from generators.commit_points import pass_commit_point
from generators.journal import Journal
from generators.providers.base import Answer, AnswerState, Feed
from generators.providers.batch_api import TERMINAL, BatchApi, RemoteBatch
from generators.providers.collector import Collector
from generators.providers.pace import Pace, sleep_unless
from generators.providers.reconcile import find_batches, keep_one, list_waits
from generators.providers.shards import read_custom_id
from generators.submissions import Submission, read_submission, update_submission

_MAX_UPLOADS = 4
_MAX_CREATIONS = 6
_MAX_GONE = 5
_SENDING = frozenset({"planned", "uploaded"})
QUEUE_FULL = "token_limit_exceeded"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all drivers of a run share.

    `wait` False looks at each batch once. `send` False asks for nothing new. `halt` ends polling. `on_queue_full`
    hears of the rows of a shard that was too large.
    """

    api: BatchApi
    journal: Journal
    feed: Feed
    window: str
    pace: Pace
    wait: bool
    send: bool
    halt: asyncio.Event
    on_queue_full: Callable[[int], None]

    def find_input(self, intent: str) -> Path:
        """The local file of a submission's requests: the source of truth, the provider's copy may be gone."""
        return find_input(self.journal, intent)


def find_input(journal: Journal, intent: str) -> Path:
    """Where the requests of a submission lie on this machine."""
    return journal.folder / "batches" / f"{intent}.jsonl"


class Driver:
    """Drives one submission."""

    def __init__(self, around: Surroundings, intent: str) -> None:
        self._around, self._intent = around, intent
        self._api, self._journal, self._pace = around.api, around.journal, around.pace
        self._unreachable_since = 0.0
        self._times_gone = 0

    async def drive(self) -> None:
        """Go on from wherever the submission is; returns when it is closed, or when the provider needs time.

        Raises:
            TransientServiceError, TerminalServiceError: the submission stays open and can be resumed.

        """
        steps = {"planned": self._upload, "uploaded": self._create, "creating": self._settle, "submitted": self._watch}
        while (state := self._read().state) in steps:
            if state in _SENDING and not self._around.send:
                return
            if not await steps[state]():
                return

    async def cancel(self) -> None:
        """Cancel at the provider, bring home what came, give the rest back."""
        submission = self._read()
        if submission.state == "creating" and (found := await self._look_up(submission)):
            submission = self._adopt(await keep_one(self._api, found))
        collector = self._open_collector()
        if submission.state == "submitted":
            await self._api.cancel(submission.batch)
            batch = await self._await_end(submission)
            await collector.read_output(batch)
        collector.give_back()
        self._update(state="collected" if submission.batch else "abandoned")

    async def _upload(self) -> bool:
        """Planned → uploaded"""
        submission = self._read()
        uploads = self._count(submission, "uploads", _MAX_UPLOADS)
        name = f"goldspan-{self._journal.run_id}-{self._intent}.jsonl"
        path = self._around.find_input(self._intent)
        if not path.exists():
            raise StateError(f"The requests of batch {self._intent} are gone: {path}. `cancel` gives its rows back.")
        file_id = await self._api.upload(path, name)
        pass_commit_point("file-uploaded")
        self._update(state="uploaded", input_file=file_id, details={**submission.details, "uploads": uploads})
        pass_commit_point("upload-recorded")
        await self._note_estimate(file_id)
        return True

    async def _create(self) -> bool:
        """Uploaded → submitted, or creating when the reply was lost"""
        submission = self._read()
        creations = self._count(submission, "creations", _MAX_CREATIONS)
        self._update(state="creating", details={**submission.details, "creations": creations})
        pass_commit_point("creation-announced")
        metadata = {"goldspan_run": self._journal.run_id[:200], "goldspan_sha256": submission.sha256}
        try:
            batch = await self._api.create(submission.input_file, self._around.window, self._intent, metadata)
        except TransientServiceError as error:
            self._update(state="uploaded", details=submission.details)
            return not await sleep_unless(self._around.halt, error.retry_after or self._pace.first_poll)
        except TerminalServiceError as error:
            self._update(state="planned" if error.status == 404 else "uploaded", details=submission.details)
            if error.status != 404:
                raise
            return True
        if batch is None:
            return True
        pass_commit_point("batch-created")
        if creations > 1 and (found := await self._look_up(submission)):
            batch = await keep_one(self._api, found)
        self._adopt(batch)
        return True

    async def _settle(self) -> bool:
        """Creating → submitted when the batch is there, uploaded when it certainly is not"""
        submission = self._read()
        for pause in (0.0, *list_waits(submission, self._pace.grace)):
            if pause and await sleep_unless(self._around.halt, pause):
                return False
            if found := await self._look_up(submission):
                self._adopt(await keep_one(self._api, found))
                return True
        self._update(state="uploaded")
        return True

    async def _watch(self) -> bool:
        """Submitted → collected or abandoned"""
        submission = self._read()
        collector = self._open_collector()
        pause = 0.0
        while True:
            batch = await self._look(submission.batch)
            if batch is not None:
                submission = self._note_status(submission, batch)
                if batch.status in TERMINAL:
                    pass_commit_point("batch-ended")
                    if await self._collect(submission, batch, collector):
                        return True
                    submission, pause = self._read(), 0.0
                elif self._api.profile.partial_streaming and batch.output_file:
                    await self._read_partially(collector, batch)
            if not self._around.wait:
                return False
            pause = self._pace.next_poll(pause)
            if await sleep_unless(self._around.halt, pause):
                return False

    async def _collect(self, submission: Submission, batch: RemoteBatch, collector: Collector) -> bool:
        """Account for every row of a batch that has ended. False: the provider runs the failed ones again."""
        if submission.details.get("creations", 1) > 1:
            await keep_one(self._api, [batch, *await self._look_up(submission)], batch.id)
        await collector.read_output(batch)
        failed = await collector.read_errors(batch)
        if batch.problems and not failed and len(collector.open_rows) == submission.rows:
            self._give_up_batch(submission, batch, collector)
            return True
        may_retry = self._around.send and self._api.profile.server_retry and not submission.details.get("retried")
        if collector.open_rows and may_retry:
            self._update(details={**submission.details, "retried": True})
            if await self._api.retry(batch.id):
                return False
        await collector.deliver_failed(failed, batch.status)
        self._update(state="collected")
        pass_commit_point("batch-collected")
        self._around.find_input(self._intent).unlink(missing_ok=True)
        return True

    def _give_up_batch(self, submission: Submission, batch: RemoteBatch, collector: Collector) -> None:
        """The batch was refused as a whole and nothing was paid: rows go back, lines that were named are dead."""
        problem = batch.problems[0]
        named = {
            read_custom_id(self._around.find_input(self._intent), one.line): one for one in batch.problems if one.line
        }
        bad = [
            Answer(custom_id, AnswerState.FAILED, error=one.code, message=one.message)
            for custom_id, one in named.items()
            if custom_id in collector.open_rows
        ]
        self._around.feed.deliver(bad)
        collector.open_rows -= {answer.custom_id for answer in bad}
        collector.give_back()
        self._update(state="abandoned")
        self._around.find_input(self._intent).unlink(missing_ok=True)
        if problem.code == QUEUE_FULL:
            self._journal.write_event("queue full", problem.message, batch=batch.id, rows=submission.rows)
            self._around.on_queue_full(submission.rows)
        elif not bad:
            raise TerminalServiceError(f"The provider refused batch {batch.id}: {problem.message} ({problem.code}).")

    async def _await_end(self, submission: Submission) -> RemoteBatch:
        pause = 0.0
        while (batch := await self._look(submission.batch)) is None or batch.status not in TERMINAL:
            pause = self._pace.next_poll(pause)
            await asyncio.sleep(pause)
        return batch

    async def _look(self, batch_id: str) -> RemoteBatch | None:
        """The batch; None when the provider cannot be reached just now. One that is gone for good has failed."""
        loop = asyncio.get_running_loop()
        try:
            batch = await self._api.retrieve(batch_id)
        except TransientServiceError:
            self._unreachable_since = self._unreachable_since or loop.time()
            if loop.time() - self._unreachable_since > self._pace.outage:
                raise
            return None
        except TerminalServiceError as error:
            self._times_gone += 1
            if error.status != 404:
                raise
            return RemoteBatch(batch_id, "failed") if self._times_gone >= _MAX_GONE else None
        self._unreachable_since = self._times_gone = 0
        return batch

    async def _read_partially(self, collector: Collector, batch: RemoteBatch) -> None:
        try:
            await collector.read_new(batch.output_file, batch.completed)
        except TransientServiceError as error:
            self._journal.write_event("partial reading", str(error))

    async def _look_up(self, submission: Submission) -> list[RemoteBatch]:
        return await find_batches(self._api, submission)

    async def _note_estimate(self, file_id: str) -> None:
        if not self._api.profile.cost_estimate:
            return
        try:
            estimate = await self._api.estimate(file_id, self._around.window)
        except ServiceError:
            return
        cost = estimate.get("total_estimated_cost")
        self._journal.write_event("estimate", f"The provider expects batch {self._intent} to cost {cost} USD.")

    def _note_status(self, submission: Submission, batch: RemoteBatch) -> Submission:
        if (batch.status, batch.output_file, batch.error_file) == (
            submission.status,
            submission.output_file,
            submission.error_file,
        ):
            return submission
        self._update(status=batch.status, output_file=batch.output_file, error_file=batch.error_file, durable=False)
        return self._read()

    def _adopt(self, batch: RemoteBatch) -> Submission:
        self._update(state="submitted", batch=batch.id, status=batch.status)
        self._journal.write_event("batch", f"The provider took batch {batch.id}.", intent=self._intent)
        pass_commit_point("batch-recorded")
        return self._read()

    def _count(self, submission: Submission, what: str, limit: int) -> int:
        count = int(submission.details.get(what, 0)) + 1
        if count > limit:
            self._update(details={**submission.details, what: 0})
            raise TransientServiceError(f"The provider failed {limit} times at the {what} of one batch. Resume later.")
        return count

    def _open_collector(self) -> Collector:
        return Collector(self._api, self._journal, self._around.feed, self._intent)

    def _read(self) -> Submission:
        return read_submission(self._journal, self._intent)

    def _update(self, *, durable: bool = True, **fields: Any) -> None:
        update_submission(self._journal, self._intent, durable=durable, **fields)
