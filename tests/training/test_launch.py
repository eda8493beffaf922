from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training import cards, launch, stages
from goldspan.training.launch import follow_move, resume_training
from goldspan.training.runs import DONE, TrainingRun, create_run, find_run


def test_a_moved_workspace_takes_its_runs_along(tmp_path: Path) -> None:
    old, new = tmp_path / "old" / "data", tmp_path / "new" / "data"
    run = create_run(Workspace(old), b"", {"flow_run": "17", "key": str(tmp_path / "elsewhere" / "signing.pem")})
    run.update_state({"folder": str(run.folder.resolve()), "output": str(old.resolve() / "models" / "run-1")})
    before = run.read_state()
    follow_move(run)
    assert run.read_state() == before
    old.parent.rename(new.parent)
    moved = find_run(Workspace(new))
    follow_move(moved)
    state = moved.read_state()
    assert state["output"] == str(new.resolve() / "models" / "run-1")
    assert state["key"] == before["key"], "it does not lie in the workspace"
    assert state["flow_run"] == "", "Metaflow knows the old place only"


def finish_flow(run: TrainingRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flow's last step, in a run whose model is trained, and the files that the steps before it wrote."""
    flow = pytest.importorskip("goldspan.training.flow")
    monkeypatch.setattr(cards, "describe_run", lambda *_: [])
    flow.TrainingFlow.end(SimpleNamespace(run_folder=str(run.folder), record={}, rows=[], manifest={}))
    for name in ("checkpoints", "trained", "quantized", "evaluation"):
        (run.folder / name).mkdir()
    (run.folder / "evaluation" / "rows.json").write_text("[]")
    (run.folder / "quantized" / "manifest.json").write_text(json.dumps({"metrics": {}}))


def test_a_run_that_ended_before_its_model_was_in_its_place_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "data")
    output = workspace.root / "models" / "run-1"
    run = create_run(workspace, b"", {"output": str(output), "key": ""})
    finish_flow(run, monkeypatch)
    monkeypatch.setattr(launch, "check_libraries", lambda: None)
    monkeypatch.setattr(launch, "run_flow", lambda *_, **__: pytest.fail("everything is trained"))

    def refuse(*_: object) -> None:
        raise StateError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(stages, "publish", refuse)
        with pytest.raises(StateError, match="disk is full"):
            resume_training(workspace=workspace)
    assert run.read_status() == "interrupted"
    assert (run.folder / "checkpoints").is_dir()
    assert resume_training(workspace=workspace).folder == output
    assert run.read_status() == DONE
    assert not (run.folder / "checkpoints").exists()
    with pytest.raises(StateError, match="is finished"):
        resume_training("run-1", workspace=workspace)
