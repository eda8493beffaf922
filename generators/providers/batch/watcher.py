"""Polls a batch until every one of its rows is accounted for: submitted → collected.

A batch that has ended is collected once its lines and its counts agree, a refused one once two polls in turn show it
refused. A row counts as missing only when the
provider's own counts say that no more lines will come, seen twice, or after minutes (`PollSchedule.settle`) of polling.
A batch that the provider does not know is looked for in its list, and given up after an hour (`PollSchedule.vanish`).
Whatever is to be asked again is written to the journal first.
"""

from __future__ import annotations

import asyncio
import time

from goldspan.annotation.errors import ServiceError, TerminalServiceError, TransientServiceError
from goldspan.annotation.wording import format_count
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.submissions import Submission
from goldspan.generators.providers.batch.accounting import account_rows, give_up_batch
from goldspan.generators.providers.batch.collector import Collector
from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord
from goldspan.generators.providers.batch.reconcile import find_batches, keep_one
from goldspan.generators.providers.batch.replies import KNOWN, TERMINAL, ForeignReplyError, RemoteBatch
from goldspan.generators.providers.batch.schedule import sleep_unless


class Watcher:
    """Polls and collects one submitted batch."""

    def __init__(self, context: BatchContext, record: SubmissionRecord) -> None:
        self._context, self._record, self._api = context, record, context.api
        self._collector = Collector(context.api, context.journal, context.queue, record.intent)
        self._outages: dict[str, float] = {}
        self._polled: dict[str, float] = {}
        self._reported: set[str] = set()

    async def watch(self) -> bool:
        """Poll until the batch has ended and is collected. False if the provider still needs time."""
        pause = 0.0
        while True:
            batch = await self._retrieve()
            if batch is not None:
                self._note_status(batch)
                await self._cancel_doubles(batch)
                if batch.status != "validating" and not batch.problems:
                    self._context.admission.note_accepted()
                if batch.status in TERMINAL:
                    failpoint("batch-ended")
                    if await self._collect(batch):
                        return True
                else:
                    self._forget("incomplete", "refused")
                    if self._api.profile.partial_streaming and batch.output_file:
                        await self._read_partially(batch)
            if not self._context.wait:
                return False
            pause = self._context.pace.next_poll(pause)
            if await sleep_unless(self._context.halt, pause):
                return False

    async def cancel(self) -> None:
        """Cancel at the provider, deliver what was answered, give the rest back.

        Raises:
            TransientServiceError: the provider does not say what became of the batch.
        """
        await self._api.cancel(self._record.read().batch)
        pause, asked = 0.0, 0
        while True:
            batch = await self._retrieve()
            if batch is not None:
                await self._cancel_doubles(batch)
                if batch.status in TERMINAL and await self._settle_files(batch):
                    break
            asked += batch is None
            if asked > len(self._context.pace.grace) + 1:
                raise TransientServiceError(
                    f"The provider does not say what became of batch {self._record.read().batch}. Cancel again later, "
                    f"or give it up with `goldspan generate cancel {self._context.journal.run_id} --abandon`."
                )
            pause = self._context.pace.next_poll(pause)
            await asyncio.sleep(pause)
        await self._collector.deliver(list(self._collector.unreadable.values()))
        self._collector.give_back()
        self._record.close("collected")

    async def _collect(self, batch: RemoteBatch) -> bool:
        """Account for every row of a batch that has ended. False: poll again."""
        collector = self._collector
        if not await self._settle_files(batch):
            return False
        submission = self._record.read()
        if batch.problems and not collector.lines and len(collector.open_rows) == submission.rows:
            give_up_batch(self._context, self._record, collector, batch)
            return True
        may_retry = self._context.send and self._api.profile.server_retry and not submission.details.get("retried")
        if (collector.failed or collector.missing) and may_retry:
            self._forget("incomplete")
            self._remember(retried=True)
            await self._api.retry(batch.id)
            return False
        await account_rows(self._context, self._record, collector, batch)
        return True

    async def _settle_files(self, batch: RemoteBatch) -> bool:
        """Read the files of a batch that has ended; False while lines are expected that are not there."""
        collector = self._collector
        try:
            await collector.read_files(batch)
        except TransientServiceError as error:
            self._note_outage("files", error)
            return False
        if collector.foreign and not collector.lines and collector.open_rows:
            self._note_outage("files", self._api.describe_foreign_file())
            return False
        self._outages.pop("files", None)
        submission = self._record.read()
        if batch.problems and not collector.lines and len(collector.open_rows) == submission.rows:
            is_confirmed = "refused" in submission.details
            self._remember(refused=True)
            return is_confirmed
        if not (collector.missing or collector.unreadable or collector.nameless):
            return True
        if not self._is_settled(batch, submission):
            return False
        collector.match_nameless()
        return True

    def _is_settled(self, batch: RemoteBatch, submission: Submission) -> bool:
        """True when no more lines will come: the counts agree with the lines, twice, or minutes have passed."""
        collector = self._collector
        is_first = "incomplete" not in submission.details
        waited = self._measure_wait("incomplete")
        if is_first:
            return False
        read = submission.rows - len(collector.missing)
        is_whole = not (collector.unreadable or collector.nameless or collector.foreign)
        if is_whole and batch.total and batch.completed + batch.failed <= read:
            return True
        self._report_once(
            "waiting",
            f"Batch {batch.id} has ended as {batch.status} with "
            f"{format_count(batch.completed + batch.failed, 'row')} by its count, "
            f"and its files show {read} of {submission.rows}. Waiting up to {self._context.pace.settle / 60:.0f} "
            "minutes for the rest: nothing is asked again before.",
        )
        return waited >= self._context.pace.settle

    async def _retrieve(self) -> RemoteBatch | None:
        """The batch; None while the provider cannot be reached, answers something else, or does not know it."""
        batch_id = self._record.read().batch
        try:
            batch = await self._api.retrieve(batch_id)
        except (TransientServiceError, ForeignReplyError) as error:
            self._note_outage("batch", error)
            return None
        except TerminalServiceError as error:
            if error.status != 404:
                raise
            return await self._find_again(batch_id)
        self._outages.pop("batch", None)
        self._api.note_look(self._record.intent)
        self._forget("unknown")
        return batch

    async def _find_again(self, batch_id: str) -> RemoteBatch | None:
        """The batch from the list, when the provider does not know it by its id. Given up after `vanish` seconds."""
        waited = self._measure_wait("unknown")
        try:
            found = await find_batches(self._api, self._record.read())
        except ServiceError:
            found = []
        if found:
            batch = await keep_one(self._api, found, batch_id)
            if batch.id != batch_id:
                self._record.adopt(batch)
            return batch
        self._report_once(
            "waiting",
            f"The provider does not know batch {batch_id} (404) and does not list it. Waiting up to "
            f"{self._context.pace.vanish / 60:.0f} minutes: nothing is asked again before.",
        )
        if waited < self._context.pace.vanish:
            return None
        self._remember(incomplete=self._context.pace.settle)
        return RemoteBatch(batch_id, "failed")

    def _measure_wait(self, state: str) -> float:
        """Seconds for which polls have found the batch in a state, which ends when it is forgotten.

        Between polls of this process they are measured by a clock that is never set; only from an earlier process's
        last poll to this one's first by the time of day.
        """
        now, passed = time.time(), asyncio.get_running_loop().time()
        details = self._record.read().details
        before = self._polled.get(state)
        if state not in details:
            step = 0.0
        elif before is None:
            step = max(0.0, now - float(details.get(f"{state}_at", now)))
        else:
            step = passed - before
        self._polled[state] = passed
        waited = float(details.get(state, 0.0)) + step
        self._remember(**{state: waited, f"{state}_at": now})
        return waited

    def _note_outage(self, what: str, error: ServiceError) -> None:
        """Remember since when `what` gave nothing useful; raise the error after `outage` seconds."""
        now = asyncio.get_running_loop().time()
        if now - self._outages.setdefault(what, now) >= self._context.pace.outage:
            raise error
        if not self._context.wait:
            self._api.note_look(self._record.intent, error)
        self._report_once("waiting", f"{error} Trying again.")

    async def _cancel_doubles(self, batch: RemoteBatch) -> None:
        """Cancel batches of calls that were repeated because the list did not show yet that they had worked."""
        submission = self._record.read()
        if submission.details.get("creations", 1) > 1:
            await keep_one(self._api, [batch, *await find_batches(self._api, submission)], batch.id)

    async def _read_partially(self, batch: RemoteBatch) -> None:
        try:
            await self._collector.read_new(batch.output_file, batch.completed)
        except ServiceError as error:
            self._report_once("partial reading", str(error))

    def _note_status(self, batch: RemoteBatch) -> None:
        known = self._record.read()
        seen = {"status": batch.status, "output_file": batch.output_file, "error_file": batch.error_file}
        if any(getattr(known, name) != value for name, value in seen.items()):
            self._record.update(durable=False, **seen)
        if batch.status not in KNOWN:
            self._report_once("waiting", f"Batch {batch.id} has the status {batch.status!r}, which is not known here.")

    def _report_once(self, kind: str, message: str) -> None:
        if message not in self._reported:
            self._reported.add(message)
            self._context.journal.write_event(kind, message, intent=self._record.intent)

    def _remember(self, **details: float) -> None:
        self._record.update(details={**self._record.read().details, **details})

    def _forget(self, *names: str) -> None:
        known = self._record.read().details
        if not known.keys().isdisjoint(names):
            self._record.update(details={name: value for name, value in known.items() if name not in names})
