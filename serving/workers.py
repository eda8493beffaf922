"""A local predictor in processes of its own: computing never holds the lock of the event loop's Python.

Each process opens the predictor and answers over a pipe; it ends when the pipe closes, be it because the server was
killed. A process that dies or hangs is replaced, and its texts are read again, each while the process has
nothing else to do: no answer is lost, and a text that kills the process fails alone.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
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
from goldspan.evaluation.results.timing import count_cores
from goldspan.predictors.base import LocalPredictor, Prediction, Predictor, TextInput

OPEN_SECONDS = 300.0
BATCH_SECONDS = 300.0
"""How long a process may take for its predictor, and for a batch of texts, before it is replaced."""

MAX_DEATHS = 3
"""A text is given up when so many processes ended while they read it, the last ones with nothing else to do."""

BATCH_CHARACTERS = 20_000
"""Texts of a batch have so many characters at most, so that short ones do not wait for many long ones."""

LANES = 2
"""Batches that are with a process at a time: one that it computes, one that waits in its pipe."""

NICENESS = 5
"""How far the processes stand behind the server when there are fewer cores than work (nice(2))."""

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
        self._lanes = LANES * len(self._workers)
        self._unanswered = 0

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
        free = next((lane for lane in range(self._lanes) if lane not in self._running), None)
        if free is not None:
            self._running[free] = asyncio.create_task(self._work(free, self._workers[free % len(self._workers)]))
        self._unanswered += 1
        try:
            return await future
        finally:
            self._unanswered -= 1

    async def aclose(self) -> None:
        """End the processes."""
        for task in list(self._running.values()):
            task.cancel()
        for worker in self._workers:
            worker.close()
        while self._waiting:
            _settle(self._waiting.popleft()[1], TransientServiceError("The model was closed.", 1))

    async def _work(self, lane: int, worker: _Worker) -> None:
        try:
            while batch := self._take():
                await self._compute(batch, worker)
        finally:
            del self._running[lane]

    def _take(self) -> list[tuple[TextInput, asyncio.Future[Prediction]]]:
        """The next batch: at most one lane's share of all texts, so that no process idles while another has many."""
        batch: list[tuple[TextInput, asyncio.Future[Prediction]]] = []
        characters = 0
        share = -(-self._unanswered // self._lanes)
        while self._waiting and len(batch) < min(share, self._description.max_batch):
            text, future = self._waiting[0]
            if batch and characters + len(text.text) > BATCH_CHARACTERS:
                break
            self._waiting.popleft()
            if not future.done():
                batch.append((text, future))
                characters += len(text.text)
        return batch

    async def _compute(
        self,
        batch: Sequence[tuple[TextInput, asyncio.Future[Prediction]]],
        worker: _Worker,
        deaths: int = 0,
        *,
        alone: bool = False,
    ) -> None:
        begun = perf_counter()
        try:
            found = await worker.read([text for text, _ in batch], alone=alone)
        except asyncio.CancelledError:
            for _, future in batch:
                _settle(future, TransientServiceError("The model was closed.", 1))
            raise
        except GoldspanError as error:
            deaths += isinstance(error, WorkerDiedError)
            if len(batch) == 1 and (deaths == MAX_DEATHS or not isinstance(error, WorkerDiedError)):
                _settle(batch[0][1], error)
                return
            for one in batch:
                await self._compute([one], worker, deaths, alone=True)
            return
        seconds = perf_counter() - begun
        for (_, future), annotation in zip(batch, found, strict=True):
            _settle(future, Prediction(annotation, seconds=seconds))


class _Worker:
    """One process, replaced when it dies. A second batch waits in its pipe while it computes the first."""

    def __init__(self, task: WorkerTask) -> None:
        self._task = task
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._threads = ThreadPoolExecutor(LANES, thread_name_prefix="goldspan-worker")
        self._sending, self._receiving = threading.Lock(), threading.Lock()

    async def open(self) -> _Description:
        """Start the process; what its predictor says of itself.

        Raises:
            GoldspanError: the predictor cannot be opened.

        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._start)

    async def read(self, texts: list[TextInput], *, alone: bool = False) -> list[Annotation]:
        """The annotations of texts, in their order; `alone`: while the process has nothing else to do.

        Raises:
            WorkerDiedError: the process ended or took too long.
            GoldspanError: the predictor failed.

        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._exchange, texts, alone)

    def close(self) -> None:
        """End the process at once; calls that wait for it get an error."""
        self._stop(self._pipe)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> _Description:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_predictor, args=(theirs, self._task), daemon=True)
        self._process.start()
        theirs.close()
        described = self._receive(self._pipe, OPEN_SECONDS)
        if isinstance(described, _Failure):
            self._stop(self._pipe)
            raise described.make_error()
        return described  # type: ignore[no-any-return]

    def _exchange(self, texts: list[TextInput], alone: bool) -> list[Annotation]:
        with ExitStack() as held:
            held.enter_context(self._sending)
            if alone:
                with self._receiving:
                    pass
            pipe = self._send(texts)
            with self._receiving:
                if not alone:
                    held.close()
                found = self._receive(pipe, BATCH_SECONDS)
        if isinstance(found, _Failure):
            raise found.make_error()
        if len(found) != len(texts):
            raise ServiceError("The predictor gave another number of annotations than texts.")
        return found  # type: ignore[no-any-return]

    def _send(self, texts: list[TextInput]) -> Connection:
        if self._pipe is None:
            self._start()
        pipe = self._pipe
        try:
            if pipe is None:
                raise OSError
            pipe.send(texts)
        except (OSError, ValueError):
            self._stop(pipe)
            raise WorkerDiedError("The process that reads texts has ended.") from None
        return pipe

    def _receive(self, pipe: Connection, seconds: float) -> Any:
        try:
            if pipe.poll(seconds):
                return pipe.recv()
        except (EOFError, OSError, ValueError):
            self._stop(pipe)
            raise WorkerDiedError("The process that reads texts has ended.") from None
        self._stop(pipe)
        raise WorkerDiedError(f"The process that reads texts did not answer in {seconds:.0f} s.")

    def _stop(self, pipe: Connection | None) -> None:
        """End the process of a pipe, unless it was replaced already."""
        if pipe is None or pipe is not self._pipe:
            return
        process, self._process, self._pipe = self._process, None, None
        if process is not None:
            with suppress(OSError, ValueError):
                process.kill()
                process.join(5)
        with suppress(OSError):
            pipe.close()


async def open_in_workers(task: WorkerTask, count: int) -> WorkerPredictor | None:
    """The predictor of a task in `count` processes; None for one that only waits for a server and needs none.

    The processes share the cores: a predictor with an option `threads` gets its share, unless the task sets it.

    Raises:
        ServiceError: it cannot be opened.

    """
    task = replace(task, options={"threads": max(1, count_cores() // count), **task.options})
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
    if hasattr(os, "nice"):
        os.nice(NICENESS)
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
