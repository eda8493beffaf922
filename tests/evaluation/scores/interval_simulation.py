"""Populations of documents with known scores, for the coverage of intervals.

A document has a gamma-Poisson number of gold spans (mean 8) and a quality drawn from a beta distribution: the larger
`concentration`, the more alike documents are. Spans are found with that probability, spurious spans and hidden
characters follow from it. Three shapes:

    even      what most corpora are like
    long      few documents hold most of the spans
    failing   documents have few errors, but in a share of 1 - quality nothing is found
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from goldspan.evaluation.scores.intervals import Numbers, estimate_interval
from goldspan.evaluation.scores.table import make_ratios

SHAPES = ("even", "long", "failing")
SCORES = ("f1_score", "precision", "recall", "masking_f_beta")
_SPAN = 6


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of the intervals that hold the true value, their mean width, and how many are zero wide."""

    covered: float
    width: float
    zero_wide: int


def make_population(
    quality: float, concentration: float, shape: str = "even", size: int = 100_000, seed: int = 0
) -> dict[str, Numbers]:
    """Part and whole of each score in each document, shape (size, 2)."""
    rng = np.random.default_rng(seed)
    spread = 0.5 if shape == "long" else 1.5
    gold = rng.poisson(rng.gamma(spread, 8 / spread, size))
    right = rng.beta(quality * concentration, (1 - quality) * concentration, size)
    if shape == "failing":
        right = np.where(rng.random(size) < quality, rng.beta(0.98 * concentration, 0.02 * concentration, size), 0.0)
    found = rng.binomial(gold, right)
    predicted = found + rng.poisson(0.9 * gold * (1 - right) + 0.1 * (1 - quality))
    personal = gold * _SPAN + rng.integers(0, 5, size) * (gold > 0)
    hidden = rng.binomial(personal, right + 0.4 * (1 - right))
    columns: Mapping[str, list[float]] = {
        "gold": gold.tolist(),
        "predicted": predicted.tolist(),
        "credit": found.tolist(),
        "personal": personal.tolist(),
        "masked": (hidden + _SPAN * (predicted - found)).tolist(),
        "hidden": hidden.tolist(),
    }
    return {name: make_ratios(2.0)[name].tabulate(columns) for name in SCORES}


def measure_coverage(population: Numbers, documents: int, draws: int, seed: int = 1) -> Coverage:
    """Coverage of the interval in `draws` random corpora of `documents` documents."""
    rng = np.random.default_rng(seed)
    true = population[:, 0].sum() / population[:, 1].sum()
    covered, widths = 0, []
    for _ in range(draws):
        sample = population[rng.integers(0, len(population), documents)]
        interval = estimate_interval(sample[:, 0], sample[:, 1])
        low, high = interval or (0.0, 1.0)
        covered += low <= true <= high
        widths.append(high - low)
    return Coverage(covered / draws, float(np.mean(widths)), sum(width <= 0 for width in widths))
