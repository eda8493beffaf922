"""A local predictor in processes of its own: computing never holds the lock of the event loop's Python.

Each process opens the predictor and answers over a pipe; it ends when the pipe closes, be it because the server was
killed. A process that dies or hangs is replaced, and its texts are read again, each alone, once: no answer is lost, and
a text that kills the process fails alone.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any

from goldspan.annotation.errors import (
    ConfigurationError,
    GoldspanError,
    InputError,
    ServiceError,
    StateError,
    TransientServiceError,
)
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation
from goldspan.predictors.base import LocalPredictor, Prediction, Predictor, TextInput

OPEN_SECONDS = 300.0
BATCH_SECONDS = 300.0
"""How long a process may take for its predictor, and for a batch of texts, before it is replaced."""

BATCH_CHARACTERS = 20_000
"""Texts of a batch have so many characters at most, so that short ones do not wait for many long ones."""

Opener = Callable[..., Predictor]
_KINDS = (TransientServiceError, ServiceError, ConfigurationError, StateError, InputError)


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """What a process opens."""

    opener: Opener
    source: str
    schema: LabelSchema
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Description:
    """What the predictor of a process says of itself; `local` is False for one that only waits for a server."""

    local: bool
    name: str = ""
    model_version: str = ""
    labels: frozenset[str] = frozenset()
    attributions: tuple[Mapping[str, str], ...] = ()
    max_batch: int = 1


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error of a process: its message, and which error of ours it is, by name."""

    message: str
    kind: str = "ServiceError"

    def make_error(self) -> GoldspanError:
        if self.kind == "TransientServiceError":
            return TransientServiceError(self.message, 5)
        return next(kind for kind in _KINDS if kind.__name__ == self.kind)(self.message)


class WorkerDiedError(ServiceError):
    """A process ended or hung before it answered."""


class WorkerPredictor(Predictor):
    """The predictor of a task in one or more processes. Made by `open_in_workers`."""

    def __init__(self, workers: Sequence[_Worker], description: _Description) -> None:
        self._workers, self._description = list(workers), description
        self.name, self.labels = description.name, description.labels
        self._waiting: deque[tuple[TextInput, asyncio.Future[Prediction]]] = deque()
        self._running: dict[int, asyncio.Task[None]] = {}

    @property
    def model_version(self) -> str:
        """The version that the predictor gives."""
        return self._description.model_version

    @property
    def attributions(self) -> tuple[Mapping[str, str], ...]:
        """The attributions of the predictor."""
        return self._description.attributions

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        """Read one text in a process, together with others that wait."""
        future: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append((TextInput(text, language, country), future))
        for number, worker in enumerate(self._workers):
            if number not in self._running:
                task = asyncio.create_task(self._work(number, worker))
                self._running[number] = task
                break
        return await future

    async def aclose(self) -> None:
        """End the processes."""
        for task in list(self._running.values()):
            task.cancel()
        for worker in self._workers:
            worker.close()
        while self._waiting:
            _settle(self._waiting.popleft()[1], TransientServiceError("The model was closed.", 1))

    async def _work(self, number: int, worker: _Worker) -> None:
        try:
            while batch := self._take():
                await self._compute(batch, worker)
        finally:
            del self._running[number]

    def _take(self) -> list[tuple[TextInput, asyncio.Future[Prediction]]]:
        batch: list[tuple[TextInput, asyncio.Future[Prediction]]] = []
        characters = 0
        while self._waiting and len(batch) < self._description.max_batch:
            text, future = self._waiting[0]
            if batch and characters + len(text.text) > BATCH_CHARACTERS:
                break
            self._waiting.popleft()
            if not future.done():
                batch.append((text, future))
                characters += len(text.text)
        return batch

    async def _compute(
        self, batch: Sequence[tuple[TextInput, asyncio.Future[Prediction]]], worker: _Worker, *, again: bool = True
    ) -> None:
        begun = perf_counter()
        try:
            found = await worker.read([text for text, _ in batch])
        except asyncio.CancelledError:
            for _, future in batch:
                _settle(future, TransientServiceError("The model was closed.", 1))
            raise
        except GoldspanError as error:
            if len(batch) > 1 or (again and isinstance(error, WorkerDiedError)):
                for one in batch:
                    await self._compute([one], worker, again=False)
            else:
                _settle(batch[0][1], error)
            return
        seconds = perf_counter() - begun
        for (_, future), annotation in zip(batch, found, strict=True):
            _settle(future, Prediction(annotation, seconds=seconds))


class _Worker:
    """One process, replaced when it dies; calls come one after the other."""

    def __init__(self, task: WorkerTask) -> None:
        self._task = task
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="goldspan-worker")
        self._closed = False

    async def open(self) -> _Description:
        """Start the process; what its predictor says of itself.

        Raises:
            ServiceError: the predictor cannot be opened.

        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._start)

    async def read(self, texts: list[TextInput]) -> list[Annotation]:
        """The annotations of texts, in their order.

        Raises:
            WorkerDiedError: the process ended or took too long.
            ServiceError: the predictor failed.

        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._exchange, texts)

    def close(self) -> None:
        """End the process at once; a call that waits for it gets an error."""
        self._closed = True
        self._stop()
        self._thread.shutdown(wait=False)

    def _start(self) -> _Description:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_predictor, args=(theirs, self._task), daemon=True)
        self._process.start()
        theirs.close()
        described = self._receive(OPEN_SECONDS)
        if isinstance(described, _Failure):
            self._stop()
            raise described.make_error()
        return described  # type: ignore[no-any-return]

    def _exchange(self, texts: list[TextInput]) -> list[Annotation]:
        if self._pipe is None:
            self._start()
        try:
            assert self._pipe is not None  # noqa: S101
            self._pipe.send(texts)
        except (OSError, ValueError):
            self._stop()
            raise WorkerDiedError("The process that reads texts has ended.") from None
        found = self._receive(BATCH_SECONDS)
        if isinstance(found, _Failure):
            raise found.make_error()
        if len(found) != len(texts):
            raise ServiceError("The predictor gave another number of annotations than texts.")
        return found  # type: ignore[no-any-return]

    def _receive(self, seconds: float) -> Any:
        try:
            assert self._pipe is not None  # noqa: S101
            if self._pipe.poll(seconds):
                return self._pipe.recv()
        except (EOFError, OSError, AssertionError):
            self._stop()
            raise WorkerDiedError("The process that reads texts has ended.") from None
        self._stop()
        raise WorkerDiedError(f"The process that reads texts did not answer in {seconds:.0f} s.")

    def _stop(self) -> None:
        process, pipe = self._process, self._pipe
        self._process = self._pipe = None
        if process is not None:
            with suppress(OSError, ValueError):
                process.kill()
                process.join(5)
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


async def open_in_workers(task: WorkerTask, count: int) -> WorkerPredictor | None:
    """The predictor of a task in `count` processes; None for one that only waits for a server and needs none.

    Raises:
        ServiceError: it cannot be opened.

    """
    workers = [_Worker(task) for _ in range(count)]
    try:
        first = await workers[0].open()
        if first.local:
            await asyncio.gather(*(worker.open() for worker in workers[1:]))
            return WorkerPredictor(workers, first)
    except BaseException:
        for worker in workers:
            worker.close()
        raise
    for worker in workers:
        worker.close()
    return None


def serve_predictor(pipe: Connection, task: WorkerTask) -> None:
    """Open the predictor and answer until the pipe closes. Runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        try:
            predictor = task.opener(task.source, task.schema, defaults=task.options)
        except Exception as error:  # noqa: BLE001
            pipe.send(_describe_error(error))
            return
        if not isinstance(predictor, LocalPredictor):
            pipe.send(_Description(local=False))
            return
        pipe.send(
            _Description(
                True,
                predictor.name,
                predictor.model_version,
                predictor.labels,
                tuple(dict(one) for one in predictor.attributions),
                predictor.max_batch,
            )
        )
        while True:
            texts = pipe.recv()
            try:
                answer: Any = predictor.predict_batch(texts)
            except Exception as error:  # noqa: BLE001
                answer = _describe_error(error)
            pipe.send(answer)


def _describe_error(error: Exception) -> _Failure:
    for kind in _KINDS:
        if isinstance(error, kind):
            return _Failure(str(error), kind.__name__)
    return _Failure(f"The predictor failed ({type(error).__name__}).")


def _settle(future: asyncio.Future[Prediction], value: Prediction | GoldspanError) -> None:
    if future.done():
        return
    if isinstance(value, GoldspanError):
        future.set_exception(value)
    else:
        future.set_result(value)
