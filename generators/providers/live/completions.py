"""Single completions outside a run, cached on disk."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import GoldspanError, ServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits
from goldspan.generators.providers.live.replay import iter_stored
from goldspan.generators.providers.live.request_queue import CompletionQueue
from goldspan.generators.providers.protocol import Answer, AnswerState, Request


class Completion(NamedTuple):
    """The answer to one request; `cached` where it was paid for before."""

    answer: Answer
    cached: bool


class Completions:
    """A live executor that runs in the background, with a cache of every answer ever received in `folder`.

    Belongs to the event loop it is made in.

    Raises:
        StateError: another process works in the folder, or the disk refuses.
    """

    def __init__(self, base_url: str, api_key: str, limits: LiveLimits, folder: Path) -> None:
        self._journal = Journal(folder, create=True, lock=True)
        self._cache = {answer.custom_id: answer for answer in iter_stored(folder)}
        self._queue = CompletionQueue()
        executor = LiveExecutor(self._journal, base_url, api_key, limits)
        self._error: GoldspanError | None = None
        self._task = asyncio.get_running_loop().create_task(executor.run(self._queue, asyncio.Event()))
        self._task.add_done_callback(self._note_end)

    def is_cached(self, request: Request) -> bool:
        """True if a request can be answered from the cache."""
        return request.custom_id in self._cache

    async def complete(self, request: Request) -> Completion:
        """The answer to a request, from the cache or from the server.

        Raises:
            ServiceError: the server cannot be used as things are.
        """
        if request.custom_id in self._cache:
            return Completion(self._cache[request.custom_id], cached=True)
        if self._error:
            raise self._error
        answer = await self._queue.ask(request)
        if answer.state is AnswerState.ANSWERED:
            self._cache[request.custom_id] = answer
        return Completion(answer, cached=False)

    async def close(self) -> None:
        """Wait for the answers in flight, then close the connections."""
        self._queue.close()
        await asyncio.wait([self._task])
        self._journal.close()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, GoldspanError):
            self._error = error
        else:
            self._error = ServiceError(f"The connection to the model is closed ({error or 'ended'}).")
        self._queue.fail(self._error)
