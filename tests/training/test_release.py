from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import GateClosedError, InputError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.config import parse_config
from goldspan.training.release import judge_folder, list_external, require_open_gate
from goldspan.training.runs import REFUSED, TrainingRun, create_run
from tests.training.gate.test_model import ROWS


def make_run(folder: Path, toml: str) -> TrainingRun:
    (folder / "gate.toml").write_text(toml)
    run = create_run(Workspace(folder), b"x", {})
    (run.folder / "evaluation").mkdir()
    (run.folder / "evaluation" / "rows.json").write_bytes(orjson.dumps(ROWS))
    return run


def test_a_model_below_a_bound_is_refused_with_figures_and_the_way_on(tmp_path: Path) -> None:
    run = make_run(tmp_path, "[[model]]\nf1 = 0.95\n")
    with pytest.raises(GateClosedError, match=r"0\.9 \[0\.85, 0\.95\], n = 50, wanted at least 0\.95.*resume run-1"):
        require_open_gate(run, Workspace(tmp_path), tmp_path / "models" / "run-1")
    assert run.read_state()["status"] == REFUSED
    (tmp_path / "gate.toml").write_text("[[model]]\nf1 = 0.8\n")
    require_open_gate(run, Workspace(tmp_path), tmp_path / "models" / "run-1")
    assert [one.passed for one in judge_folder(run.folder, Workspace(tmp_path))] == [True]


def test_a_folder_without_an_evaluation_and_a_gate_without_bounds_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, "[samples]\nreviewed = 1\n")
    require_open_gate(run, Workspace(tmp_path), tmp_path / "models")
    with pytest.raises(InputError, match="asks nothing of a model"):
        judge_folder(run.folder, Workspace(tmp_path))
    (tmp_path / "gate.toml").write_text("[[model]]\nf1 = 0.95\n")
    with pytest.raises(InputError, match="neither a model directory nor"):
        judge_folder(tmp_path, Workspace(tmp_path))


def test_files_of_gold_come_once_and_have_names_of_their_own(tmp_path: Path) -> None:
    for name in ("a/outside.jsonl", "b/outside.jsonl", "test.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "gate.toml").write_text('[[model]]\nfile = "a/outside.jsonl"\nf1 = 0.5\n')

    def find(*files: str) -> list[Path]:
        given = {"evaluation": {"external": [str(tmp_path / file) for file in files]}}
        return list_external(parse_config(given), Workspace(tmp_path))

    assert find() == find("a/outside.jsonl") == [tmp_path / "a" / "outside.jsonl"]
    for name in ("b/outside.jsonl", "test.jsonl"):
        with pytest.raises(InputError, match="Rename the file"):
            find(name)
