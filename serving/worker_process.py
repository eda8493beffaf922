"""A predictor in a process of its own, which answers over a pipe and is replaced when it dies or hangs.

A replacement that opens another version refuses to read: its answers would go out under the version that was loaded.
The process ends when its pipe closes, be it because the server was killed.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
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
from goldspan.predictors.base import LocalPredictor, Predictor, TextInput

OPEN_SECONDS = 300.0
BATCH_SECONDS = 300.0
"""How long a process may take for its predictor, and for a batch of texts, before it is replaced."""

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
class WorkerDescription:
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


class PredictorProcess:
    """One process, replaced when it dies. A second batch waits in its pipe while it computes the first."""

    def __init__(self, task: WorkerTask) -> None:
        self._task = task
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._described: WorkerDescription | None = None
        self._threads = ThreadPoolExecutor(LANES, thread_name_prefix="goldspan-worker")
        self._sending, self._receiving = threading.Lock(), threading.Lock()

    async def open(self) -> WorkerDescription:
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

    def _start(self) -> WorkerDescription:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve_predictor, args=(theirs, self._task), daemon=True)
        self._process.start()
        theirs.close()
        described = self._receive(self._pipe, OPEN_SECONDS)
        if isinstance(described, _Failure):
            self._stop(self._pipe)
            raise described.make_error()
        if described != (self._described or described):
            self._stop(self._pipe)
            raise StateError("The model was replaced on disk after it was loaded: POST /v1/model/reload loads it.")
        self._described = described
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
            pipe.send(WorkerDescription(local=False))
            return
        pipe.send(
            WorkerDescription(
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
