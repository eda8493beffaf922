"""Intervals of shares."""

from __future__ import annotations

import pytest

from goldspan.evaluation.scores.wilson import measure_clustered, measure_wilson


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
    assert measure_clustered([0, 0], [0, 0]) is None


def test_regions_of_one_document_count_less_than_independent_ones() -> None:
    independent = measure_clustered([1, 0] * 50, [1] * 100)
    clustered = measure_clustered([10, 0] * 5, [10] * 10)
    plain = measure_wilson(50, 100)
    assert independent
    assert clustered
    assert plain
    assert independent == pytest.approx(plain, abs=0.01)
    assert clustered[1] - clustered[0] > 2 * (plain[1] - plain[0])


def test_the_same_outcome_everywhere_rests_on_the_documents() -> None:
    assert measure_clustered([9, 5, 1], [9, 5, 1]) == measure_wilson(3, 3)
    assert measure_clustered([4], [9]) == measure_wilson(4 / 9, 1)
