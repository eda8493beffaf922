import numpy as np
import pytest

from goldspan.evaluation.scores.bootstrap import compare_paired, estimate_intervals


def ratio(sums):
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


def make_table(rate: float, documents: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tries = rng.integers(1, 10, documents)
    return np.stack([rng.binomial(tries, rate), tries], axis=1).astype(float)


def test_intervals_hold_the_value_and_follow_from_the_seed():
    table = make_table(0.8)
    [low, high] = estimate_intervals(table, {"rate": ratio}, seed=3)["rate"]
    value = table[:, 0].sum() / table[:, 1].sum()
    assert low < value < high
    assert high - low < 0.05
    assert estimate_intervals(table, {"rate": ratio}, seed=3)["rate"] == (low, high)
    assert estimate_intervals(table, {"rate": ratio}, seed=4)["rate"] != (low, high)


def test_the_interval_has_the_width_that_theory_gives():
    table = np.stack([np.random.default_rng(1).binomial(1, 0.5, 1000), np.ones(1000)], axis=1)
    low, high = estimate_intervals(table, {"rate": ratio}, draws=4000)["rate"]
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / np.sqrt(1000), rel=0.1)


def test_no_documents_and_empty_denominators_give_no_interval():
    assert estimate_intervals(np.zeros((0, 2)), {"rate": ratio}) == {"rate": None}
    assert estimate_intervals(np.zeros((5, 2)), {"rate": ratio}) == {"rate": None}


def test_a_better_system_is_told_apart():
    worse = make_table(0.7)
    better = worse.copy()
    better[:, 0] = np.minimum(better[:, 0] + (np.arange(len(better)) % 4 == 0), better[:, 1])
    delta = compare_paired(worse, better, ratio)
    assert delta.delta == pytest.approx((better[:, 0].sum() - worse[:, 0].sum()) / worse[:, 1].sum())
    assert 0 < delta.low < delta.delta < delta.high
    assert delta.p_value < 0.01
    mirrored = compare_paired(better, worse, ratio)
    assert mirrored.delta == -delta.delta
    assert mirrored.low == pytest.approx(-delta.high)


def test_the_same_system_twice_is_no_difference():
    table = make_table(0.6)
    delta = compare_paired(table, table, ratio)
    assert (delta.delta, delta.low, delta.high, delta.p_value) == (0.0, 0.0, 0.0, 1.0)


def test_under_no_difference_small_p_values_are_as_rare_as_they_should_be():
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(100):
        one, other = rng.binomial(5, 0.5, (2, 60))
        tries = np.full(60, 5)
        p_values.append(compare_paired(np.c_[one, tries] * 1.0, np.c_[other, tries] * 1.0, ratio, draws=200).p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.13


def test_undefined_scores_have_no_difference():
    empty = np.zeros((5, 2))
    assert compare_paired(empty, make_table(0.5, 5), ratio).delta is None


def test_different_documents_cannot_be_paired():
    with pytest.raises(ValueError, match="same ones"):
        compare_paired(make_table(0.5, 5), make_table(0.5, 6), ratio)
