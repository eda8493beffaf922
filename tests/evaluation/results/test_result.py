from dataclasses import replace

import orjson
import pytest

import goldspan.schemas as schemas
from goldspan.annotation.errors import RecordError
from goldspan.evaluation.matching.documents import Pairing, pair_samples
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.results.evaluate import EvaluationSettings, evaluate_pairing
from goldspan.evaluation.results.result import EvaluationResult, read_result, write_result
from goldspan.evaluation.scores.spans import Scheme

FOREIGN = {
    "experiment_name": "prompting",
    "model_name": "some-model",
    "metrics": {"precision": 0.8, "recall": 0.75, "f1_score": 0.774, "exact_match_accuracy": 0.3},
    "per_class_metrics": {"CITY": {"precision": 0.9, "recall": 0.8, "f1_score": 0.847}},
}
"""What another program's result needs to be compared."""


@pytest.fixture(scope="module")
def result(labels, samples):
    return evaluate_pairing(pair_samples(samples, samples), labels, EvaluationSettings(split_kind="skeleton"), "first")


def test_coreference_is_0_for_a_system_without_clusters_and_unknown_without_gold_clusters(make_document, labels):
    clustered = '<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m> left. <m c="1" k="PRONOUN">She</m> won.'
    flat = "<FIRSTNAME>Ann</FIRSTNAME> left. She won."
    for gold, predicted, expected in ((clustered, flat, 0.0), (clustered, clustered, 1.0), (flat, clustered, None)):
        document = make_document(gold, predicted)
        pairing = Pairing((document,), (), "review", "prediction", "toy-1")
        found = evaluate_pairing(pairing, labels).coreference
        assert (found and found["conll"]) == expected


def test_the_numbers_are_those_of_the_texts(result):
    metrics = result.metrics
    assert (metrics["gold"], metrics["predicted"], metrics["credit"]) == (6, 6, 3)
    assert metrics["precision"] == metrics["recall"] == metrics["f1_score"] == 0.5
    assert metrics["exact_match_accuracy"] == 0.2
    assert metrics["empty_false_positive_rate"] == 0.0
    assert result.schemes["exact"]["recall"] == pytest.approx(4 / 6)
    assert result.schemes["partial"]["recall"] == pytest.approx(4.5 / 6)
    assert result.schemes["type"]["recall"] == pytest.approx(4 / 6)
    assert result.per_class_metrics["CITY"]["recall"] == 0.0
    assert result.per_class_metrics["SURNAME"]["precision"] == 0.5
    assert result.masking["zero_leak_rate"] == 0.5
    assert result.masking["leakage_by_label"]["CITY"] == {"leakage_rate": 8 / 14, "characters": 14, "leaked": 8}
    kinds = sorted((error.sample_id, error.kind.value) for error in result.errors)
    assert kinds == [
        ("sample-0", "missed"),
        ("sample-1", "spurious"),
        ("sample-2", "boundary"),
        ("sample-4", "type"),
    ]


def test_nothing_depends_on_the_order_of_files_or_spans(result, labels, samples):
    mixed = [
        replace(sample, annotations=tuple(replace(a, entities=a.entities[::-1]) for a in sample.annotations))
        for sample in samples[::-1]
    ]
    again = evaluate_pairing(
        pair_samples(mixed, mixed[::-1]), labels, EvaluationSettings(split_kind="skeleton"), "first"
    )
    assert replace(again, created_at=result.created_at) == result


def test_the_result_names_what_it_was_measured_on(result, labels):
    assert result.level is Level.LABEL
    assert result.scheme is Scheme.STRICT
    assert result.labels["fingerprint"] == labels.fingerprint
    assert result.data["split_kind"] == "skeleton"
    assert (result.data["gold_source"], result.data["predicted_source"]) == ("review", "prediction")
    low, high = result.metrics["ci95"]["f1_score"]
    assert low <= result.metrics["f1_score"] <= high


def test_a_result_comes_back_from_disk_as_it_was(result, tmp_path):
    path = tmp_path / "deep" / "result.json"
    write_result(path, result)
    again = read_result(path)
    assert again.to_json() == orjson.loads(orjson.dumps(result.to_json()))
    assert again.errors == result.errors
    document = orjson.loads(path.read_bytes())
    assert set(FOREIGN) <= set(document)
    assert set(FOREIGN["metrics"]) <= set(document["metrics"])
    assert all(set(FOREIGN["per_class_metrics"]["CITY"]) <= set(c) for c in document["per_class_metrics"].values())


def test_the_four_keys_alone_are_a_result(tmp_path):
    path = tmp_path / "foreign.json"
    path.write_bytes(orjson.dumps(FOREIGN))
    result = read_result(path)
    assert isinstance(result, EvaluationResult)
    assert result.metrics == FOREIGN["metrics"]
    assert result.documents == {}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"metrics": {"precision": 1.2, "recall": 0, "f1_score": 0, "exact_match_accuracy": 0}}, "/metrics/precision"),
        ({"level": "sentence"}, "/level"),
        ({"model_name": 3}, "/model_name"),
    ],
)
def test_broken_results_are_refused_with_their_place(tmp_path, change, pointer):
    path = tmp_path / "broken.json"
    path.write_bytes(orjson.dumps(FOREIGN | change))
    with pytest.raises(RecordError) as refused:
        read_result(path)
    assert refused.value.pointer == pointer


def test_files_that_are_no_results(tmp_path):
    with pytest.raises(RecordError, match="cannot be read"):
        read_result(tmp_path / "missing.json")
    (tmp_path / "text.json").write_text("not json")
    with pytest.raises(RecordError, match="not JSON"):
        read_result(tmp_path / "text.json")


def test_no_surface_of_the_texts_is_in_a_result(result, samples, tmp_path):
    write_result(tmp_path / "result.json", result)
    written = (tmp_path / "result.json").read_text()
    for sample in samples:
        for word in sample.text.rstrip(".").split():
            if len(word) > 3:
                assert word not in written


def test_the_schema_has_an_address_and_closes_its_enums():
    schema = schemas.load("evaluation-result")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith("/evaluation-result/1")
    assert schema["properties"]["level"]["enum"] == [level.value for level in Level]
    assert schema["properties"]["scheme"]["enum"] == [scheme.value for scheme in Scheme]


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("scheme", Scheme)
def test_every_level_and_scheme_gives_a_valid_result(labels, samples, tmp_path, level, scheme):
    measured = evaluate_pairing(pair_samples(samples, samples), labels, EvaluationSettings(level, scheme))
    write_result(tmp_path / "result.json", measured)


def test_no_documents_give_none_everywhere(labels, tmp_path):
    empty = evaluate_pairing(pair_samples([], []), labels)
    assert empty.metrics["f1_score"] is None
    assert empty.metrics["exact_match_accuracy"] is None
    assert empty.metrics["ci95"]["f1_score"] is None
    write_result(tmp_path / "result.json", empty)
