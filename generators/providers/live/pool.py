"""Gets rows answered one request at a time, many at once, as fast as the server lets us."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from dataclasses import dataclass

import orjson

from goldspan.annotation.errors import GoldspanError, TerminalServiceError, TransientServiceError
from goldspan.annotation.wording import format_count
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import EXPECTED_OUTPUT, count_prompt_tokens
from goldspan.generators.providers.client import ChatClient, Rejected, Throttled, Unreachable, Unreadable
from goldspan.generators.providers.live import controller
from goldspan.generators.providers.live.limits import MinuteLimit
from goldspan.generators.providers.live.replay import RAW_NAME, make_line
from goldspan.generators.providers.parsing import read_completion
from goldspan.generators.providers.protocol import Answer, AnswerState, Executor, Request, RequestQueue
from goldspan.generators.providers.replay import replay_answers
from goldspan.generators.providers.waiting import LONGEST_WAIT, describe_wait

_TAKE_AT_ONCE = 8
_READY = 32
"""Requests built ahead, while all connections are busy."""
_EASE_IN, _LONGEST_GAP = 0.5, 0.02
"""Seconds over which the connections go out one by one, and the most between two: requests sent together are
answered together, wait for each other, and are sent together again."""
_POLL_SECONDS = 0.25
_DROPS = 2
"""Transport failures of a request before its row counts as failed."""
_SAID_FROM = 10.0
"""Seconds of pause from which on it is written to the journal."""
_DRAIN = (5.0, 60.0)
"""Seconds that requests in flight are waited for when the run stops: three times the slowest answer, within these."""
_PATIENCE = 600.0
"""Seconds of nothing but 429 after which the run stops."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """At most so many requests at once, and so many requests and tokens a minute (0: no limit)."""

    max_workers: int = 16
    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class LiveExecutor(Executor):
    """The `Executor` over a pool of connections. One use: `run` once."""

    def __init__(
        self,
        journal: Journal,
        base_url: str,
        api_key: str,
        limits: LiveLimits,
    ) -> None:
        self._journal, self._url, self._key = journal, base_url, api_key
        self._workers = limits.max_workers
        self._requests = MinuteLimit(limits.requests_per_minute, time.monotonic())
        self._tokens = MinuteLimit(limits.tokens_per_minute, time.monotonic())
        self._pace = controller.start_pool_state(limits.max_workers)
        self._breaker = controller.Breaker()
        self._ready: deque[Request] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._drops: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._error: GoldspanError | None = None
        self._last_progress = time.monotonic()
        self._slowest = 0.0
        self._gap, self._launch_at = min(_EASE_IN / limits.max_workers, _LONGEST_GAP), time.monotonic()

    async def run(self, queue: RequestQueue, stop: asyncio.Event) -> None:
        """Answer until the queue is finished or `stop` is set; then wait for requests in flight.

        Raises:
            TerminalServiceError: the server rejects every request with these settings.
            TransientServiceError: the server does not answer, or mostly fails.
        """
        self._stop = stop
        client = ChatClient(self._url, self._key, self._workers)
        try:
            await self._dispatch(client, queue)
            await self._drain()
        finally:
            for task in self._in_flight:
                task.cancel()
            await asyncio.gather(*self._in_flight, return_exceptions=True)
            await client.close()
        if self._error:
            raise self._error

    async def _dispatch(self, client: ChatClient, queue: RequestQueue) -> None:
        replay_answers(self._journal, queue)
        self._raw = self._journal.open_raw(RAW_NAME)
        while self._is_running() and not queue.finished:
            pause = max(self._measure_pause(), self._launch_at - time.monotonic(), 0.0)
            if self._ready and not pause and len(self._in_flight) < self._pace.limit:
                self._launch(client, queue)
            elif len(self._ready) < _READY and self._refill(queue):
                await asyncio.sleep(0)
            else:
                await self._sleep(min(pause or _POLL_SECONDS, _POLL_SECONDS))
        queue.give_back(request.custom_id for request in self._ready)
        self._ready.clear()

    def _measure_pause(self) -> float:
        now = time.monotonic()
        pause = max(controller.measure_pause(self._pace, now), self._requests.measure_pause(1, now))
        if self._ready and self._tokens.is_limited:
            pause = max(pause, self._tokens.measure_pause(_count_tokens(self._ready[0]), now))
        return pause

    def _pick(self) -> Request:
        request = self._ready.popleft()
        self._requests.take(1)
        if self._tokens.is_limited:
            self._tokens.take(_count_tokens(request))
        return request

    def _refill(self, queue: RequestQueue) -> bool:
        taken = queue.take(_TAKE_AT_ONCE)
        failpoint("rows-taken")
        self._ready.extend(taken)
        return bool(taken)

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    def _launch(self, client: ChatClient, queue: RequestQueue) -> None:
        self._launch_at = time.monotonic() + self._gap
        task = asyncio.get_running_loop().create_task(self._run_slot(client, queue, self._pick()))
        self._in_flight.add(task)
        task.add_done_callback(self._note_done)

    async def _run_slot(self, client: ChatClient, queue: RequestQueue, request: Request) -> None:
        """Send one request after another: a free connection takes the next request at once, and keeps its phase."""
        await self._ask(client, queue, request)
        while (
            self._ready
            and self._is_running()
            and not self._measure_pause()
            and len(self._in_flight) <= self._pace.limit
        ):
            self._wake.set()
            await self._ask(client, queue, self._pick())

    def _is_running(self) -> bool:
        return not (self._stop.is_set() or self._error)

    def _note_done(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            self._error = self._error or _as_error(error)

    async def _drain(self) -> None:
        """Wait for requests in flight, but not for those that hang."""
        patience = min(max(3 * self._slowest, _DRAIN[0]), _DRAIN[1])
        until = time.monotonic() + patience
        if self._in_flight and self._stop.is_set():
            self._journal.write_event(
                "waiting",
                f"Stopping: waiting up to {patience:.0f} s for {format_count(len(self._in_flight), 'request')} in "
                "flight. "
                "Ctrl-C again exits at once.",
            )
        while self._in_flight and time.monotonic() < until:
            await asyncio.wait(self._in_flight, timeout=until - time.monotonic())
        if self._in_flight:
            self._journal.write_event(
                "stopped", f"{len(self._in_flight)} requests had no answer after {patience:.0f} s and were given up."
            )

    async def _ask(self, client: ChatClient, queue: RequestQueue, request: Request) -> None:
        sent_at = time.monotonic()
        try:
            reply = await client.ask(request.body, request.custom_id)
        except Throttled as throttle:
            self._slow_down(throttle, sent_at)
            queue.give_back([request.custom_id])
        except Unreachable as error:
            self._note_drop(queue, request, error)
        except Unreadable as error:
            self._store_unreadable(request, error)
            self._note_drop(queue, request, error)
        except Rejected as rejection:
            self._note_outcome(success=False, error=rejection)
            queue.deliver([_make_failure(request, f"http_{rejection.status}", rejection)])
        except TerminalServiceError:
            queue.give_back([request.custom_id])
            raise
        else:
            self._slowest = max(self._slowest, time.monotonic() - sent_at)
            self._pace = controller.observe_answer(self._pace)
            self._note_outcome(success=True)
            failpoint("answer-received")
            with self._journal.guard():
                self._raw.append(make_line(request.custom_id, reply))
            failpoint("answer-kept")
            queue.deliver([read_completion(request.custom_id, reply.body)])
            failpoint("answer-delivered")

    def _slow_down(self, throttle: Throttled, sent_at: float) -> None:
        now = time.monotonic()
        if throttle.retry_after is not None and throttle.retry_after > LONGEST_WAIT:
            self._error = self._error or TransientServiceError(
                f"{self._url} asks to wait {describe_wait(throttle.retry_after)} (429, Retry-After). The run has "
                "stopped; everything answered is kept. Resume after that time."
            )
            return
        before = self._pace
        self._pace = controller.observe_throttle(before, now=now, sent_at=sent_at, retry_after=throttle.retry_after)
        is_new_burst = self._pace.cut_at > before.cut_at
        if is_new_burst and (pause := controller.measure_pause(self._pace, now)) >= _SAID_FROM:
            self._journal.write_event("waiting", f"The server asks to slow down (429): waiting {pause:.0f} s.")
        if now - self._last_progress > _PATIENCE:
            self._error = TransientServiceError(
                f"{self._url} has answered nothing but 429 for {_PATIENCE / 60:.0f} minutes. "
                "Resume later, or with fewer --max-workers."
            )

    def _store_unreadable(self, request: Request, error: Unreadable) -> None:
        """Store what came in place of an answer, beside the answers."""
        with self._journal.guard():
            raw = self._journal.open_raw("live-unreadable")
            raw.append(orjson.dumps({"custom_id": request.custom_id, "raw": error.raw.decode("utf-8", "replace")}))
            raw.close()

    def _note_drop(self, queue: RequestQueue, request: Request, error: Unreachable | Unreadable) -> None:
        self._note_outcome(success=False, error=error)
        self._drops[request.custom_id] += 1
        if self._drops[request.custom_id] < _DROPS or not self._breaker.succeeded:
            queue.give_back([request.custom_id])
        else:
            code = "unreadable_answer" if isinstance(error, Unreadable) else "server_error"
            queue.deliver([_make_failure(request, code, error)])

    def _note_outcome(self, *, success: bool, error: GoldspanError | None = None) -> None:
        self._breaker = self._breaker.observe(success)
        if success:
            self._last_progress = time.monotonic()
        elif self._breaker.is_open and not self._error:
            self._error = TransientServiceError(
                "The server keeps failing; the run has stopped so as not to burn attempts. "
                f"The last failure: {str(error).rstrip('.')}. "
                "Everything answered is kept; resume when the server works again."
            )


def _count_tokens(request: Request) -> int:
    return count_prompt_tokens(request.body) + EXPECTED_OUTPUT


def _make_failure(request: Request, code: str, error: GoldspanError) -> Answer:
    return Answer(request.custom_id, AnswerState.FAILED, finish_reason="", error=code, message=str(error))


def _as_error(error: BaseException) -> GoldspanError:
    if isinstance(error, GoldspanError):
        return error
    return TerminalServiceError(f"The request could not be made: {type(error).__name__}: {error}")
