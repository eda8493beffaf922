"""Intervals of shares: the score interval of Wilson (1927), also for counts that come in clusters.

    centre ± half width = (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96

Regions of one document are not independent. For them n is the effective size p(1−p)/v, where v is the variance of a
ratio of sums over documents by linearisation (Cochran 1977, section 6.3), at most the number of regions and at least 1;
where every region has the same outcome, n is the number of documents.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

Z_95 = 1.959964


def measure_wilson(successes: float, trials: float) -> tuple[float, float] | None:
    """Compute the 95 % interval of a share; None without trials."""
    if trials <= 0:
        return None
    share, z = successes / trials, Z_95
    centre = share + z * z / (2 * trials)
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    whole = 1 + z * z / trials
    low = 0.0 if successes <= 0 else (centre - half) / whole
    return low, 1.0 if successes >= trials else (centre + half) / whole


def measure_clustered(parts: Sequence[int], wholes: Sequence[int]) -> tuple[float, float] | None:
    """Compute the 95 % interval of Σ parts / Σ wholes, one entry per document; None if all wholes are 0."""
    pairs = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if whole]
    total = sum(whole for _, whole in pairs)
    if not total:
        return None
    documents, share = len(pairs), sum(part for part, _ in pairs) / total
    squares = sum((part - share * whole) ** 2 for part, whole in pairs)
    if documents < 2 or not squares:
        return measure_wilson(share * documents, documents)
    variance = squares * documents / (documents - 1) / total**2
    size = min(float(total), max(1.0, share * (1 - share) / variance))
    return measure_wilson(share * size, size)
