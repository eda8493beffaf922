"""Latency of the simulated answers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from goldspan.annotation.errors import ConfigurationError
from goldspan.generators.simulator.faults import draw_number


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution over seconds: `fixed` (low), `uniform` (low to high), `lognormal` (median low, sigma high)."""

    kind: str = "fixed"
    low: float = 0.0
    high: float = 0.0

    def draw(self, seed: int, key: str) -> float:
        """Seconds for one answer; the same for the same seed and key."""
        if self.kind == "fixed":
            return self.low
        share = draw_number(seed, "latency", key)
        if self.kind == "uniform":
            return self.low + (self.high - self.low) * share
        return self.low * math.exp(self.high * NormalDist().inv_cdf(min(max(share, 1e-9), 1 - 1e-9)))


def parse_latency(text: str) -> Latency:
    """`0.5`, `0.2..1.5` (uniform) or `0.5~0.8` (log-normal: median, sigma). Raises ConfigurationError."""
    try:
        for mark, kind in (("..", "uniform"), ("~", "lognormal")):
            if mark in text:
                low, high = (float(part) for part in text.split(mark))
                latency = Latency(kind, low, high)
                break
        else:
            latency = Latency("fixed", float(text))
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is no latency. Give seconds as 0.5, 0.2..1.5 or 0.5~0.8.") from error
    if not (math.isfinite(latency.low) and math.isfinite(latency.high)):
        raise ConfigurationError(f"{text!r} is no latency: seconds are plain numbers, such as 0.5.")
    if latency.low < 0 or latency.high < 0:
        raise ConfigurationError(f"{text!r} is no latency: seconds cannot be negative.")
    if latency.kind == "uniform" and latency.low > latency.high:
        raise ConfigurationError(
            f"{text!r} is no latency: the first number must not be larger than the second. "
            f"Give {latency.high:g}..{latency.low:g}."
        )
    return latency
