"""What every predictor offers: it reads a text and returns an annotation, its usage and its latency.

Two bases, and nothing between them:

    LocalPredictor    computes on this machine: implements `predict_batch(texts)`, which runs in a worker thread
    RemotePredictor   waits for a server: implements `async predict(text, language, country)`

Callers await `predict` or iterate over `predict_many`; they never learn which of the two it is.
"""

from __future__ import annotations

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

from goldspan.annotation.errors import GoldspanError, InputError, ServiceError
from goldspan.annotation.loops import run_sync
from goldspan.annotation.types import Annotation, Entity, Mention, Sample
from goldspan.annotation.wording import format_count


class TextInput(NamedTuple):
    """One text to read; `language` is ISO 639-1 and `country` ISO 3166-1 alpha-2, both may be empty."""

    text: str
    language: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What reading cost: tokens sent and received, requests made. `cached` requests were answered from disk, free."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    requests: int = 0
    cached: int = 0

    def __add__(self, other: Usage) -> Usage:
        """The sum of two usages."""
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.requests + other.requests,
            self.cached + other.cached,
        )


@dataclass(frozen=True, slots=True)
class Prediction:
    """An annotation by a model, its usage, and the seconds it took."""

    annotation: Annotation
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample: a prediction, or the error that stands in its place; `seconds` it took."""

    sample: Sample
    prediction: Prediction | None
    error: GoldspanError | None
    seconds: float

    @property
    def annotation(self) -> Annotation | None:
        """The annotation of the prediction."""
        return self.prediction.annotation if self.prediction else None


class Predictor(ABC):
    """Reads a text and returns one annotation by a model.

    `labels` are the entity labels it can give, of those the label schema has. `attribution` is what the licence of a
    model asks to be carried with its output. `record` is how the artifact was made that it was opened from: the content
    of `method.json`, empty for others. `least_workers` is for predictors that need many texts at a time.
    """

    name: str
    version: str = "1"
    labels: frozenset[str] = frozenset()
    attribution: Mapping[str, str] = MappingProxyType({})
    record: Mapping[str, Any] = MappingProxyType({})
    least_workers: int = 0

    @property
    def model_version(self) -> str:
        """The author's name on every annotation, for example `regex-1`."""
        return f"{self.name}-{self.version}"

    @property
    def attributions(self) -> tuple[Mapping[str, str], ...]:
        """Every attribution that its output has to carry."""
        return (self.attribution,) if self.attribution else ()

    def describe(self) -> dict[str, Any]:
        """What decides its answers beside name and version, without texts and secrets; stands in result files."""
        return {}

    @abstractmethod
    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        """Read one text without blocking the event loop; language and country may be empty.

        Raises:
            ServiceError: the model or its server did not answer as it should.
        """

    def predict_sync(self, text: str, language: str = "", country: str = "") -> Annotation:
        """`predict` for callers that do not wait; also works where an event loop is running."""
        return run_sync(self.predict(text, language, country)).annotation

    async def predict_many(self, samples: Iterable[Sample], *, workers: int = 4) -> AsyncGenerator[Outcome]:
        """Read samples, `workers` at a time, in their order; at most four times as many are held in memory.

        A sample whose reading fails comes out with its error, whatever a predictor of others raises or returns; the
        others go on.
        """
        workers = max(workers, self.least_workers)
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
        """Release connections; the predictor is not used afterwards."""

    async def _read(self, sample: Sample, slots: asyncio.Semaphore) -> Outcome:
        if not isinstance(sample, Sample):
            raise InputError(f"A sample is needed, not a {type(sample).__name__}: Sample(text, language) makes one.")
        async with slots:
            begun = perf_counter()
            try:
                prediction = await self.predict(sample.text, sample.language, sample.country)
                _check_spans(prediction.annotation, sample.text)
            except GoldspanError as error:
                return Outcome(sample, None, error, perf_counter() - begun)
            except Exception as error:  # noqa: BLE001
                return Outcome(sample, None, _explain_failure(self, error), perf_counter() - begun)
            return Outcome(sample, prediction, None, prediction.seconds)


class RemotePredictor(Predictor):
    """A predictor that waits for a server: implements `predict`."""


class LocalPredictor(Predictor):
    """A predictor that computes on this machine: implements `predict_batch`.

    `predict` gathers the texts of all callers that wait at the same time into batches of at most `max_batch`, and
    computes one batch after the other in a worker thread. Where a batch fails, each of its texts is tried alone.
    """

    max_batch: int = 16

    @abstractmethod
    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Read texts in the calling thread; one annotation each, in their order. Calls never overlap."""

    def predict_sync(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read one text in the calling thread."""
        return self.predict_batch([TextInput(text, language, country)])[0]

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        """Read one text in a worker thread, together with others that wait; `seconds` is the time of its batch."""
        loop = asyncio.get_running_loop()
        batcher = self.__dict__.get("_batcher")
        if batcher is None or batcher.loop is not loop:
            batcher = self.__dict__["_batcher"] = _Batcher(self, loop)
        return await batcher.submit(TextInput(text, language, country))


class _Batcher:
    """Collects the texts that wait in one event loop and computes them in batches."""

    def __init__(self, predictor: LocalPredictor, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._predictor = predictor
        self._waiting: deque[tuple[TextInput, asyncio.Future[Prediction]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def submit(self, text: TextInput) -> Prediction:
        future: asyncio.Future[Prediction] = self.loop.create_future()
        self._waiting.append((text, future))
        if self._worker is None:
            self._worker = self.loop.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                size = min(self._predictor.max_batch, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                await self._compute([(text, future) for text, future in batch if not future.done()])
        finally:
            self._worker = None

    async def _compute(self, batch: list[tuple[TextInput, asyncio.Future[Prediction]]]) -> None:
        if not batch:
            return
        begun = perf_counter()
        try:
            annotations = await asyncio.to_thread(self._predictor.predict_batch, [text for text, _ in batch])
            _check_batch(self._predictor, annotations, len(batch))
        except Exception as error:  # noqa: BLE001
            if len(batch) == 1:
                _settle(batch[0][1], error)
            else:
                for one in batch:
                    await self._compute([one])
            return
        seconds = perf_counter() - begun
        for (_, future), annotation in zip(batch, annotations, strict=True):
            _settle(future, Prediction(annotation, seconds=seconds))


def _settle(future: asyncio.Future[Prediction], value: Prediction | Exception) -> None:
    if future.done():
        return
    if isinstance(value, Exception):
        future.set_exception(value)
    else:
        future.set_result(value)


def _check_batch(predictor: Predictor, annotations: Any, texts: int) -> None:
    listed = annotations if isinstance(annotations, Sequence) else ()
    if len(listed) != texts or not all(isinstance(one, Annotation) for one in listed):
        raise ServiceError(f"{predictor.name} did not give one Annotation for each of {format_count(texts, 'text')}")


def _check_spans(annotation: Annotation, text: str) -> None:
    spans: list[Entity | Mention] = [*annotation.entities, *annotation.mentions]
    if any(not 0 <= span.start < span.end <= len(text) for span in spans):
        raise ServiceError("a span of the prediction lies outside the text")


def _explain_failure(predictor: Predictor, error: Exception) -> ServiceError:
    """What failed and where, without the error's own words: they may quote the text."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{Path(frame.filename).name}:{frame.lineno}"
    failure = ServiceError(f"{predictor.name} failed with {type(error).__name__} at {place}")
    failure.__cause__ = error
    return failure
