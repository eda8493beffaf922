import numpy as np
import pytest

from goldspan.evaluation.scores.paired import compare_paired, correct_holm


def make_table(rate: float, documents: int = 400, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tries = rng.integers(1, 10, documents)
    return np.stack([rng.binomial(tries, rate), tries], axis=1).astype(float)


def test_a_better_system_is_told_apart():
    worse = make_table(0.7)
    better = worse.copy()
    better[:, 0] = np.minimum(better[:, 0] + (np.arange(len(better)) % 4 == 0), better[:, 1])
    delta = compare_paired(worse, better)
    assert delta.delta == pytest.approx((better[:, 0].sum() - worse[:, 0].sum()) / worse[:, 1].sum())
    assert 0 < delta.low < delta.delta < delta.high
    assert delta.p_value < 0.01
    mirrored = compare_paired(better, worse)
    assert mirrored.delta == -delta.delta
    assert mirrored.low == pytest.approx(-delta.high)


def test_the_same_system_twice_is_no_difference():
    table = make_table(0.6)
    delta = compare_paired(table, table)
    assert (delta.delta, delta.p_value) == (0.0, 1.0)
    assert (delta.low, delta.high) == (pytest.approx(0, abs=0.002), pytest.approx(0, abs=0.002))


def test_two_perfect_systems_on_few_documents_may_still_differ():
    table = np.full((5, 2), 4.0)
    delta = compare_paired(table, table)
    assert (delta.delta, delta.p_value) == (0.0, 1.0)
    assert delta.low < -0.1 < 0.1 < delta.high


def test_differences_cover_the_true_one():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        quality = rng.beta(5, 1, 40)
        tries = np.full(40, 6)
        one, other = rng.binomial(tries, quality), rng.binomial(tries, quality * 0.9)
        delta = compare_paired(np.c_[one, tries] * 1.0, np.c_[other, tries] * 1.0, draws=1)
        covered += delta.low <= -0.1 * 5 / 6 <= delta.high
    assert covered >= 182


def test_under_no_difference_small_p_values_are_as_rare_as_they_should_be():
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(100):
        one, other = rng.binomial(5, 0.5, (2, 60))
        tries = np.full(60, 5)
        p_values.append(compare_paired(np.c_[one, tries] * 1.0, np.c_[other, tries] * 1.0, draws=200).p_value)
    assert np.mean(np.array(p_values) < 0.05) < 0.13


def test_undefined_scores_have_no_difference():
    assert compare_paired(np.zeros((5, 2)), make_table(0.5, 5)).delta is None


def test_different_documents_cannot_be_paired():
    with pytest.raises(ValueError, match="same ones"):
        compare_paired(make_table(0.5, 5), make_table(0.5, 6))


def test_holm_s_correction():
    """Example of Holm 1979: the smallest p-value is multiplied by the number of tests, the next by one less."""
    assert correct_holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert correct_holm([0.6, 0.9]) == [1.0, 1.0]
    assert correct_holm([]) == []
