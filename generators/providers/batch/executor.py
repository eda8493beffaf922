"""Gets rows answered in a provider's batches, so that no answer is lost and none is paid twice.

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

from goldspan.annotation.errors import TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal, guard_disk
from goldspan.generators.journal.submissions import list_submissions, plan_submission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.context import BatchContext, find_input
from goldspan.generators.providers.batch.driver import Driver
from goldspan.generators.providers.batch.pace import PollSchedule
from goldspan.generators.providers.batch.shards import BatchShard, encode_line
from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.providers.protocol import Answer, AnswerState, Request, RequestQueue

_CHUNK = 500
_MAX_OPEN = 8
"""Batches that are open at once; more rows wait in the journal."""
_MAX_REFUSALS = 12
_MAX_HOLD = 1800.0


class BatchExecutor:
    """The `Executor` over a provider's batch API.

    `window` is the completion window. `poll_interval` (seconds) replaces the adaptive pace of looking; 0 keeps it.
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
        self._max_rows = max_rows
        self._refusals = 0
        self._hold_until = 0.0
        self._drivers: set[asyncio.Task[None]] = set()
        self._shard: BatchShard | None = None
        self._shard_begun = 0.0
        self._halt = asyncio.Event()

    async def run(self, feed: RequestQueue, stop: asyncio.Event) -> None:
        """Take rows and deliver answers until the feed is finished or `stop` is set.

        Without `wait`: submit what is ready, collect what is there, and return.

        Raises:
            TransientServiceError: the provider stayed away (without `wait`: answered no call), or keeps failing.
            TerminalServiceError: it refuses, or whoever answers does not speak the batch API.

        """
        api = BatchApi(*self._address)
        around = self._surround(api, feed, wait=self._wait, send=True)
        forward = asyncio.create_task(self._forward(stop))
        try:
            for submission in list_submissions(self._journal, open_only=True):
                self._start(Driver(around, submission.intent).drive())
            await self._work(feed, around)
            await self._join()
            if not self._wait:
                api.require_contact()
        except asyncio.CancelledError:
            self._cut_short()
            raise
        finally:
            forward.cancel()
            await self._abort()
            self._drop_shard(feed)
            await api.close()

    async def reconcile(self, feed: RequestQueue) -> None:
        """Find the batches whose replies were lost and bring home what is there; nothing new is asked."""
        await self._drive_open(feed, Driver.drive)

    async def cancel(self, feed: RequestQueue) -> None:
        """Cancel every open batch at the provider, deliver what came, give the other rows back."""
        await self._drive_open(feed, Driver.cancel)

    async def _drive_open(self, feed: RequestQueue, drive: Callable[[Driver], Coroutine[Any, Any, None]]) -> None:
        api = BatchApi(*self._address)
        around = self._surround(api, feed, wait=False, send=False)
        try:
            for submission in list_submissions(self._journal, open_only=True):
                self._start(drive(Driver(around, submission.intent)))
            await self._join()
            api.require_contact()
        except asyncio.CancelledError:
            self._cut_short()
            raise
        finally:
            await self._abort()
            await api.close()

    async def _work(self, feed: RequestQueue, around: BatchContext) -> None:
        while not self._halt.is_set() and not (feed.finished and not self._shard):
            self._reap()
            has_taken = await self._gather(feed, around)
            if self._is_shard_due(has_taken):
                self._submit(around)
            if not self._wait and not has_taken and not self._drivers:
                return
            if not has_taken:
                await self._pause(feed)

    async def _gather(self, feed: RequestQueue, around: BatchContext) -> bool:
        """Move rows that are ready into shards. True if there were any."""
        if len(self._drivers) >= _MAX_OPEN or self._is_held():
            return False
        requests = feed.take(_CHUNK)
        for request in requests:
            self._add(request, feed, around)
        await asyncio.sleep(0)
        return bool(requests)

    def _add(self, request: Request, feed: RequestQueue, around: BatchContext) -> None:
        line = encode_line(request)
        if len(line) > self._profile.max_body_bytes:
            message = f"the request has {len(line):,} bytes, the provider takes {self._profile.max_body_bytes:,}"
            feed.deliver([Answer(request.custom_id, AnswerState.FAILED, error="body_too_large", message=message)])
            return
        with guard_disk(self._journal.folder):
            if self._shard and not self._shard.add(request, line):
                self._submit(around)
            if self._shard is None:
                intent = secrets.token_hex(8)
                self._shard = BatchShard(find_input(self._journal, intent), self._profile, self._max_rows)
                self._shard_begun = time.monotonic()
                self._shard.add(request, line)

    def _is_shard_due(self, has_taken: bool) -> bool:
        if self._shard is None:
            return False
        is_old = time.monotonic() - self._shard_begun >= self._pace.gather
        return self._shard.is_full or (not has_taken and (is_old or not self._drivers or not self._wait))

    def _submit(self, around: BatchContext) -> None:
        """Close the shard, write its intent, and set a driver to work."""
        shard, self._shard = self._shard, None
        if shard is None:
            return
        with guard_disk(self._journal.folder):
            sha256 = shard.close()
        failpoint("shard-written")
        intent = shard.path.stem
        plan_submission(self._journal, intent, shard.custom_ids, sha256=sha256)
        failpoint("batch-planned")
        self._start(Driver(around, intent).drive())

    async def _pause(self, feed: RequestQueue) -> None:
        """Until rows may be ready, a batch has ended, the shard has waited long enough, or the run shall halt."""
        until = [self._pace.last_poll]
        if self._shard:
            until.append(self._pace.gather - (time.monotonic() - self._shard_begun))
        if self._is_held():
            until.append(self._hold_until - time.monotonic())
        waits: set[asyncio.Task[Any]] = {asyncio.create_task(self._halt.wait())}
        if len(self._drivers) < _MAX_OPEN and not self._is_held():
            waits.add(asyncio.create_task(feed.wait(None)))
        try:
            await asyncio.wait({*waits, *self._drivers}, timeout=max(min(until), 0.0), return_when="FIRST_COMPLETED")
        finally:
            for task in waits:
                task.cancel()

    def _is_held(self) -> bool:
        """After a full queue, for a while: our own batches take up the room."""
        return time.monotonic() < self._hold_until

    def _on_queue_full(self, rows: int) -> None:
        self._refusals += 1
        if self._refusals > _MAX_REFUSALS:
            raise TransientServiceError("The provider's queue stays full. Resume later: nothing is lost.")
        self._max_rows = max(1, min(self._max_rows, rows // 2))
        self._hold_until = time.monotonic() + min(self._pace.hold * 2 ** (self._refusals - 1), _MAX_HOLD)

    def _surround(self, api: BatchApi, feed: RequestQueue, *, wait: bool, send: bool) -> BatchContext:
        self._halt = asyncio.Event()
        return BatchContext(
            api, self._journal, feed, self._window, self._pace, wait, send, self._halt, self._on_queue_full
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        self._drivers.add(asyncio.create_task(work))

    def _reap(self) -> None:
        """Forget drivers that are done; raise what one of them raised."""
        done = {task for task in self._drivers if task.done()}
        self._drivers -= done
        for task in done:
            task.result()

    async def _join(self) -> None:
        while self._drivers:
            await asyncio.wait(self._drivers, return_when="FIRST_COMPLETED")
            self._reap()

    async def _abort(self) -> None:
        """Let drivers come to a safe point; none is left behind."""
        self._halt.set()
        await asyncio.gather(*self._drivers, return_exceptions=True)
        self._drivers.clear()

    def _cut_short(self) -> None:
        for task in self._drivers:
            task.cancel()

    def _drop_shard(self, feed: RequestQueue) -> None:
        if self._shard:
            feed.give_back(self._shard.custom_ids)
            self._shard.discard()
            self._shard = None

    async def _forward(self, stop: asyncio.Event) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await stop.wait()
            self._halt.set()
