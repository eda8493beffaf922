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
from goldspan.generators.providers.protocol import Answer, AnswerState, Executor, Request


class Completion(NamedTuple):
    """The answer to one request; `cached` where it was paid for before."""

    answer: Answer
    cached: bool


class ExecutorTask:
    """An executor that runs in the background and answers single requests; belongs to the event loop it is made in."""

    def __init__(self, journal: Journal, queue: CompletionQueue, executor: Executor) -> None:
        self._journal, self._queue = journal, queue
        self._stop = asyncio.Event()
        self._error: GoldspanError | None = None
        self._task = asyncio.get_running_loop().create_task(executor.run(queue, self._stop))
        self._task.add_done_callback(self._note_end)

    async def ask(self, request: Request) -> Answer:
        """The answer to a request.

        Raises:
            ServiceError: the server cannot be used as things are.
        """
        if self._error:
            raise self._error
        return await self._queue.ask(request)

    async def close(self, *, stops: bool = False) -> None:
        """Wait for the answers in flight (with `stops`, for those that the executor waits for), then close."""
        self._queue.close()
        if stops:
            self._stop.set()
        await asyncio.wait([self._task])
        self._journal.close()

    def _note_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if not isinstance(error, GoldspanError):
            error = ServiceError(f"The connection to the model is closed ({error or 'ended'}).")
        self._error = error
        self._queue.fail(error)


class Completions:
    """A live executor that runs in the background, with a cache of every answer ever received in `folder`.

    Belongs to the event loop it is made in.

    Raises:
        StateError: another process works in the folder, or the disk refuses.
    """

    def __init__(self, base_url: str, api_key: str, limits: LiveLimits, folder: Path) -> None:
        journal = Journal(folder, create=True, lock=True)
        self._cache = {answer.custom_id: answer for answer in iter_stored(folder)}
        self._task = ExecutorTask(journal, CompletionQueue(), LiveExecutor(journal, base_url, api_key, limits))

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
        answer = await self._task.ask(request)
        if answer.state is AnswerState.ANSWERED:
            self._cache[request.custom_id] = answer
        return Completion(answer, cached=False)

    async def close(self) -> None:
        """Wait for the answers in flight, then close the connections."""
        await self._task.close()
