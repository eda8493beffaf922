from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError, StateError
from goldspan.training.inputs import pack_inputs, unpack_inputs
from tests.training.tiny_model import TOML, make_bundle, make_config


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
