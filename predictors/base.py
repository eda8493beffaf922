"""What every predictor offers, whether it waits for the network or keeps a core busy."""

from __future__ import annotations

import asyncio
from abc import ABC
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.types import Annotation, Sample


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample: an annotation, or the error that stands in its place; `seconds` it took."""

    sample: Sample
    annotation: Annotation | None
    error: GoldspanError | None
    seconds: float


class Predictor(ABC):
    """Reads a text and returns one annotation by a model.

    A subclass implements one of two methods: `predict_async_native` when it waits (a model server), `predict_sync`
    when it computes (patterns, a model on this machine). `predict` prefers the first and runs the second in a
    thread, so that callers await both alike. `predict_sync` must therefore be safe to call from several threads.

    `attribution` is what the licence of a model asks to be carried with its output.
    """

    name: str
    version: str = "1"
    attribution: Mapping[str, str] = MappingProxyType({})

    @property
    def model_version(self) -> str:
        """The author's name on every annotation, for example `regex-1`."""
        return f"{self.name}-{self.version}"

    @property
    def attributions(self) -> tuple[Mapping[str, str], ...]:
        """Every attribution that its output has to carry."""
        return (self.attribution,) if self.attribution else ()

    async def predict(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read one text; `language` is ISO 639-1 and `country` ISO 3166-1 alpha-2, both may be empty.

        Raises:
            ServiceError: the model or its server did not answer as it should.

        """
        try:
            return await self.predict_async_native(text, language, country)
        except NotImplementedError:
            return await asyncio.to_thread(self.predict_sync, text, language, country)

    async def predict_async_native(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read one text without blocking the event loop."""
        raise NotImplementedError

    def predict_sync(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read one text in the calling thread."""
        raise NotImplementedError

    async def predict_many(self, samples: Iterable[Sample], *, workers: int = 4) -> AsyncGenerator[Outcome]:
        """Read samples, `workers` at a time, in their order; at most four times as many are held in memory.

        A sample whose reading fails comes out with its error; the others go on.
        """
        slots = asyncio.Semaphore(workers)
        waiting: deque[asyncio.Task[Outcome]] = deque()
        try:
            for sample in samples:
                waiting.append(asyncio.create_task(self._read(sample, slots)))
                if len(waiting) >= 4 * workers:
                    yield await waiting.popleft()
            while waiting:
                yield await waiting.popleft()
        finally:
            for task in waiting:
                task.cancel()

    async def aclose(self) -> None:  # noqa: B027
        """Give back connections; the predictor is not used afterwards."""

    async def _read(self, sample: Sample, slots: asyncio.Semaphore) -> Outcome:
        async with slots:
            begun = perf_counter()
            try:
                annotation = await self.predict(sample.text, sample.language, sample.country)
            except GoldspanError as error:
                return Outcome(sample, None, error, perf_counter() - begun)
            return Outcome(sample, annotation, None, perf_counter() - begun)
