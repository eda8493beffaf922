"""`goldspan labels add`, and the way to it from a file with labels of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.labels.commands import app
from goldspan.cli.main import run

TOKENS = "We O\nhired O\nAna B-Candidate\nRuiz I-Candidate\nas O\na O\ncook B-Job-Title\n. O\n"


@pytest.fixture
def project(begin_project: Callable[[str], Path]) -> Path:
    return begin_project("blank")


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    return int(ended.value.code or 0)


def test_a_label_needs_only_its_code(project: Path) -> None:
    assert CliRunner().invoke(app, ["add", "JOB_TITLE", "CITY"]).exit_code == 0
    assert CliRunner().invoke(app, ["add", "BADGE", "--hint", "Like B-123456"]).exit_code == 0
    added = load_labels()
    assert (added["JOB_TITLE"].name, added["JOB_TITLE"].kind) == ("Job title", "none")
    assert [added[code].values for code in ("JOB_TITLE", "CITY", "BADGE")] == ["model", "", ""]


@pytest.mark.parametrize("option", [["--name", "Staff"], ["--hint", "Like B-123456"]])
def test_one_name_for_two_labels_is_refused(project: Path, option: list[str]) -> None:
    before = (project / "labels.toml").read_bytes()
    assert CliRunner().invoke(app, ["add", "COOK", "WAITER", *option]).exit_code != 0
    assert (project / "labels.toml").read_bytes() == before


def test_an_import_names_the_command_that_adds_its_labels(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "staff.conll").write_text(TOKENS)
    assert call("samples", "import", "staff.conll", "--language", "en") == 1
    assert "goldspan labels add CANDIDATE JOB_TITLE" in capsys.readouterr().err
    assert call("labels", "add", "CANDIDATE", "JOB_TITLE") == 0
    assert call("samples", "import", "staff.conll", "--language", "en") == 0
