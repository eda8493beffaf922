"""Executor of the offline author: no key, no network, no cost."""

from __future__ import annotations

import asyncio

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.model import count_tokens, write_content
from goldspan.generators.providers.protocol import Answer, Executor, Request, RequestQueue

_AT_ONCE = 32


class OfflineExecutor(Executor):
    """The `Executor` that writes answers itself; they are judged like any model's."""

    def __init__(self, labels: LabelSchema, families: int = 0) -> None:
        self._labels, self._families = labels, families

    async def run(self, queue: RequestQueue, stop: asyncio.Event) -> None:
        """Answer until the queue is finished or `stop` is set."""
        while not stop.is_set() and not queue.finished:
            requests = queue.take(_AT_ONCE)
            queue.deliver([self._answer(request) for request in requests])
            await asyncio.sleep(0)
            if not requests:
                await queue.wait(1.0)

    def _answer(self, request: Request) -> Answer:
        content = write_content(request.body, self._labels, self._families)
        prompt = sum(count_tokens(message["content"]) for message in request.body["messages"])
        return Answer(
            request.custom_id,
            content=content,
            tokens_in=prompt,
            tokens_out=count_tokens(content),
            model=str(request.body["model"]),
        )
