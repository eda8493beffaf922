"""Polls a batch until every one of its rows is accounted for: submitted → collected."""

from __future__ import annotations

import asyncio

from goldspan.annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.batch.api import TERMINAL, RemoteBatch
from goldspan.generators.providers.batch.collector import Collector
from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord
from goldspan.generators.providers.batch.reconcile import find_batches, keep_one
from goldspan.generators.providers.batch.schedule import sleep_unless
from goldspan.generators.providers.batch.shards import read_custom_id
from goldspan.generators.providers.protocol import Answer, AnswerState

QUEUE_FULL = "token_limit_exceeded"
_MAX_GONE = 5


class Watcher:
    """Polls and collects one submitted batch."""

    def __init__(self, context: BatchContext, record: SubmissionRecord) -> None:
        self._context, self._record, self._api = context, record, context.api
        self._collector = Collector(context.api, context.journal, context.queue, record.intent)
        self._unreachable_since = 0.0
        self._not_found = 0

    async def watch(self) -> bool:
        """Poll until the batch has ended and is collected. False if the provider still needs time."""
        batch_id = self._record.read().batch
        pause = 0.0
        while True:
            batch = await self._retrieve(batch_id)
            if batch is not None:
                self._note_status(batch)
                await self._cancel_doubles(batch)
                if batch.status != "validating" and not batch.problems:
                    self._context.on_accepted()
                if batch.status in TERMINAL:
                    failpoint("batch-ended")
                    if await self._collect(batch):
                        return True
                    pause = 0.0
                elif self._api.profile.partial_streaming and batch.output_file:
                    await self._read_partially(batch)
            if not self._context.wait:
                return False
            pause = self._context.pace.next_poll(pause)
            if await sleep_unless(self._context.halt, pause):
                return False

    async def cancel(self) -> None:
        """Cancel at the provider, deliver what was answered, give the rest back."""
        batch_id = self._record.read().batch
        await self._api.cancel(batch_id)
        pause = 0.0
        while (batch := await self._retrieve(batch_id)) is None or batch.status not in TERMINAL:
            pause = self._context.pace.next_poll(pause)
            await asyncio.sleep(pause)
        await self._collector.read_output(batch)
        self._collector.give_back()
        self._record.close("collected")

    async def _collect(self, batch: RemoteBatch) -> bool:
        """Account for every row of a batch that has ended. False if the provider retries the failed ones."""
        submission = self._record.read()
        collector = self._collector
        await collector.read_output(batch)
        failed = await collector.read_errors(batch)
        if batch.problems and not failed and len(collector.open_rows) == submission.rows:
            self._give_up_batch(batch, submission.rows)
            return True
        may_retry = self._context.send and self._api.profile.server_retry and not submission.details.get("retried")
        if collector.open_rows and may_retry:
            self._record.update(details={**submission.details, "retried": True})
            if await self._api.retry(batch.id):
                return False
        await collector.deliver_failed(failed, batch.status)
        self._record.close("collected")
        return True

    def _give_up_batch(self, batch: RemoteBatch, rows: int) -> None:
        """The batch was refused as a whole and nothing was paid: rows go back, lines that were named have failed."""
        problem = batch.problems[0]
        bad = self._find_bad_rows(batch)
        self._context.queue.deliver(bad)
        self._collector.open_rows -= {answer.custom_id for answer in bad}
        self._collector.give_back()
        self._record.close("abandoned")
        if problem.code == QUEUE_FULL:
            self._context.journal.write_event("queue full", problem.message, batch=batch.id, rows=rows)
            self._context.on_queue_full(rows)
            return
        self._context.on_accepted()
        if not bad:
            raise TerminalServiceError(f"The provider refused batch {batch.id}: {problem.message} ({problem.code}).")

    def _find_bad_rows(self, batch: RemoteBatch) -> list[Answer]:
        named = {read_custom_id(self._record.input_path, one.line): one for one in batch.problems if one.line}
        return [
            Answer(custom_id, AnswerState.FAILED, error=one.code, message=one.message)
            for custom_id, one in named.items()
            if custom_id in self._collector.open_rows
        ]

    async def _retrieve(self, batch_id: str) -> RemoteBatch | None:
        """The batch; None when the provider cannot be reached just now. One that is gone for good has failed."""
        now = asyncio.get_running_loop().time()
        try:
            batch = await self._api.retrieve(batch_id)
        except TransientServiceError:
            self._unreachable_since = self._unreachable_since or now
            if now - self._unreachable_since > self._context.pace.outage:
                raise
            return None
        except TerminalServiceError as error:
            if error.status != 404:
                raise
            self._not_found += 1
            return RemoteBatch(batch_id, "failed") if self._not_found >= _MAX_GONE else None
        self._unreachable_since = self._not_found = 0
        return batch

    async def _cancel_doubles(self, batch: RemoteBatch) -> None:
        """Cancel batches of calls that were repeated because the list did not show yet that they had worked."""
        submission = self._record.read()
        if submission.details.get("creations", 1) > 1:
            await keep_one(self._api, [batch, *await find_batches(self._api, submission)], batch.id)

    async def _read_partially(self, batch: RemoteBatch) -> None:
        try:
            await self._collector.read_new(batch.output_file, batch.completed)
        except ServiceError as error:
            self._context.journal.write_event("partial reading", str(error))

    def _note_status(self, batch: RemoteBatch) -> None:
        known = self._record.read()
        seen = {"status": batch.status, "output_file": batch.output_file, "error_file": batch.error_file}
        if any(getattr(known, name) != value for name, value in seen.items()):
            self._record.update(durable=False, **seen)
