"""A local predictor in processes of its own: computing never holds the lock of the event loop's Python.

The texts of a process that dies or hangs are read again, each while the new process has nothing else to do: no answer
is lost, and a text that kills the process fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from goldspan.annotation.errors import GoldspanError, StateError, TransientServiceError
from goldspan.evaluation.results.timing import count_cores
from goldspan.predictors.base import Prediction, Predictor, TextInput
from goldspan.serving.worker_process import LANES, PredictorProcess, WorkerDescription, WorkerDiedError, WorkerTask

MAX_DEATHS = 3
"""A text is given up when so many processes ended while they read it, the last ones with nothing else to do."""

BATCH_CHARACTERS = 20_000
"""Texts of a batch have so many characters at most, so that short ones do not wait for many long ones."""


class WorkerPredictor(Predictor):
    """The predictor of a task in one or more processes. Made by `open_in_workers`."""

    def __init__(self, workers: Sequence[PredictorProcess], description: WorkerDescription) -> None:
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

    async def _work(self, lane: int, worker: PredictorProcess) -> None:
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
        worker: PredictorProcess,
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


async def open_in_workers(task: WorkerTask, count: int) -> WorkerPredictor | None:
    """The predictor of a task in `count` processes; None for one that only waits for a server and needs none.

    The processes share the cores: a predictor with an option `threads` gets its share, unless the task sets it.

    Raises:
        StateError: it was replaced meanwhile.
        GoldspanError: it cannot be opened.
    """
    task = replace(task, options={"threads": max(1, count_cores() // count), **task.options})
    workers = [PredictorProcess(task) for _ in range(count)]
    try:
        first = await workers[0].open()
        if first.local:
            others = await asyncio.gather(*(worker.open() for worker in workers[1:]))
            if any(other != first for other in others):
                raise StateError("The model was replaced while it was loaded. Load it again.")
            return WorkerPredictor(workers, first)
    except BaseException:
        for worker in workers:
            worker.close()
        raise
    for worker in workers:
        worker.close()
    return None


def _settle(future: asyncio.Future[Prediction], value: Prediction | GoldspanError) -> None:
    if future.done():
        return
    if isinstance(value, GoldspanError):
        future.set_exception(value)
    else:
        future.set_result(value)
