from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from goldspan.annotation.tasks.jsonl import read_records
from tests.cli.training.command import run
from tests.training.tiny_model import make_sample

pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def models(place: Path, trained: Path) -> None:
    (place / "data" / "models").mkdir(parents=True)
    for name in ("v1", "v2"):
        shutil.copytree(trained, place / "data" / "models" / name)


def test_models_are_listed_shown_and_compared(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(run(capsys, "model", "list", "--json")[1])
    assert [Path(entry["model"]).name for entry in listed] == ["v1", "v2"]
    assert listed[0]["encoder"] == "tiny"
    shown = json.loads(run(capsys, "model", "show", "v1", "--json")[1])
    assert shown["label_schema"]["labels"] == ["FIRSTNAME", "CITY", "PHONENUMBER"]
    [row] = json.loads(run(capsys, "model", "compare", "v1", "v2", "--json")[1])
    assert row["f1"][0] == row["f1"][1] > 0.8
    assert "## Limits" in run(capsys, "model", "card", "v1")[1]


def test_a_model_is_verified_and_checked(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "model", "check", "v1", "--json")
    assert code == 0, out + err
    assert {one["contract"] for one in json.loads(out)} == {"signature", "goldspan", "kiji", "transformers", "browser"}
    found = json.loads(run(capsys, "model", "verify", "v1", "--json")[1])
    assert found["signed"]
    assert not found["pinned"]
    code, out, _ = run(capsys, "model", "verify", "v1", "--key", found["fingerprint"], "--json")
    assert json.loads(out)["pinned"]
    (place / "data" / "models" / "v1" / "quantized" / "extra").write_text("x")
    code, _, err = run(capsys, "model", "verify", "v1")
    assert code == 1
    assert "signature" in err
    assert run(capsys, "model", "check", "v1")[0] == 1


def test_a_model_annotates_texts(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "notes.txt").write_text(make_sample(5001).text)
    code, _, err = run(capsys, "annotate", "notes.txt", "--predictor", "data/models/v1", "-o", "out.jsonl")
    assert code == 0, err
    (record,) = read_records(place / "out.jsonl")
    (prediction,) = record.value["predictions"]
    assert prediction["model_version"].startswith("tiny-model-")
    assert prediction["result"]


def test_encoders_are_listed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [entry["name"] for entry in json.loads(run(capsys, "model", "encoders", "--json")[1])]
    assert names == ["rampart", "e5-small", "minilm", "smollm2", "tiny"]
