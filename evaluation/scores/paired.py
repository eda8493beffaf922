"""Two systems on the same documents: the difference of a ratio, its interval, and whether it may be chance.

The interval combines those of the two ratios and their correlation over documents (MOVER, Zou and Donner 2008;
Newcombe 1998, method 10). The p-value is from an approximate randomisation test (Noreen 1989) that swaps the outcomes
of the two systems document by document. Several p-values are corrected by Holm's method (Holm 1979).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from goldspan.evaluation.scores.intervals import Numbers, estimate_interval

DRAWS = 1000
_CELLS = 2_000_000


@dataclass(frozen=True, slots=True)
class Delta:
    """How much higher a ratio is in the second system: 95 % interval and two-sided p-value. None: not defined.

    `p_holm` is the p-value corrected for all comparisons that were made together.
    """

    delta: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None = None


def compare_paired(first: Numbers, second: Numbers, *, seed: int = 0, draws: int = DRAWS) -> Delta:
    """Second minus first for two systems on the same documents.

    Args:
        first: shape (documents, 2): part and whole of the ratio in each document.
        second: the same documents in the same order.
        seed: seed of the randomisation test.
        draws: number of random swaps.

    Raises:
        ValueError: the tables do not have the same documents.
    """
    if first.shape != second.shape:
        raise ValueError(f"{first.shape[0]} documents against {second.shape[0]}; both systems need the same ones")
    intervals = [estimate_interval(table[:, 0], table[:, 1]) for table in (first, second)]
    if intervals[0] is None or intervals[1] is None:
        return Delta(None, None, None, None)
    (low1, high1), (low2, high2) = intervals[0], intervals[1]
    ratio1, ratio2 = _divide(first.sum(axis=0)), _divide(second.sum(axis=0))
    delta, correlation = ratio2 - ratio1, _correlate(first, second)
    return Delta(
        delta,
        delta - _combine(ratio2 - low2, high1 - ratio1, correlation),
        delta + _combine(high2 - ratio2, ratio1 - low1, correlation),
        _test_swaps(first, second, abs(delta), seed, draws),
    )


def correct_holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction of p-values, in their order."""
    corrected = [1.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def _divide(sums: Numbers) -> float:
    return float(sums[0] / sums[1])


def _combine(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one**2 + other**2 - 2 * correlation * one * other))


def _correlate(first: Numbers, second: Numbers) -> float:
    """Correlation of the linearised ratios over documents; 0 where one of them does not vary."""
    one, other = (table[:, 0] - _divide(table.sum(axis=0)) * table[:, 1] for table in (first, second))
    norm = math.sqrt(float(one @ one) * float(other @ other))
    return min(1.0, max(-1.0, float(one @ other) / norm)) if norm else 0.0


def _test_swaps(first: Numbers, second: Numbers, observed: float, seed: int, draws: int) -> float:
    rng = np.random.default_rng([seed, 1])
    as_extreme = 0
    for size in _split(draws, len(first)):
        swaps = rng.integers(0, 2, (size, len(first))).astype(np.float64)
        moved = swaps @ (second - first)
        ones, others = first.sum(axis=0) + moved, second.sum(axis=0) - moved
        with np.errstate(invalid="ignore", divide="ignore"):
            deltas = others[:, 0] / others[:, 1] - ones[:, 0] / ones[:, 1]
        as_extreme += int(np.count_nonzero(np.abs(deltas) >= observed - 1e-12))
    return (as_extreme + 1) / (draws + 1)


def _split(draws: int, documents: int) -> Iterator[int]:
    block = max(1, _CELLS // max(documents, 1))
    for done in range(0, draws, block):
        yield min(block, draws - done)
