from __future__ import annotations

import json
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.main import run

LABELS = load_labels()
TEXT = "Maria Secretname lives in Lyon since 2020."


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        run([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def reviewed(tmp_path: Path) -> Path:
    surname, city = Entity(6, 16, "SURNAME"), Entity(26, 30, "CITY")
    samples = [
        Sample(
            TEXT,
            "en",
            annotations=(
                Annotation(Author.model("m-1"), (surname, Entity(37, 41, "AGE"))),
                Annotation(Author.person("ann@example.com"), (surname, city), lead_time=20.0),
                Annotation(Author.person("bob@example.com"), (surname,), lead_time=0.5),
            ),
        )
    ]
    path = tmp_path / "reviewed.jsonl"
    write_samples(path, samples, LABELS)
    return path


def test_acceptance_as_json(reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("acceptance", reviewed, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["total"]["accepted"] == 2
    assert document["by_person"]["ann@example.com"]["added"] == 1
    assert document["by_label"]["AGE"]["precision"] == 0.0


def test_acceptance_as_tables(reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("acceptance", reviewed) == 0
    shown = capsys.readouterr().out
    assert "first-pass acceptance" in shown
    assert "m-1" in shown


def test_agreement_as_json_and_tables(reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("agreement", reviewed, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["exact"] == pytest.approx(2 / 3)
    assert document["pairs"][0]["samples"] == 1
    assert call("agreement", reviewed, "--models") == 0
    assert "model:m-1" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["acceptance", "agreement"])
def test_reports_hold_no_text(command: str, reviewed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags in ([], ["--json"]):
        call(command, reviewed, *flags)
        shown = capsys.readouterr()
        assert "Secretname" not in shown.out + shown.err


@pytest.mark.parametrize("command", ["acceptance", "agreement"])
def test_nothing_to_compare_is_said(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bare.jsonl"
    write_samples(path, [Sample(TEXT, "en")], LABELS)
    assert call(command, path) == 0
    assert "No sample here" in capsys.readouterr().err


def test_files_of_two_projects_are_read_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("ann", "bob"):
        review = Annotation(Author.person(f"{name}@example.com"), (Entity(26, 30, "CITY"),))
        write_samples(tmp_path / f"{name}.jsonl", [Sample(TEXT, "en", annotations=(review,))], LABELS)
    assert call("agreement", tmp_path, "--json") == 0
    assert json.loads(capsys.readouterr().out)["exact"] == 1.0


def test_hidden_predictions_show_the_anchoring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = Entity(26, 30, "CITY")
    model, person = Author.model("m-1"), Author.person("ann@example.com")
    guided = Sample(TEXT, "en", annotations=(Annotation(model, (city,)), Annotation(person, (city,))))
    other = "In Lyon and more text."
    control = Sample(other, "en", annotations=(Annotation(person, ()),), provenance={"control": True})
    hidden = Sample(other, "en", annotations=(Annotation(model, (Entity(3, 7, "CITY"),)),))
    write_samples(tmp_path / "reviewed.jsonl", [guided, control], LABELS)
    write_samples(tmp_path / "hidden.jsonl", [hidden], LABELS)
    assert call("acceptance", tmp_path / "reviewed.jsonl", "--hidden", tmp_path / "hidden.jsonl", "--json") == 0
    assert json.loads(capsys.readouterr().out)["anchoring"]["effect"] == 1.0
