"""Holds the live predictors: opens, probes, lends and exchanges them without losing a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from goldspan.annotation.errors import (
    GoldspanError,
    InputError,
    ServiceError,
    StateError,
    TransientServiceError,
    UnknownNameError,
)
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import LocalPredictor, Predictor
from goldspan.predictors.registry import open_predictor
from goldspan.serving.operating_points import find_operating_points
from goldspan.serving.worker_process import WorkerTask
from goldspan.serving.workers import WorkerPredictor, open_in_workers

PROBE = "Dear Ann Smith, please write to ann.smith@example.com or call +1 415 555 0132."
PROBE_SECONDS = 60.0


@dataclass(slots=True)
class _Loan:
    """A predictor with the number of requests that use it; closed when it is retired and the last one ends."""

    predictor: Predictor
    users: int = 0
    retired: bool = False


@dataclass(slots=True)
class Method:
    """One way to find entities: where it comes from, the predictor that serves now, and the last error.

    A failed reload leaves `loan` as it was and says why in `error`.
    """

    name: str
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    loan: _Loan | None = None
    error: str = ""
    loaded_at: str = ""

    @property
    def healthy(self) -> bool:
        """True if a predictor serves, be it an older one."""
        return self.loan is not None

    def describe(self) -> dict[str, Any]:
        """The method as JSON."""
        predictor = self.loan.predictor if self.loan else None
        return {
            "method": self.name,
            "source": self.source,
            "healthy": self.healthy,
            "error": self.error,
            "loaded_at": self.loaded_at,
            "operating_points": find_operating_points(self.source) if predictor else [],
            "recall": self.options.get("recall"),
            "model_version": predictor.model_version if predictor else "",
            "labels": sorted(predictor.labels) if predictor else [],
            "runs": _tell_place(predictor),
        }


class PredictorHost:
    """The methods of a server, the first of them the default.

    Predictors that compute run in `processes` of their own each, or with 0 in threads of this process.
    """

    def __init__(
        self,
        schema: LabelSchema,
        sources: Mapping[str, str],
        options: Mapping[str, Any] | None = None,
        opener: Callable[..., Predictor] = open_predictor,
        processes: int = 0,
    ) -> None:
        self.schema, self._opener, self._processes = schema, opener, processes
        self.methods = {name: Method(name, source, dict(options or {})) for name, source in sources.items()}
        self._loading = asyncio.Lock()

    @property
    def default(self) -> str:
        """The name of the first method."""
        return next(iter(self.methods))

    @property
    def ready(self) -> bool:
        """True if every method serves."""
        return all(method.healthy for method in self.methods.values())

    async def start(self) -> None:
        """Load every method; one that fails says so and can be reloaded."""
        for name in self.methods:
            try:
                await self.reload(name)
            except GoldspanError:
                continue

    async def reload(self, name: str = "", source: str = "", changes: Mapping[str, Any] | None = None) -> Method:
        """Open a predictor, probe it, and put it in the place of the one that serves.

        `changes` are options that take the place of the method's; None takes one away.

        Raises:
            UnknownNameError: there is no such method.
            GoldspanError: it cannot be opened or fails the probe; the earlier one goes on serving.
        """
        method = self._find(name)
        async with self._loading:
            chosen = source or method.source
            options = {key: value for key, value in {**method.options, **(changes or {})}.items() if value is not None}
            try:
                _check_recall(chosen, (changes or {}).get("recall"))
                predictor = await self._open(chosen, options)
            except GoldspanError as error:
                method.error = str(error)
                raise
            except Exception as error:  # noqa: BLE001
                method.error = f"The model cannot be loaded ({type(error).__name__})."
                raise StateError(method.error) from None
            before, method.loan = method.loan, _Loan(predictor)
            method.source, method.options, method.error = chosen, options, ""
            method.loaded_at = datetime.now(UTC).isoformat(timespec="seconds")
        if before:
            before.retired = True
            await _close_if_idle(before)
        return method

    @asynccontextmanager
    async def lend(self, name: str = "") -> AsyncIterator[Predictor]:
        """The predictor of a method for one request; it stays open until the request ends.

        Raises:
            UnknownNameError: there is no such method.
            TransientServiceError: it is not loaded.
        """
        method = self._find(name)
        loan = method.loan
        if loan is None:
            raise TransientServiceError(
                f"The method {method.name} is not available: {method.error or 'it is loading'}", 5
            )
        loan.users += 1
        try:
            yield loan.predictor
        finally:
            loan.users -= 1
            await _close_if_idle(loan)

    async def close(self) -> None:
        """Close every predictor."""
        for method in self.methods.values():
            if method.loan:
                method.loan.retired = True
                await _close_if_idle(method.loan)
                method.loan = None

    async def _open(self, source: str, options: Mapping[str, Any]) -> Predictor:
        if self._processes:
            task = WorkerTask(self._opener, source, self.schema, options)
            in_workers = await open_in_workers(task, self._processes)
            if in_workers is not None:
                return await _probe(in_workers)
        return await _probe(await asyncio.to_thread(self._opener, source, self.schema, defaults=options))

    def _find(self, name: str) -> Method:
        if name and name not in self.methods:
            raise UnknownNameError("method", name, self.methods)
        return self.methods[name or self.default]


def _check_recall(source: str, recall: float | None) -> None:
    known = [point["recall_wanted"] for point in find_operating_points(source)]
    if recall is not None and recall not in known:
        shown = ", ".join(f"{one:g}" for one in known) or "none"
        raise InputError(f"The model has no operating point for a recall of {recall:g}; it has {shown}.")


async def _close_if_idle(loan: _Loan) -> None:
    if loan.retired and loan.users == 0:
        loan.retired = False
        await loan.predictor.aclose()


async def _probe(predictor: Predictor) -> Predictor:
    """Read one text: a model that cannot do that is closed and does not get to serve."""
    try:
        await _read_probe(predictor)
    except BaseException:
        await predictor.aclose()
        raise
    return predictor


async def _read_probe(predictor: Predictor) -> None:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            prediction = await predictor.predict(PROBE, "en", "US")
    except TimeoutError:
        raise ServiceError(f"The model did not read the probe text in {PROBE_SECONDS:.0f} s.") from None
    for entity in prediction.annotation.entities:
        if not 0 <= entity.start < entity.end <= len(PROBE):
            raise ServiceError("The model gave an entity outside the probe text.")


def _tell_place(predictor: Predictor | None) -> str:
    if predictor is None:
        return ""
    return "this machine" if isinstance(predictor, LocalPredictor | WorkerPredictor) else "a model server"
