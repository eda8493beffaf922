from dataclasses import replace

import pytest

from goldspan.annotation.errors import InputError
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.results.baselines import BASELINES, EVERYTHING, NOTHING, PATTERNS, score_baselines
from goldspan.evaluation.results.compare import compare_results
from goldspan.evaluation.results.evaluate import EvaluationSettings, evaluate_pairing
from goldspan.evaluation.results.result import EvaluationResult

FOREIGN = EvaluationResult(
    "prompting",
    "some-model",
    {"precision": 0.8, "recall": 0.75, "f1_score": 0.774, "exact_match_accuracy": 0.3},
    {},
)


@pytest.fixture(scope="module")
def pairing(samples):
    return pair_samples(samples, samples)


@pytest.fixture(scope="module")
def baselines(pairing, labels):
    return score_baselines(pairing.documents, labels)


@pytest.fixture(scope="module")
def toy(pairing, labels, baselines):
    return replace(evaluate_pairing(pairing, labels, experiment="toy"), baselines=baselines)


@pytest.fixture(scope="module")
def perfect(pairing, labels):
    documents = tuple(d.with_prediction(d.gold.entities, "perfect") for d in pairing.documents)
    result = evaluate_pairing(replace(pairing, documents=documents), labels, experiment="perfect")
    return replace(
        result,
        documents={name: column[::-1] for name, column in result.documents.items()},
        timing={"latency_p50_seconds": 0.25},
        cost={"per_1000_documents": 1.5},
    )


def test_baselines_mask_nothing_everything_and_what_patterns_find(baselines):
    assert tuple(baselines) == BASELINES
    assert baselines[NOTHING]["masking"]["leakage_rate"] == 1.0
    assert baselines[NOTHING]["metrics"]["precision"] is None
    assert baselines[EVERYTHING]["masking"]["leakage_rate"] == 0.0
    assert baselines[EVERYTHING]["masking"]["over_masking_rate"] == 1.0
    assert baselines[PATTERNS]["masking"]["leakage_by_label"]["EMAIL"]["leakage_rate"] == 0.0
    assert baselines[PATTERNS]["timing"]["documents"] == 5


def test_baselines_are_always_in_the_table(toy, perfect):
    comparison = compare_results([toy, perfect])
    assert [row.name for row in comparison.rows] == ["toy", "perfect", *BASELINES]
    assert [row.is_baseline for row in comparison.rows] == [False, False, True, True, True]
    assert comparison.reference == "toy"
    assert comparison.notes == ()


def test_differences_are_to_the_first_result_whatever_the_order_of_documents(toy, perfect):
    first, second, nothing, *_ = compare_results([toy, perfect]).rows
    assert first.deltas == {}
    delta = second.deltas["f1_score"]
    assert delta.delta == 0.5
    assert delta.low < 0.5 < delta.high
    assert nothing.deltas["f1_score"].delta == -0.5
    assert (second.latency_p50_seconds, second.cost_per_1000) == (0.25, 1.5)
    assert (first.latency_p50_seconds, first.cost_per_1000) == (None, None)


def test_another_level_gives_a_note_and_no_difference(toy, pairing, labels):
    coarser = evaluate_pairing(pairing, labels, EvaluationSettings(Level.GROUP), "coarser")
    comparison = compare_results([toy, coarser])
    assert comparison.rows[1].deltas == {}
    assert [note.split(" was ")[0] for note in comparison.notes] == ["coarser"]


def test_systems_are_compared_on_the_documents_that_they_share(toy, perfect, pairing, labels):
    fewer = evaluate_pairing(replace(pairing, documents=pairing.documents[:3]), labels, experiment="fewer")
    comparison = compare_results([perfect, fewer, toy])
    assert comparison.documents == 3
    assert [row.documents for row in comparison.rows] == [3, 3, 3, 3, 3, 3]
    assert comparison.rows[1].f1_score == comparison.rows[2].f1_score == fewer.metrics["f1_score"]
    assert comparison.rows[1].deltas["f1_score"].delta == comparison.rows[2].deltas["f1_score"].delta < 0
    assert [note.split(" is ")[0] for note in comparison.notes] == ["perfect", "toy"]
    assert "3 of its 5 documents" in comparison.notes[0]


def test_rates_of_the_common_documents_are_those_of_the_result(toy):
    row = compare_results([toy]).rows[0]
    for name in ("precision", "recall", "f1_score", "exact_match_accuracy"):
        assert getattr(row, name) == pytest.approx(toy.metrics[name])
    for name in ("leakage_rate", "zero_leak_rate", "over_masking_rate"):
        assert getattr(row, name) == pytest.approx(toy.masking[name])
    assert row.masking_f_beta == pytest.approx(toy.masking["f_beta"])
    assert row.intervals["f1_score"] == tuple(toy.metrics["ci95"]["f1_score"])


def test_other_gold_of_the_same_sample_is_not_common(toy, pairing, labels):
    documents = [replace(d, gold=replace(d.gold, entities=())) for d in pairing.documents[:1]]
    other = evaluate_pairing(replace(pairing, documents=(*documents, *pairing.documents[1:])), labels, experiment="new")
    assert compare_results([toy, other]).documents == 4


def test_four_systems_with_failures_are_compared_in_pairs(toy, perfect, pairing, labels):
    def fail(number: int, name: str) -> EvaluationResult:
        documents = tuple(
            replace(d, predicted=replace(d.predicted, entities=(), mentions=()), failure="no answer")
            if place < number
            else d
            for place, d in enumerate(perfect_pairing.documents)
        )
        return evaluate_pairing(replace(perfect_pairing, documents=documents), labels, experiment=name)

    perfect_pairing = replace(
        pairing, documents=tuple(d.with_prediction(d.gold.entities, "perfect") for d in pairing.documents)
    )
    comparison = compare_results([perfect, toy, fail(1, "one failure"), fail(4, "four failures")])
    assert [row.failures for row in comparison.rows[:4]] == [0, 0, 1, 4]
    assert [(pair.first, pair.second) for pair in comparison.pairs][:3] == [
        ("perfect", "toy"),
        ("perfect", "one failure"),
        ("perfect", "four failures"),
    ]
    assert len(comparison.pairs) == 6
    assert comparison.rows[3].recall < comparison.rows[2].recall < 1
    for pair in comparison.pairs:
        for delta in pair.deltas.values():
            assert delta.p_value <= delta.p_holm <= 1
    assert comparison.rows[3].deltas == comparison.pairs[2].deltas


def test_results_of_other_programs_can_stand_beside_ours(toy):
    comparison = compare_results([FOREIGN, toy])
    assert [row.name for row in comparison.rows][:2] == ["prompting", "toy"]
    assert comparison.rows[0].masking_f_beta is None
    assert [note.split(" ", 2)[1] for note in comparison.notes] == ["was", "baselines"]


def test_baselines_of_the_reference_s_own_data_come_first(toy, perfect, pairing, labels):
    fewer = replace(pairing, documents=pairing.documents[:3])
    elsewhere = replace(evaluate_pairing(fewer, labels), baselines=score_baselines(fewer.documents, labels))
    comparison = compare_results([perfect, elsewhere, toy])
    assert all(row.deltas for row in comparison.rows if row.is_baseline)


def test_baselines_of_another_gold_give_a_note_and_no_difference(toy, pairing, labels):
    documents = [replace(d, gold=replace(d.gold, entities=d.gold.entities[1:])) for d in pairing.documents]
    comparison = compare_results([toy], score_baselines(documents, labels))
    assert [row.deltas for row in comparison.rows] == [{}, {}, {}, {}]
    assert "not known to be of the same gold as toy" in comparison.notes[0]


def test_without_any_baseline_the_comparison_says_how_to_get_them():
    comparison = compare_results([FOREIGN])
    [note] = comparison.notes
    assert "--gold" in note
    assert all(name in note for name in BASELINES)
    assert [(row.name, row.f1_score) for row in comparison.rows[1:]] == [(name, None) for name in BASELINES]


def test_names_tell_results_apart(toy):
    names = [row.name for row in compare_results([toy, toy, replace(toy, model_name="other")]).rows[:3]]
    assert names == ["toy (toy-1)", "toy (toy-1) #2", "toy (other)"]


def test_nothing_to_compare():
    with pytest.raises(InputError, match="at least one"):
        compare_results([])
