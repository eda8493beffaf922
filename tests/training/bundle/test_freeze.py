from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import InputError, RecordError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.cli.training.bundle import app
from goldspan.training.bundle.freeze import describe_verdict, freeze_version
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.report import list_warnings, show_sizes, summarise
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.gate.judge import judge_samples
from tests.training.gate.test_judge import ALL_OPEN, good, workspace, write_thresholds

__all__ = ["good", "workspace"]
runner = CliRunner()
VERSION = BundleSettings("v1", reviewed_only=True)


def test_a_closed_gate_freezes_nothing(workspace: Workspace, labels: LabelSchema) -> None:
    with pytest.raises(StateError, match=r"samples\.reviewed.*goldspan gate"):
        freeze_version(workspace, labels, VERSION)
    assert not workspace.bundles.exists()


def test_an_open_gate_freezes_the_reviewed_samples(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, ALL_OPEN)
    folder, manifest = freeze_version(workspace, labels, replace(VERSION, seed=4))
    assert folder == workspace.bundles / "v1"
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert manifest["data"]["samples"] == 30
    assert manifest["gate"] == {"verdict": "open", "reasons": []}
    assert list_warnings(manifest) == []
    open_bundle(folder)
    with pytest.raises(StateError):
        freeze_version(workspace, labels, VERSION)


def test_a_name_that_leaves_the_folder_is_refused(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, ALL_OPEN)
    for name in ("../v1", "", ".hidden", "a/b", " ", "v1 ", "\tv1"):
        with pytest.raises(InputError):
            freeze_version(workspace, labels, replace(VERSION, name=name))


def test_the_manifest_says_why_a_gate_is_closed(good: list[Sample], labels: LabelSchema) -> None:
    gate = describe_verdict(judge_samples(good, labels, {"samples": {"reviewed": 40}, "agreement": {"f1": 0.5}}))
    assert gate.verdict == "closed"
    assert gate.reasons == ("samples.reviewed: found 30, wanted at least 40",)
    alone = describe_verdict(judge_samples(good[20:], labels, {"agreement": {"f1": 0.5}}))
    assert alone.verdict == "closed"
    assert alone.reasons == ("agreement.f1: found nothing, wanted at least 0.5",)


def leave_unreviewed(sample: Sample) -> Sample:
    return replace(sample, text=f"{sample.text} Bye.", annotations=sample.annotations[:1], sample_id="")


def bundle(workspace: Workspace, name: str, *options: str) -> dict[str, Any]:
    shown = runner.invoke(app, ["--data", str(workspace.root), "--name", name, "--json", *options])
    assert shown.exit_code == 0, shown.output
    manifest: dict[str, Any] = json.loads(shown.stdout)["manifest"]
    return manifest


def test_the_command_bundles_what_the_gate_judged(
    workspace: Workspace, good: list[Sample], labels: LabelSchema
) -> None:
    write_thresholds(workspace, ALL_OPEN)
    write_samples(workspace.training_samples / "more.jsonl", [leave_unreviewed(sample) for sample in good[:7]], labels)
    manifest = bundle(workspace, "v1")
    assert (manifest["data"]["samples"], manifest["data"]["reviewed"]) == (30, 30)
    assert manifest["data"]["left_out"] == {"not_reviewed": 7}
    assert manifest["gate"]["verdict"] == "open"
    assert freeze_version(workspace, labels, VERSION)[1] == manifest


def test_a_bundle_of_unreviewed_samples_says_how_to_take_them(
    workspace: Workspace, good: list[Sample], labels: LabelSchema
) -> None:
    unreviewed = [leave_unreviewed(sample) for sample in good]
    write_samples(workspace.training_samples / "project.jsonl", unreviewed, labels)
    shown = runner.invoke(app, ["--data", str(workspace.root), "--despite-gate"])
    assert "30 not reviewed" in str(shown.exception)
    assert "--all" in str(shown.exception)
    assert bundle(workspace, "v1", "--despite-gate", "--all")["data"]["samples"] == 30


def test_an_open_gate_does_not_speak_for_unreviewed_samples(
    workspace: Workspace, good: list[Sample], labels: LabelSchema
) -> None:
    write_thresholds(workspace, ALL_OPEN)
    write_samples(workspace.training_samples / "more.jsonl", [leave_unreviewed(sample) for sample in good[:7]], labels)
    manifest = bundle(workspace, "v1", "--all")
    assert (manifest["data"]["samples"], manifest["data"]["reviewed"]) == (37, 30)
    assert manifest["gate"]["verdict"] == "not_asked"
    assert "reviewed samples only" in manifest["gate"]["reasons"][0]
    assert manifest["gate"]["reasons"][0] in list_warnings(manifest)
    write_thresholds(workspace, {"samples": {"reviewed": 100}})
    assert bundle(workspace, "v2", "--all", "--despite-gate")["gate"]["verdict"] == "closed"


def test_files_of_your_own_are_bundled_whole_unless_told_otherwise(
    workspace: Workspace, good: list[Sample], labels: LabelSchema
) -> None:
    path = workspace.root / "own.jsonl"
    write_samples(path, [*good[:9], leave_unreviewed(good[9])], labels)
    assert bundle(workspace, "v1", str(path))["data"]["samples"] == 10
    only = bundle(workspace, "v2", str(path), "--reviewed-only")
    assert only["data"]["samples"] == 9
    assert only["gate"]["verdict"] == "not_asked"


def test_a_version_is_frozen_with_an_empty_test_split_and_a_warning(
    workspace: Workspace, good: list[Sample], labels: LabelSchema
) -> None:
    write_thresholds(workspace, {"samples": {"reviewed": 5}})
    family = [replace(sample, provenance={"persona": "one"}) for sample in good]
    write_samples(workspace.training_samples / "project.jsonl", family, labels)
    _, manifest = freeze_version(workspace, labels, VERSION)
    assert show_sizes(manifest) == "train 30, validation 0, test 0"
    assert [warning.partition(":")[0] for warning in list_warnings(manifest)] == [
        "validation is empty",
        "test is empty",
    ]
    assert "nothing is held out" in summarise(manifest)


def test_what_cannot_be_read_whole_is_left_out_and_named(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, {"samples": {"reviewed": 5}})
    path = workspace.training_samples / "project.jsonl"
    first, *others = path.read_text().splitlines()
    task = unpack_record(json.loads(first))
    task["annotations"][0]["result"][0]["value"]["labels"] = []
    path.write_text("\n".join([json.dumps(task), *others, "not json"]) + "\n")
    lost: list[RecordError] = []
    _, manifest = freeze_version(workspace, labels, VERSION, on_error=lost.append)
    assert manifest["data"]["samples"] == 29
    assert [error.line for error in lost] == [1, 31]


def test_a_gate_that_judged_nothing_freezes_nothing(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, {})
    (workspace.training_samples / "project.jsonl").unlink()
    with pytest.raises(StateError, match="Nothing is reviewed"):
        freeze_version(workspace, labels, VERSION)
