"""What one server takes at a time: sizes, requests at work, requests of one client, seconds."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.wording import format_count


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a server.

    `characters` of all texts of a request, `body_bytes` of a JSON body, `file_bytes` of an upload, requests at work
    (`concurrent`) and waiting (`waiting`), `seconds` a request may take, requests a client may make in a minute
    (`per_minute`, 0: any number).
    """

    characters: int = 200_000
    body_bytes: int = 4 * 1024 * 1024
    file_bytes: int = 50 * 1024 * 1024
    concurrent: int = 32
    waiting: int = 128
    seconds: float = 120.0
    per_minute: int = 0


class LimitError(GoldspanError):
    """A request is too large, comes too often, or finds the server busy; `status` is 413, 429 or 503."""

    def __init__(self, message: str, status: int, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after


class Admission:
    """Lets `concurrent` requests work and `waiting` wait; the next ones are refused at once."""

    def __init__(self, limits: Limits) -> None:
        self._slots = asyncio.Semaphore(limits.concurrent)
        self._limits = limits
        self.waiting = self.working = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Hold a place for the block.

        Raises:
            LimitError: too many wait already, or the block takes too long.
        """
        if self.waiting >= self._limits.waiting:
            raise LimitError(f"The server is busy: {format_count(self.waiting, 'request')} waiting already.", 503, 2)
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.working += 1
        try:
            async with asyncio.timeout(self._limits.seconds):
                yield
        except TimeoutError:
            raise LimitError(
                f"The request took longer than {self._limits.seconds:.0f} s; nothing is given out.", 503
            ) from None
        finally:
            self.working -= 1
            self._slots.release()


class RateLimiter:
    """Counts the requests of each client: a bucket of `per_minute` that fills steadily."""

    _CLIENTS = 10_000

    def __init__(self, per_minute: int) -> None:
        self._rate = per_minute / 60
        self._size = float(per_minute)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> None:
        """Count a request.

        Raises:
            LimitError: the client made too many.
        """
        if not self._size:
            return
        now = monotonic()
        level, seen = self._buckets.pop(client, (self._size, now))
        level = min(self._size, level + (now - seen) * self._rate)
        self._buckets[client] = (max(level - 1, 0.0) if level >= 1 else level, now)
        if len(self._buckets) > self._CLIENTS:
            self._buckets.popitem(last=False)
        if level < 1:
            wait = int((1 - level) / self._rate) + 1
            raise LimitError(f"More than {self._size:.0f} requests a minute; try again in {wait} s.", 429, wait)
