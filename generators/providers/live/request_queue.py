"""Request queue for single completions that callers await, without a run's pipeline."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence

from goldspan.annotation.errors import GoldspanError
from goldspan.generators.providers.protocol import Answer, Request


class CompletionQueue:
    """Passes requests to an executor and each answer to its caller. Belongs to one event loop."""

    def __init__(self) -> None:
        self._ready: deque[Request] = deque()
        self._taken: dict[str, Request] = {}
        self._futures: dict[str, asyncio.Future[Answer]] = {}
        self._changed = asyncio.Event()
        self._closed = False

    async def ask(self, request: Request) -> Answer:
        """The answer to a request; equal requests in flight are sent once.

        Raises:
            GoldspanError: the executor gave up.
        """
        future = self._futures.get(request.custom_id)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            self._futures[request.custom_id] = future
            self._ready.append(request)
            self._changed.set()
        return await asyncio.shield(future)

    def close(self) -> None:
        """Accept no more requests."""
        self._closed = True
        self._changed.set()

    def fail(self, error: GoldspanError) -> None:
        """The executor has given up: raise the error in every caller."""
        for future in self._futures.values():
            if not future.done():
                future.set_exception(error)
                future.exception()
        self._futures.clear()
        self._ready.clear()
        self._taken.clear()

    @property
    def finished(self) -> bool:
        """True when it is closed and nothing is ready or outstanding."""
        return self._closed and not self._ready and not self._taken

    def take(self, limit: int) -> list[Request]:
        """Up to `limit` requests that are ready."""
        requests = [self._ready.popleft() for _ in range(min(limit, len(self._ready)))]
        self._taken |= {request.custom_id: request for request in requests}
        return requests

    def deliver(self, answers: Sequence[Answer]) -> None:
        """Wake the callers; a second answer to one request is ignored."""
        for answer in answers:
            self._taken.pop(answer.custom_id, None)
            future = self._futures.pop(answer.custom_id, None)
            if future is not None and not future.done():
                future.set_result(answer)
        self._changed.set()

    def give_back(self, custom_ids: Iterable[str]) -> None:
        """Requests that were not sent: ready again."""
        for custom_id in custom_ids:
            request = self._taken.pop(custom_id, None)
            if request is not None:
                self._ready.append(request)
        self._changed.set()

    async def wait(self, timeout: float | None = None) -> None:
        """Sleep until something changed, at most `timeout` seconds."""
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return
