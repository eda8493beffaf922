from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.main import run
from goldspan.cli.shared.exits import Exit

LABELS = load_labels()


def make_sample(number: int) -> Sample:
    words = " ".join(f"w{number * 7 + k * k}" for k in range(30))
    text = f"Ann{number} {words}"
    annotation = Annotation(Author.model("m-1"), (Entity(0, len(f"Ann{number}"), "FIRSTNAME"),))
    return Sample(text, "en", "GB", annotations=(annotation,), sample_id=make_sample_id(text, "en"))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDSPAN_DATA", str(tmp_path / "data"))
    path = tmp_path / "data" / "training_samples" / "a.jsonl"
    write_samples(path, [make_sample(number) for number in range(30)], LABELS)
    return path


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as caught:
        run([str(argument) for argument in arguments])
    return int(caught.value.code or 0)


def read_json(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_map(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("labels", "map", "--json") == Exit.OK
    assert {entry["name"] for entry in read_json(capsys)} >= {"kiji", "tab"}
    assert call("labels", "map", "ai4privacy-200k", "LASTNAME", "--json") == Exit.OK
    assert read_json(capsys)["labels"] == [
        {"external": "LASTNAME", "label": "SURNAME", "group": "PERSON", "lossy": False}
    ]
    assert call("labels", "map", "tab") == Exit.OK
    assert "COMPANYNAME" in capsys.readouterr().out
    assert call("labels", "map", "tab", "PERSN") == Exit.FAILED
    assert "PERSON" in capsys.readouterr().err


def test_dedupe(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = tmp_path / "twice.jsonl"
    twice.write_bytes(file.read_bytes() + file.read_bytes().splitlines(keepends=True)[0])
    kept = tmp_path / "kept.jsonl"
    assert call("samples", "dedupe", twice, "-o", kept, "--json") == Exit.OK
    document = read_json(capsys)
    assert (document["samples"], document["kept"], document["counts"]["same_text"]) == (31, 30, 1)
    assert kept.read_bytes() == file.read_bytes()
    assert call("samples", "dedupe", file, "--by", "skeleton") == Exit.OK
    assert "Nothing was written" in capsys.readouterr().err
    assert call("samples", "dedupe", file, "--by", "sound") == Exit.FAILED


def test_split(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        call("samples", "split", file, "-o", tmp_path / "s", "--validation", "0", "--test", "0.2", "--json") == Exit.OK
    )
    document = read_json(capsys)
    assert document["report"]["sizes"] == {"train": 24, "test": 6}
    parts = {
        name: [sample.sample_id for sample in read_samples([tmp_path / "s" / f"{name}.jsonl"], LABELS)]
        for name in ("train", "test")
    }
    assert {name: part for part, names in parts.items() for name in names} == document["assignment"]
    assert call("samples", "split", file) == Exit.OK
    output = capsys.readouterr().out
    assert re.search(r"a relative is in train +0\.0% +\d", output)


def test_quality(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("samples", "quality", file, "--json") == Exit.OK
    document = read_json(capsys)
    assert document["samples"] == 30
    assert {"code", "group", "score", "flag", "summary", "info"} == set(document["checks"][0])
    assert call("samples", "quality", file, "--flagged") == Exit.OK
    assert "label_coverage" in capsys.readouterr().out


def test_export_and_convert(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "x.conll"
    assert call("samples", "export", file, "-o", target, "-f", "conll") == Exit.OK
    assert "Lost: 30 × provenance" in capsys.readouterr().err
    back = tmp_path / "back.jsonl"
    assert call("samples", "convert", target, "-f", "conll", "-o", back, "--json") == Exit.OK
    assert read_json(capsys)["written"] == 30
    assert [s.text for s in read_samples([back], LABELS)] == [s.text for s in read_samples([file], LABELS)]
    assert call("samples", "export", file, "-o", tmp_path / "k", "-f", "kiji", "--json") == Exit.OK
    assert read_json(capsys)["samples"] == len(list((tmp_path / "k").iterdir())) == 30


def test_bundle(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bundle", file, "--name", "one", "--json") == Exit.OK
    document = read_json(capsys)
    folder = tmp_path / "data" / "bundles" / "one"
    assert document["folder"] == str(folder)
    assert document["manifest"]["split"]["sizes"] == {"train": 24, "validation": 3, "test": 3}
    assert call("bundle", "--verify", folder) == Exit.OK
    (folder / "train.jsonl").write_text("")
    assert call("bundle", "--verify", folder) == Exit.FAILED
    assert "manifest" in capsys.readouterr().err


def test_an_empty_split_of_a_bundle_is_said(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    single = tmp_path / "single.jsonl"
    single.write_text(file.read_text().splitlines()[0] + "\n")
    assert call("bundle", single, "--name", "tiny") == Exit.OK
    said = capsys.readouterr().err
    assert "validation is empty" in said
    assert "test is empty" in said


def test_a_closed_gate_stops_the_bundle(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("bundle", "--name", "x") == Exit.GATE_CLOSED
    assert "samples.reviewed" in capsys.readouterr().err
    assert not (tmp_path / "data" / "bundles").exists()
    assert call("bundle", "--name", "x", "--despite-gate", "--all", "--json") == Exit.OK
    assert read_json(capsys)["manifest"]["gate"]["verdict"] == "closed"


def test_upload_dry_run(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ("hub", "upload", "--repo-id", "acme/gold", "--dry-run", "--test-split-ratio", "0.2", "--json")
    assert call(*command) == Exit.OK
    document = read_json(capsys)
    assert document["samples"] == 30
    assert document["files"] == {
        "data/train-00000-of-00001.parquet": 24,
        "data/test-00000-of-00001.parquet": 6,
    }
    assert (tmp_path / "data" / "releases" / "acme--gold" / "README.md").exists()
    assert call(*command) == Exit.FAILED
    assert call("hub", "upload", "--repo-id", "gold", "--dry-run") == Exit.FAILED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quality", "--workers", "4"], "--workers is for --engine"),
        (["dedupe", "--engine-option", "a=b"], "--engine-option is for --engine"),
        (["split", "--workers", "2"], "--workers is for --engine"),
        (["check", "--workers", "2"], "--workers is for --engine"),
        (["check", "--output", "reports"], "--output is for --engine"),
        (["check", "--strict", "--engine", "local", "--output", "reports"], "--strict does not go with --engine"),
    ],
)
def test_options_that_would_have_no_effect_are_refused(tmp_path, capsys, arguments, said):
    command, *options = arguments
    assert call("samples", command, str(tmp_path), *options) == Exit.FAILED
    assert said in " ".join(capsys.readouterr().err.split())


def test_noise_says_what_has_no_annotation(tmp_path, capsys):
    bare = Sample("Nothing here.", "en", sample_id=make_sample_id("Nothing here.", "en"))
    write_samples(tmp_path / "a.jsonl", [make_sample(1), bare], LABELS)
    assert call("samples", "noise", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "b.jsonl")) == Exit.OK
    assert "1 sample written" in (said := " ".join(capsys.readouterr().err.split()))
    assert "1 without an annotation were left out" in said
