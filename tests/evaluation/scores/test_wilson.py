"""Intervals of shares."""

from __future__ import annotations

import pytest

from goldspan.evaluation.scores.wilson import measure_wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_it_is_the_score_interval(successes: int, trials: int, low: float, high: float) -> None:
    """The four examples of Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    assert measure_wilson(successes, trials) == pytest.approx((low, high), abs=1e-4)


def test_without_trials_there_is_no_interval() -> None:
    assert measure_wilson(0, 0) is None
