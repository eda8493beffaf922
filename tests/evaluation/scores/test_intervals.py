import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.evaluation.scores.intervals import estimate_interval
from tests.evaluation.scores.interval_simulation import SCORES, make_population, measure_coverage


def test_an_interval_holds_the_value_and_has_the_width_that_theory_gives():
    rng = np.random.default_rng(1)
    right = rng.binomial(1, 0.5, 1000)
    low, high = estimate_interval(right, np.ones(1000))
    assert low < right.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1000), rel=0.1)


def test_one_document_a_trial_without_failures_is_the_interval_of_clopper_and_pearson():
    """All right: the lower end is 0.025^(1/n) (Clopper and Pearson 1934), n shrunk for its degrees of freedom."""
    low, high = estimate_interval(np.ones(2000), np.ones(2000))
    assert (low, high) == (pytest.approx(0.025 ** (1 / 2000), rel=1e-4), 1.0)


@pytest.mark.parametrize("documents", [1, 2, 5, 40])
def test_no_interval_is_zero_wide(documents):
    for right in (0, 8):
        low, high = estimate_interval([right] * documents, [8] * documents)
        assert low <= right / 8 <= high
        assert high - low > 0.05


def test_more_documents_give_a_narrower_interval():
    widths = [np.subtract(*estimate_interval([7, 8] * half, [8, 8] * half)[::-1]) for half in (3, 10, 100, 1000)]
    assert widths == sorted(widths, reverse=True)


def test_documents_that_fail_as_a_whole_give_a_wider_interval_than_scattered_errors():
    whole = estimate_interval([0] * 5 + [10] * 45, [10] * 50)
    scattered = estimate_interval(np.random.default_rng(3).binomial(10, 0.9, 50), [10] * 50)
    assert whole[1] - whole[0] > 1.5 * (scattered[1] - scattered[0])


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=30))
def test_every_interval_is_within_0_and_1_and_holds_the_value(pairs):
    parts, wholes = [min(pair) for pair in pairs], [max(pair) for pair in pairs]
    interval = estimate_interval(parts, wholes)
    if not sum(wholes):
        assert interval is None
    else:
        assert 0 <= interval[0] <= sum(parts) / sum(wholes) <= interval[1] <= 1
        assert interval[0] < interval[1]


@pytest.mark.parametrize("quality", [0.8, 0.99])
@pytest.mark.parametrize("documents", [5, 50])
def test_intervals_cover_the_true_value(quality, documents):
    population = make_population(quality, 6.0, size=20_000)
    for name in SCORES:
        found = measure_coverage(population[name], documents, draws=200)
        assert found.covered >= 0.91, name
        assert found.zero_wide == 0
