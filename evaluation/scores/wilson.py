"""Intervals of shares: the score interval of Wilson (1927).

    centre ± half width = (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n),   z = 1.96

The cases are independent; for spans of documents, which are not, see `intervals`.
"""

from __future__ import annotations

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
