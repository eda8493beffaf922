"""Questions to a model outside of runs: each is answered once, and the answer is kept as received."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson

from goldspan.annotation.errors import GoldspanError, ServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits
from goldspan.generators.providers.live.request_queue import CompletionQueue
from goldspan.generators.providers.protocol import Answer, AnswerState, Request, read_completion


class Completions:
    """A live executor at work in the background, and the answers that it or an earlier process has kept in `folder`.

    Belongs to the event loop it is made in.

    Raises:
        StateError: another process works in the folder, or the disk refuses.

    """

    def __init__(self, base_url: str, api_key: str, limits: LiveLimits, folder: Path) -> None:
        self._journal = Journal(folder, create=True, lock=True)
        self._kept = {answer.custom_id: answer for answer in _iter_kept(folder / "raw" / "live.jsonl")}
        self._feed = CompletionQueue()
        executor = LiveExecutor(self._journal, base_url, api_key, limits)
        self._trouble: GoldspanError | None = None
        self._driver = asyncio.get_running_loop().create_task(executor.run(self._feed, asyncio.Event()))
        self._driver.add_done_callback(self._note_end)

    async def ask(self, request: Request) -> Answer:
        """The answer to a request, kept or new.

        Raises:
            ServiceError: the server cannot be used as things are.

        """
        if request.custom_id in self._kept:
            return self._kept[request.custom_id]
        if self._trouble:
            raise self._trouble
        answer = await self._feed.ask(request)
        if answer.state is AnswerState.ANSWERED:
            self._kept[request.custom_id] = answer
        return answer

    async def close(self) -> None:
        """Let the answers on their way come home, then close the connections."""
        self._feed.close()
        await asyncio.wait([self._driver])
        self._journal.close()

    def _note_end(self, driver: asyncio.Task[None]) -> None:
        error = None if driver.cancelled() else driver.exception()
        if isinstance(error, GoldspanError):
            self._trouble = error
        else:
            self._trouble = ServiceError(f"The connection to the model is closed ({error or 'ended'}).")
        self._feed.fail(self._trouble)


def _iter_kept(path: Path) -> Iterator[Answer]:
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                kept = orjson.loads(line)
                yield read_completion(kept["custom_id"], kept["body"])
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
