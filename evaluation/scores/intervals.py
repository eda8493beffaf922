"""95 % confidence intervals of ratios of sums over documents, such as precision, recall, F and masking F.

A document is one cluster: its spans are not independent. The interval is that of Clopper and Pearson with an effective
sample size (Korn and Graubard 1998): r(1 - r) over the variance of the ratio, linearised over documents, at most the
sum of the denominators, and corrected for the degrees of freedom. The variance is itself uncertain if it comes from few
documents, and 0 if none has errors. So the effective size is drawn (geometrically, with weight 3 / (k + 3)) to a number
of documents, which assumes that a document is right or wrong as a whole; k = (sum of d²)² / (sum of d⁴), with d the
linearised deviations, is the number of documents that the variance comes from (Kish 1965). Where few documents hold
most spans, their number says too much: taken is its geometric mean with Kish's number of equally large documents,
(sum of denominators)² / (sum of their squares).

Documents on which a system fails altogether may be so few that the sample shows none. If it shows none, the lower bound
is at most the ratio times 0.2^(1/m), with m Kish's number: if more documents failed, four samples of five would show
one.

The rule was chosen by simulation (`benchmarks/intervals.py`): it covers 93 % or more from 5 documents on and up to F1
0.99, where the percentile bootstrap covers 20 to 90 %. It is never zero wide, and needs no random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Interval = tuple[float, float]

_TAIL = 0.025
_NORMAL = 1.959963984540054
_SHRINKAGE = 3.0
_UNSEEN = 0.2
_ROUNDING = 1e-24


def estimate_interval(parts: Sequence[float] | Numbers, wholes: Sequence[float] | Numbers) -> Interval | None:
    """The 95 % interval of sum(parts) / sum(wholes); one value a document, each part between 0 and its whole.

    None if the denominator is 0.
    """
    from scipy.special import betaincinv

    part, whole = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    total = float(whole.sum())
    if not total:
        return None
    ratio = min(max(float(part.sum()) / total, 0.0), 1.0)
    alike = _count_sources(whole)
    size = _measure_effective_size(part, whole, ratio, alike)
    successes, failures = ratio * size, (1 - ratio) * size
    low = float(betaincinv(successes, failures + 1, _TAIL)) if successes > 0 else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - _TAIL)) if failures > 0 else 1.0
    if not np.any((part <= 0) & (whole > 0)):
        low = min(low, ratio * _UNSEEN ** (1 / alike))
    return min(low, ratio), max(high, ratio)


def _measure_effective_size(part: Numbers, whole: Numbers, ratio: float, alike: float) -> float:
    from scipy.special import stdtrit

    total, documents = float(whole.sum()), int(np.count_nonzero(whole))
    least = math.sqrt(documents * alike)
    squares = (part - ratio * whole) ** 2
    if documents < 2 or not 0 < ratio < 1 or float(squares.sum()) < _ROUNDING * total**2:
        return least
    variance = float(squares.sum()) / total**2 * documents / (documents - 1)
    size = min(ratio * (1 - ratio) / variance, total)
    size *= (_NORMAL / float(stdtrit(documents - 1, 1 - _TAIL))) ** 2
    weight = _SHRINKAGE / (_count_sources(squares) + _SHRINKAGE)
    return math.exp((1 - weight) * math.log(size) + weight * math.log(least))


def _count_sources(amounts: Numbers) -> float:
    """How many documents a sum comes from (Kish 1965): all of them if they give alike, 1 if only one does."""
    shares = amounts / amounts.sum()
    return 1 / float((shares**2).sum())


def estimate_ratio_interval(parts: Sequence[float] | Numbers, wholes: Sequence[float] | Numbers) -> Interval | None:
    """The 95 % interval of sum(parts) / sum(wholes) where a part may exceed its whole (edits per entity).

    The ratio ± Student's t times its standard error, linearised over documents (Cochran 1977, section 6.3). None for
    fewer than two documents, or if the denominator is 0.
    """
    from scipy.special import stdtrit

    part, whole = np.asarray(parts, dtype=np.float64), np.asarray(wholes, dtype=np.float64)
    total, documents = float(whole.sum()), len(whole)
    if documents < 2 or not total:
        return None
    ratio = float(part.sum()) / total
    squares = float(((part - ratio * whole) ** 2).sum())
    error = math.sqrt(squares * documents / (documents - 1)) / total
    half = float(stdtrit(documents - 1, 1 - _TAIL)) * error
    return ratio - half, ratio + half
