"""Uncertainty of a score that is a ratio of sums over documents.

Documents are drawn with replacement (percentile bootstrap, Efron 1979), because the spans of one document are not
independent. Two systems are compared on the same draws; the p-value is from an approximate randomisation test
(Noreen 1989) that swaps the two systems' outcomes document by document. Everything follows from the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Statistic = Callable[[Numbers], Numbers]
"""From sums (draws × columns) to one value a draw; NaN where the value does not exist."""

DRAWS = 1000
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Delta:
    """How much higher a value is in the second system: 95 % interval and two-sided p-value. None: not defined."""

    delta: float | None
    low: float | None
    high: float | None
    p_value: float | None


def estimate_intervals(
    table: Numbers, statistics: Mapping[str, Statistic], *, seed: int = 0, draws: int = DRAWS
) -> dict[str, tuple[float, float] | None]:
    """95 % intervals of several statistics on the same draws of documents.

    Args:
        table: one row a document, one column a quantity that is summed.
        statistics: how to make each value from the sums.
        seed: what the draws follow from.
        draws: number of resampled corpora.

    """
    sums = np.concatenate([weights @ table for weights in _draw_weights(len(table), seed, draws)])
    return {name: _find_interval(statistic(sums)) for name, statistic in statistics.items()}


def compare_paired(
    first: Numbers, second: Numbers, statistic: Statistic, *, seed: int = 0, draws: int = DRAWS
) -> Delta:
    """Second minus first for two systems on the same documents, row by row.

    Raises:
        ValueError: the tables do not have the same documents.

    """
    if first.shape != second.shape:
        raise ValueError(f"{first.shape[0]} documents against {second.shape[0]}; both systems need the same ones")
    observed = _subtract(statistic, first.sum(axis=0)[None, :], second.sum(axis=0)[None, :])
    if np.isnan(observed[0]):
        return Delta(None, None, None, None)
    drawn = [_subtract(statistic, w @ first, w @ second) for w in _draw_weights(len(first), seed, draws)]
    interval = _find_interval(np.concatenate(drawn))
    low, high = interval if interval else (None, None)
    return Delta(float(observed[0]), low, high, _test_swaps(first, second, statistic, seed, draws))


def _test_swaps(first: Numbers, second: Numbers, statistic: Statistic, seed: int, draws: int) -> float:
    observed = abs(_subtract(statistic, first.sum(axis=0)[None, :], second.sum(axis=0)[None, :])[0])
    rng = np.random.default_rng([seed, 1])
    as_extreme = 0
    for size in _split(draws, len(first)):
        swaps = rng.integers(0, 2, (size, len(first))).astype(np.float64)
        moved = swaps @ (second - first)
        deltas = _subtract(statistic, first.sum(axis=0) + moved, second.sum(axis=0) - moved)
        as_extreme += int(np.count_nonzero(np.abs(deltas) >= observed - 1e-12))
    return (as_extreme + 1) / (draws + 1)


def _subtract(statistic: Statistic, first: Numbers, second: Numbers) -> Numbers:
    return np.asarray(statistic(second) - statistic(first))


def _find_interval(values: Numbers) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if not known.size:
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return float(low), float(high)


def _draw_weights(documents: int, seed: int, draws: int) -> Iterator[Numbers]:
    """How often each document is in each draw, in blocks of draws."""
    rng = np.random.default_rng([seed, 0])
    for size in _split(draws, documents):
        picks = rng.integers(0, max(documents, 1), (size, documents))
        picks += np.arange(size)[:, None] * documents
        yield np.bincount(picks.ravel(), minlength=size * documents).reshape(size, documents).astype(np.float64)


def _split(draws: int, documents: int) -> Iterator[int]:
    block = max(1, _CELLS // max(documents, 1))
    for done in range(0, draws, block):
        yield min(block, draws - done)
