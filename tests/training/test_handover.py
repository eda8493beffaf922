from __future__ import annotations

import json

import pytest

from annotation.errors import InputError, StateError
from annotation.labels import LabelSchema
from annotation.types import Sample
from annotation.workspace import Workspace
from tests.training.test_gate import ALL_OPEN, good, workspace, write_thresholds
from training.gate import judge_samples
from training.handover import describe_verdict, freeze_version
from training.verify import open_bundle

__all__ = ["good", "workspace"]


def test_a_closed_gate_freezes_nothing(workspace: Workspace, labels: LabelSchema) -> None:
    with pytest.raises(StateError, match=r"samples\.reviewed.*goldspan gate"):
        freeze_version(workspace, labels, "v1")
    assert not workspace.bundles.exists()


def test_an_open_gate_freezes_the_reviewed_samples(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, ALL_OPEN)
    folder, manifest = freeze_version(workspace, labels, "v1", seed=4)
    assert folder == workspace.bundles / "v1"
    assert json.loads((folder / "manifest.json").read_text()) == manifest
    assert manifest["data"]["samples"] == 30
    assert manifest["gate"] == {"verdict": "open", "reasons": []}
    open_bundle(folder)
    with pytest.raises(StateError):
        freeze_version(workspace, labels, "v1")


def test_a_name_that_leaves_the_folder_is_refused(workspace: Workspace, labels: LabelSchema) -> None:
    write_thresholds(workspace, ALL_OPEN)
    for name in ("../v1", "", ".hidden", "a/b"):
        with pytest.raises(InputError):
            freeze_version(workspace, labels, name)


def test_the_manifest_says_why_a_gate_is_closed(good: list[Sample], labels: LabelSchema) -> None:
    gate = describe_verdict(judge_samples(good, labels, {"samples": {"reviewed": 40}, "agreement": {"f1": 0.5}}))
    assert gate.verdict == "closed"
    assert gate.reasons == ("samples.reviewed: found 30, wanted at least 40",)
    alone = describe_verdict(judge_samples(good[20:], labels, {"agreement": {"f1": 0.5}}))
    assert alone.reasons == ("agreement.f1: found nothing, wanted at least 0.5",)
