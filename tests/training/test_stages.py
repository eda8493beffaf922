"""Steps of a run on bad input: what is missing is said, and an older model stays."""

from __future__ import annotations

import errno
import shutil
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("torch")

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import build_labels
from goldspan.training import stages
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.write import write_bundle
from goldspan.training.inputs import pack_inputs, unpack_inputs
from goldspan.training.runs import TrainingRun
from tests.training.tiny_model import TOML, make_config, make_sample

EXTRA = '[labels.AGE]\nname = "Age"\ngroup = "PERSON"\n'


def test_a_label_without_an_entity_is_named_and_does_not_stop_the_run(tmp_path: Path) -> None:
    toml = TOML.replace("[labels.CITY]", f"{EXTRA}[labels.CITY]")
    (tmp_path / "labels.toml").write_text(toml)
    labels = build_labels(tomllib.loads(toml))
    samples = [make_sample(number) for number in range(40)]
    write_bundle(tmp_path / "bundle", samples, labels, BundleSettings("v1", threshold=1.0, seed=1))
    inputs = unpack_inputs(pack_inputs(tmp_path / "bundle", tmp_path / "labels.toml", make_config()), tmp_path / "in")
    said: list[str] = []
    summary = stages.preprocess(stages.Work(inputs, TrainingRun(tmp_path / "run"), "model", said.append))
    assert summary["without"] == ["AGE"]
    assert said == ["No entity in the training split has the label AGE."]


def test_an_older_model_stays_when_the_disk_refuses_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root, content in (("run", b"new"), ("models/v1", b"old")):
        for name in ("trained", "quantized", "evaluation"):
            (tmp_path / root / name).mkdir(parents=True)
            (tmp_path / root / name / "manifest.json").write_bytes(content)
    copy, left = shutil.copytree, iter([True, False])

    def refuse_second(source: Path, target: Path) -> None:
        if not next(left):
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        copy(source, target)

    monkeypatch.setattr("goldspan.training.stages.shutil.copytree", refuse_second)
    with pytest.raises(StateError, match="space"):
        stages.publish(tmp_path / "run", tmp_path / "models" / "v1")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["v1"]
    assert {path.read_bytes() for path in (tmp_path / "models" / "v1").rglob("manifest.json")} == {b"old"}
    monkeypatch.undo()
    stages.publish(tmp_path / "run", tmp_path / "models" / "v1")
    assert {path.read_bytes() for path in (tmp_path / "models" / "v1").rglob("manifest.json")} == {b"new"}
