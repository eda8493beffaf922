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
    assert 0 < delta.low <= 0.5 <= delta.high
    assert nothing.deltas["f1_score"].delta == -0.5
    assert (second.latency_p50_seconds, second.cost_per_1000) == (0.25, 1.5)
    assert (first.latency_p50_seconds, first.cost_per_1000) == (None, None)


def test_other_data_give_a_note_and_no_difference(toy, perfect, pairing, labels):
    fewer = replace(pairing, documents=pairing.documents[:3])
    elsewhere = evaluate_pairing(fewer, labels, experiment="elsewhere")
    coarser = evaluate_pairing(pairing, labels, EvaluationSettings(Level.GROUP), "coarser")
    comparison = compare_results([toy, elsewhere, coarser])
    assert [row.deltas for row in comparison.rows[1:3]] == [{}, {}]
    assert [note.split(" was ")[0] for note in comparison.notes] == ["elsewhere", "coarser"]


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
