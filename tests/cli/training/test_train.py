from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.training.command import run
from tests.training.tiny_model import TOML, make_bundle

pytest.importorskip("torch")


def test_bad_input_is_named_and_leaves_no_run(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    bundle = make_bundle(place / "b", 20)
    (place / "bad.toml").write_text("[training]\nnum_epoch = 3\n")
    cases = {
        "nothing to train on": ("train", "--encoder", "tiny"),
        "There is no bundle nowhere": ("train", "nowhere", "--encoder", "tiny"),
        "Did you mean num_epochs": ("train", "b", "--config", "bad.toml"),
        "Unknown encoder 'rampat'": ("train", "b", "--encoder", "rampat"),
        "no training run": ("train", "resume"),
        "There is no bundle other": ("train", "other"),
        "This machine has no mps device": ("train", "b", "--encoder", "tiny", "--device", "mps"),
        "device is auto, cpu, cuda or mps": ("train", "b", "--encoder", "tiny", "--device", "tpu"),
    }
    for message, arguments in cases.items():
        code, _, err = run(capsys, *arguments)
        assert code == 1, arguments
        assert message in err, err
    with (bundle / "train.jsonl").open("a") as stream:
        stream.write("\n")
    code, _, err = run(capsys, "train", "b", "--encoder", "tiny")
    assert code == 1
    assert "not what the manifest records" in err
    (place / "labels.toml").write_text(TOML.replace("[labels.CITY]", "[labels.TOWN]"))
    code, _, err = run(capsys, "train", "b", "--encoder", "tiny")
    assert code == 1
    assert "label schema" in err
    assert not (place / "data" / "training").exists()


def test_a_missing_library_is_named(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bundle(place / "b", 20)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run(capsys, "train", "b", "--encoder", "tiny")
    assert code == 1
    assert "torch, transformers" in err
    assert "goldspan[train]" in err


def test_the_inputs_can_be_packed_alone(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_bundle(place / "b", 20)
    code, _, err = run(capsys, "train", "b", "--encoder", "tiny", "--pack", "inputs.tar.gz")
    assert code == 0, err
    assert (place / "inputs.tar.gz").stat().st_mode & 0o777 == 0o600


def test_an_empty_workspace_lists_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(run(capsys, "train", "list", "--json")[1]) == []
    assert json.loads(run(capsys, "model", "list", "--json")[1]) == []
