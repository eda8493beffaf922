"""Gets rows answered one request at a time, many at once, as fast as the server lets us."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from goldspan.annotation.errors import GoldspanError, TerminalServiceError, TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal, guard_disk
from goldspan.generators.providers.budget import EXPECTED_OUTPUT, count_prompt_tokens
from goldspan.generators.providers.client import ChatClient, Rejected, Throttled, Unreachable
from goldspan.generators.providers.live import controller
from goldspan.generators.providers.live.limits import MinuteLimit
from goldspan.generators.providers.live.replay import replay_answers
from goldspan.generators.providers.protocol import Answer, AnswerState, Request, RequestQueue, read_completion

_TAKE_AT_ONCE = 4
_READY = 32
"""Requests that are made ahead, while all connections are busy."""
_EASE_IN, _LONGEST_GAP = 0.5, 0.02
"""Seconds over which the connections go out one by one, and the most between two: requests that leave together come
back together, wait for each other, and leave together again."""
_LOOK_EVERY = 0.25
_DROPS = 2
"""How often a request may fail on its way before the row counts as failed."""
_PATIENCE = 600.0
"""Seconds of nothing but 429 after which the run stops."""


@dataclass(frozen=True, slots=True)
class LiveLimits:
    """At most so many requests at once, and so many requests and tokens a minute (0: no limit)."""

    max_workers: int = 16
    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class LiveExecutor:
    """The `Executor` over a pool of connections. One use: `run` once."""

    def __init__(
        self,
        journal: Journal,
        base_url: str,
        api_key: str,
        limits: LiveLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._url, self._key, self._clock = journal, base_url, api_key, clock
        self._workers = limits.max_workers
        self._requests = MinuteLimit(limits.requests_per_minute, clock())
        self._tokens = MinuteLimit(limits.tokens_per_minute, clock())
        self._pace = controller.begin_pace(limits.max_workers)
        self._breaker = controller.Breaker()
        self._ready: deque[Request] = deque()
        self._flying: set[asyncio.Task[None]] = set()
        self._drops: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._trouble: GoldspanError | None = None
        self._last_progress = clock()
        self._gap, self._launch_at = min(_EASE_IN / limits.max_workers, _LONGEST_GAP), clock()

    async def run(self, feed: RequestQueue, stop: asyncio.Event) -> None:
        """Answer until the feed is finished or `stop` is set; then let what is on its way come home.

        Raises:
            TerminalServiceError: the server answers nobody with these settings.
            TransientServiceError: the server does not answer, or mostly fails.

        """
        self._stop = stop
        client = ChatClient(self._url, self._key, self._workers)
        try:
            await self._dispatch(client, feed)
            await self._land()
        finally:
            for task in self._flying:
                task.cancel()
            await asyncio.gather(*self._flying, return_exceptions=True)
            await client.close()
        if self._trouble:
            raise self._trouble

    async def reconcile(self, feed: RequestQueue) -> None:
        """Nothing stays with the server."""

    async def cancel(self, feed: RequestQueue) -> None:
        """Nothing stays with the server."""

    async def _dispatch(self, client: ChatClient, feed: RequestQueue) -> None:
        replay_answers(self._journal, feed, "live")
        self._raw = self._journal.open_raw("live")
        while self._goes_on() and not feed.finished:
            pause = max(self._measure_pause(), self._launch_at - self._clock(), 0.0)
            if self._ready and not pause and len(self._flying) < self._pace.limit:
                self._launch(client, feed)
            elif len(self._ready) < _READY and self._refill(feed):
                await asyncio.sleep(0)
            else:
                await self._sleep(min(pause or _LOOK_EVERY, _LOOK_EVERY))
        feed.give_back(request.custom_id for request in self._ready)
        self._ready.clear()

    def _measure_pause(self) -> float:
        now = self._clock()
        pause = max(controller.measure_pause(self._pace, now), self._requests.measure_pause(1, now))
        if self._ready:
            pause = max(pause, self._tokens.measure_pause(_count_tokens(self._ready[0]), now))
        return pause

    def _pick(self) -> Request:
        request = self._ready.popleft()
        self._requests.take(1)
        self._tokens.take(_count_tokens(request))
        return request

    def _refill(self, feed: RequestQueue) -> bool:
        taken = feed.take(_TAKE_AT_ONCE)
        failpoint("rows-taken")
        self._ready.extend(taken)
        return bool(taken)

    async def _sleep(self, seconds: float) -> None:
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    def _launch(self, client: ChatClient, feed: RequestQueue) -> None:
        self._launch_at = self._clock() + self._gap
        task = asyncio.get_running_loop().create_task(self._fly(client, feed, self._pick()))
        self._flying.add(task)
        task.add_done_callback(self._come_home)

    async def _fly(self, client: ChatClient, feed: RequestQueue, request: Request) -> None:
        """Ask one request after another: a connection that is free goes on at once, and keeps its place in time."""
        await self._ask(client, feed, request)
        while self._ready and self._goes_on() and not self._measure_pause() and len(self._flying) <= self._pace.limit:
            self._wake.set()
            await self._ask(client, feed, self._pick())

    def _goes_on(self) -> bool:
        return not (self._stop.is_set() or self._trouble)

    def _come_home(self, task: asyncio.Task[None]) -> None:
        self._flying.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            self._trouble = self._trouble or _name_trouble(error)

    async def _land(self) -> None:
        while self._flying:
            await asyncio.wait(self._flying)

    async def _ask(self, client: ChatClient, feed: RequestQueue, request: Request) -> None:
        sent_at = self._clock()
        try:
            reply = await client.ask(request.body, request.custom_id)
        except Throttled as throttle:
            self._slow_down(throttle, sent_at)
            feed.give_back([request.custom_id])
        except Unreachable as error:
            self._note_drop(feed, request, error)
        except Rejected as rejection:
            self._note_outcome(success=False, error=rejection)
            feed.deliver([_make_failure(request, f"http_{rejection.status}", rejection)])
        except TerminalServiceError:
            feed.give_back([request.custom_id])
            raise
        else:
            self._pace = controller.observe_answer(self._pace).pace
            self._note_outcome(success=True)
            failpoint("answer-received")
            with guard_disk(self._journal.folder):
                self._raw.append(_make_line(request.custom_id, reply.raw))
            failpoint("answer-kept")
            feed.deliver([read_completion(request.custom_id, reply.body)])
            failpoint("answer-delivered")

    def _slow_down(self, throttle: Throttled, sent_at: float) -> None:
        now = self._clock()
        decision = controller.observe_throttle(self._pace, now=now, sent_at=sent_at, retry_after=throttle.retry_after)
        self._pace = decision.pace
        if now - self._last_progress > _PATIENCE:
            self._trouble = TransientServiceError(
                f"{self._url} has answered nothing but 429 for {_PATIENCE / 60:.0f} minutes. "
                "Resume later, or with fewer --max-workers."
            )

    def _note_drop(self, feed: RequestQueue, request: Request, error: Unreachable) -> None:
        self._note_outcome(success=False, error=error)
        self._drops[request.custom_id] += 1
        if self._drops[request.custom_id] < _DROPS or not self._breaker.succeeded:
            feed.give_back([request.custom_id])
        else:
            feed.deliver([_make_failure(request, "server_error", error)])

    def _note_outcome(self, *, success: bool, error: GoldspanError | None = None) -> None:
        self._breaker = self._breaker.observe(success)
        if success:
            self._last_progress = self._clock()
        elif self._breaker.is_open and not self._trouble:
            self._trouble = TransientServiceError(
                "The server keeps failing; the run has stopped so as not to burn attempts. "
                f"The last failure: {str(error).rstrip('.')}. "
                "Everything answered is kept; resume when the server is well."
            )


def _count_tokens(request: Request) -> int:
    return count_prompt_tokens(request.body) + EXPECTED_OUTPUT


def _make_failure(request: Request, code: str, error: GoldspanError) -> Answer:
    return Answer(request.custom_id, AnswerState.FAILED, finish_reason="", error=code, message=str(error))


def _make_line(custom_id: str, raw: bytes) -> bytes:
    return b'{"custom_id":' + orjson.dumps(custom_id) + b',"body":' + raw.replace(b"\n", b" ") + b"}\n"


def _name_trouble(error: BaseException) -> GoldspanError:
    if isinstance(error, GoldspanError):
        return error
    return TerminalServiceError(f"The request could not be made: {type(error).__name__}: {error}")
