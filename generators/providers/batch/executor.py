"""Batch executor: submits rows as provider batches and collects the answers exactly once.

Rows are gathered into shards within the provider's limits. Of each shard the file is on disk first, then the intent
(one commit that ties its rows to it), then it is uploaded, created once, watched, and read to the last row:

    planned → uploaded → creating → submitted → collected
                  ↑__________|          ╰→ abandoned (refused as a whole: its rows are ready again)

A refused upload leads from `planned` to `abandoned` too: what never reached the provider has nothing to wait for.
A process that died anywhere goes on from the state it finds. `creating` is the dangerous one: the call may have been
carried out or not, so the provider is asked for a batch with the intent in its metadata before anything is repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine
from typing import Any

from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions, plan_submission
from goldspan.generators.providers.batch.admission import Admission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.context import BatchContext, find_input, remove_inputs
from goldspan.generators.providers.batch.driver import BatchDriver
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.batch.shards import BatchShard, encode_line
from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.providers.protocol import Answer, AnswerState, Executor, Request, RequestQueue
from goldspan.generators.providers.replay import replay_answers


class BatchExecutor(Executor):
    """The `Executor` over a provider's batch API.

    `window` is the completion window. `poll_interval` (seconds) replaces the adaptive polling interval; 0: adaptive.
    `wait=False` submits what is ready, collects what is there, and returns. `max_rows` caps the rows of one batch.
    """

    def __init__(
        self,
        journal: Journal,
        profile: ProviderProfile,
        base_url: str,
        api_key: str,
        window: str,
        poll_interval: float = 0.0,
        wait: bool = True,
        pace: PollSchedule | None = None,
        max_rows: int = 50_000,
    ) -> None:
        self._journal, self._profile, self._window, self._wait = journal, profile, window, wait
        self._address = (profile, base_url, api_key)
        self._pace = (pace or PollSchedule()).with_interval(poll_interval)
        self._admission = Admission(journal, self._pace, max_rows, lambda: self._wake.set())
        self._tasks: set[asyncio.Task[None]] = set()
        self._shard: BatchShard | None = None
        self._shard_begun = 0.0
        self._halt, self._wake = asyncio.Event(), asyncio.Event()

    async def run(self, queue: RequestQueue, stop: asyncio.Event) -> None:
        """Take rows and deliver answers until the queue is finished or `stop` is set.

        Without `wait`: submit what is ready, collect what is there, and return.

        Raises:
            TransientServiceError: the provider is unreachable (without `wait`: answered no call), or keeps failing.
            TerminalServiceError: it refuses, or the server does not implement the batch API.
        """
        api = BatchApi(*self._address)
        context = self._make_context(api, queue, wait=self._wait, send=True)
        forward = asyncio.create_task(self._forward(stop))
        submissions = list_submissions(self._journal, open_only=True)
        try:
            replay_answers(self._journal, queue)
            remove_inputs(self._journal, {submission.intent for submission in submissions})
            for submission in submissions:
                self._start(BatchDriver(context, submission.intent).drive())
            await self._run_loop(queue, context)
            await self._join()
            if not self._wait:
                api.require_contact()
        except asyncio.CancelledError:
            self._cancel_tasks()
            raise
        finally:
            forward.cancel()
            await self._abort()
            self._drop_shard(queue)
            await api.close()

    async def reconcile(self, queue: RequestQueue) -> None:
        """Find the batches whose replies were lost and collect what is there; send nothing new."""
        await self._drive_open(queue, BatchDriver.drive)

    async def cancel(self, queue: RequestQueue) -> None:
        """Cancel every open batch at the provider, deliver what came, give the other rows back."""
        await self._drive_open(queue, BatchDriver.cancel)

    async def abandon(self, queue: RequestQueue) -> None:
        """Forget every open batch without asking the provider; its rows are ready again and may be paid twice."""
        await self._drive_open(queue, BatchDriver.give_up)

    async def _drive_open(self, queue: RequestQueue, drive: Callable[[BatchDriver], Coroutine[Any, Any, None]]) -> None:
        api = BatchApi(*self._address)
        context = self._make_context(api, queue, wait=False, send=False)
        try:
            replay_answers(self._journal, queue)
            for submission in list_submissions(self._journal, open_only=True):
                self._start(drive(BatchDriver(context, submission.intent)))
            await self._join()
            api.require_contact()
        except asyncio.CancelledError:
            self._cancel_tasks()
            raise
        finally:
            await self._abort()
            await api.close()

    async def _run_loop(self, queue: RequestQueue, context: BatchContext) -> None:
        while not self._halt.is_set() and not (queue.finished and not self._shard):
            self._reap()
            has_taken = await self._gather(queue, context)
            if self._is_shard_due(has_taken):
                self._submit(context)
            if not self._wait and not has_taken and not self._tasks:
                return
            if not has_taken:
                await self._pause(queue)

    async def _gather(self, queue: RequestQueue, context: BatchContext) -> bool:
        """Move rows that are ready into shards. True if there were any."""
        if not self._admission.may_send(len(self._tasks)):
            return False
        requests = queue.take(self._admission.count_room(len(self._shard.custom_ids) if self._shard else 0))
        if not self._shard and self._admission.wants_probe(len(requests)):
            self._probe(requests, queue, context)
            return True
        for request in requests:
            self._add(request, queue, context)
        await asyncio.sleep(0)
        return bool(requests)

    def _probe(self, requests: list[Request], queue: RequestQueue, context: BatchContext) -> None:
        """Send one row by itself and put the others back: what the model or account refuses shows at the least cost."""
        queue.give_back(request.custom_id for request in requests[1:])
        self._add(requests[0], queue, context)
        self._journal.write_event("probe", "One row is sent first; the others follow when it is answered.")
        self._submit(context, is_probe=True)

    def _add(self, request: Request, queue: RequestQueue, context: BatchContext) -> None:
        line = encode_line(self._admission.adapt_request(request))
        if len(line) > self._profile.max_body_bytes:
            message = f"the request has {len(line):,} bytes, the provider takes {self._profile.max_body_bytes:,}"
            queue.deliver([Answer(request.custom_id, AnswerState.FAILED, error="body_too_large", message=message)])
            return
        with self._journal.guard():
            if self._shard and not self._shard.add(request, line):
                self._submit(context)
            if self._shard is None:
                intent = secrets.token_hex(8)
                self._shard = BatchShard(find_input(self._journal, intent), self._profile, self._admission.max_rows)
                self._shard_begun = time.monotonic()
                self._shard.add(request, line)

    def _is_shard_due(self, has_taken: bool) -> bool:
        if self._shard is None:
            return False
        is_old = time.monotonic() - self._shard_begun >= self._pace.gather
        return self._shard.is_full or (not has_taken and (is_old or not self._tasks or not self._wait))

    def _submit(self, context: BatchContext, *, is_probe: bool = False) -> None:
        """Close the shard, write its intent, and start its state machine."""
        shard, self._shard = self._shard, None
        if shard is None:
            return
        with self._journal.guard():
            sha256 = shard.close()
        failpoint("shard-written")
        intent = shard.path.stem
        plan_submission(self._journal, intent, shard.custom_ids, sha256=sha256)
        failpoint("batch-planned")
        self._admission.note_sent(self._start(BatchDriver(context, intent).drive()), is_probe=is_probe)

    async def _pause(self, queue: RequestQueue) -> None:
        """Sleep until rows may be ready, a batch has ended, the shard is due, or the run halts."""
        until = [self._pace.last_poll]
        if self._shard:
            until.append(self._pace.gather - (time.monotonic() - self._shard_begun))
        if left := self._admission.hold_left():
            until.append(left)
        self._wake.clear()
        waits: set[asyncio.Task[Any]] = {asyncio.create_task(event.wait()) for event in (self._halt, self._wake)}
        if self._admission.may_send(len(self._tasks)):
            waits.add(asyncio.create_task(queue.wait(None)))
        try:
            await asyncio.wait({*waits, *self._tasks}, timeout=max(min(until), 0.0), return_when="FIRST_COMPLETED")
        finally:
            for task in waits:
                task.cancel()

    def _make_context(self, api: BatchApi, queue: RequestQueue, *, wait: bool, send: bool) -> BatchContext:
        self._halt, self._wake = asyncio.Event(), asyncio.Event()
        return BatchContext(
            api, self._journal, queue, self._window, self._pace, wait, send, self._halt, self._admission
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        return task

    def _reap(self) -> None:
        """Remove finished submissions; raise the error of a failed one."""
        done = {task for task in self._tasks if task.done()}
        self._tasks -= done
        for task in done:
            task.result()

    async def _join(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks, return_when="FIRST_COMPLETED")
            self._reap()

    async def _abort(self) -> None:
        """Wait until every submission is at a safe point."""
        self._halt.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def _cancel_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _drop_shard(self, queue: RequestQueue) -> None:
        if self._shard:
            queue.give_back(self._shard.custom_ids)
            self._shard.discard()
            self._shard = None

    async def _forward(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()
            self._halt.set()
