from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from goldspan.annotation.corpus.ledger import find_ledger, read_ledger
from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.config import PathSettings, TrainingConfig
from goldspan.training.inputs import choose_bundle, pack_inputs, unpack_inputs
from tests.training.tiny_model import TOML, make_bundle, make_config, make_labels, make_sample


@pytest.fixture
def labels_file(tmp_path: Path) -> Path:
    path = tmp_path / "labels.toml"
    path.write_text(TOML)
    return path


def test_everything_that_a_run_reads_is_in_the_archive(tmp_path: Path, labels_file: Path) -> None:
    external = tmp_path / "other.jsonl"
    external.write_text('{"text": "x", "spans": []}\n')
    archive = pack_inputs(make_bundle(tmp_path / "b", 20), labels_file, make_config(seed=5), [external])
    inputs = unpack_inputs(archive, tmp_path / "out")
    assert inputs.config.training.seed == 5
    assert inputs.require_bundle().manifest["data"]["samples"] == 20
    assert [path.name for path in inputs.external] == ["other.jsonl"]


def test_a_changed_bundle_is_refused(tmp_path: Path, labels_file: Path) -> None:
    bundle = make_bundle(tmp_path / "b", 20)
    with (bundle / "train.jsonl").open("a") as stream:
        stream.write("{}\n")
    with pytest.raises(StateError, match="not what the manifest records"):
        unpack_inputs(pack_inputs(bundle, labels_file, make_config()), tmp_path / "out")


def test_another_label_schema_is_refused(tmp_path: Path, labels_file: Path) -> None:
    bundle = make_bundle(tmp_path / "b", 20)
    labels_file.write_text(TOML.replace("[labels.CITY]", "[labels.TOWN]"))
    with pytest.raises(StateError, match="label schema"):
        unpack_inputs(pack_inputs(bundle, labels_file, make_config()), tmp_path / "out")


def test_without_a_bundle_there_is_nothing_to_train_on(tmp_path: Path, labels_file: Path) -> None:
    inputs = unpack_inputs(pack_inputs(None, labels_file, make_config()), tmp_path / "out")
    with pytest.raises(InputError, match="no bundle"):
        inputs.require_bundle()


def test_an_archive_cannot_write_outside(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../evil"), io.BytesIO())
    with pytest.raises(StateError, match="cannot be unpacked"):
        unpack_inputs(buffer.getvalue(), tmp_path / "out")
    assert not (tmp_path / "evil").exists()
    with pytest.raises(StateError, match="cannot be unpacked"):
        unpack_inputs(b"broken", tmp_path / "out2")


def test_samples_frozen_on_the_way_are_recorded_in_the_workspace_that_is_trained_in(
    tmp_path: Path, labels_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    samples = tmp_path / "samples"
    samples.mkdir()
    write_samples(samples / "all.jsonl", [make_sample(number) for number in range(20)], make_labels())
    config = TrainingConfig(paths=PathSettings(training_samples_dir=str(samples)))
    workspace = Workspace(tmp_path / "own")
    assert choose_bundle(None, config, workspace, labels_file, tmp_path / "scratch")
    assert len(read_ledger(find_ledger(workspace)).entries) == 20
    assert not (tmp_path / "data").exists()
