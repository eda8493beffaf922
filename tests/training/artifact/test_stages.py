from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from goldspan.annotation.types import Sample
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.results.result import read_result
from goldspan.predictors.registry import open_predictor
from goldspan.training.artifact.external import ExternalGold
from goldspan.training.artifact.measure import evaluate_systems
from goldspan.training.artifact.write import add_results
from tests.training.tiny_model import NAMES, make_labels, make_sample

UNSEEN = [make_sample(number) for number in range(1000, 1040)]


def count_right(folder: Path, samples: list[Sample]) -> tuple[int, int]:
    predictor = open_predictor(folder, make_labels(), verify="off")
    right = total = 0
    for sample in samples:
        best = sample.best
        assert best
        found = {entity.span for entity in predictor.predict_sync(sample.text).entities}
        right += len(found & {entity.span for entity in best.entities})
        total += len(best.entities)
    return right, total


def test_the_model_learned_and_is_served_from_its_directory(trained: Path) -> None:
    right, total = count_right(trained, UNSEEN)
    assert right / total > 0.9


def test_the_directory_has_exactly_the_promised_files(trained: Path) -> None:
    names = {path.name for path in (trained / "trained").iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "label_mappings.json"} <= names
    assert {path.name for path in (trained / "quantized").iterdir()} == {
        "model_quantized.onnx", "tokenizer.json", "label_mappings.json", "crf_transitions.json", "config.json",
        "calibration.json", "coreference.json", "probes.json", "README.md", "manifest.json",
    }  # fmt: skip
    assert (trained / "quantized.sig").is_file()


def test_the_evaluation_is_a_result_that_compare_takes(trained: Path) -> None:
    result = read_result(trained / "evaluation" / "test.model.json")
    assert result.metrics["f1_score"] > 0.8
    assert result.data["split_kind"] == "grouped"
    rows = json.loads((trained / "quantized" / "manifest.json").read_text())["metrics"]["evaluations"]
    assert rows[0]["f1"] == pytest.approx(result.metrics["f1_score"])


def test_a_previous_model_that_is_not_what_was_signed_is_not_opened(trained: Path, tmp_path: Path) -> None:
    """Its manifest fits its files: only the signature tells."""
    for name in ("quantized", "quantized.sig", "quantized.pub"):
        path = trained / name
        (shutil.copytree if path.is_dir() else shutil.copyfile)(path, tmp_path / name)
    add_results(tmp_path / "quantized", [])
    labels = make_labels()
    gold = ExternalGold("test", tuple(UNSEEN[:4]), Level.LABEL, frozenset())
    model = open_predictor(trained, labels, verify="off")
    rows, notes = evaluate_systems(model, [gold], labels, tmp_path / "out", baselines=False, previous=tmp_path)
    assert {row.system for row in rows} == {"model", "regex+model"}
    assert len(notes) == 1
    assert "does not match its signature" in notes[0]


def test_card_and_manifest_hold_no_text_of_a_sample(trained: Path) -> None:
    for name in ("README.md", "manifest.json"):
        content = (trained / "quantized" / name).read_text()
        assert not [word for word in NAMES if f" {word} " in content]


def test_a_standard_class_loads_what_was_trained_and_agrees(trained: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pipe = transformers.pipeline(
        "token-classification", model=str(trained / "trained"), aggregation_strategy="simple", device="cpu"
    )
    predictor = open_predictor(trained, make_labels(), verify="off")
    same = 0
    for sample in UNSEEN:
        theirs = {(hit["start"], hit["end"], hit["entity_group"]) for hit in pipe(sample.text)}
        same += theirs == {tuple(entity.span) for entity in predictor.predict_sync(sample.text).entities}
    assert same / len(UNSEEN) >= 0.9


def test_the_coreference_report_names_every_rule(trained: Path) -> None:
    report = json.loads((trained / "quantized" / "manifest.json").read_text())["coreference"]
    assert set(report["conll"]) == {"head", "recent", "exact"}
    best = max(report["conll"].values())
    assert report["conll"][report["method"]] == best
    assert report["method"] == "head" or "did not beat" in report["reason"]


def test_mentions_come_with_clusters(trained: Path) -> None:
    predictor = open_predictor(trained, make_labels(), verify="off")
    clustered = sum(bool(predictor.predict_sync(sample.text).clusters) for sample in UNSEEN)
    assert clustered > len(UNSEEN) / 3
