from __future__ import annotations

from pathlib import Path

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.launch import follow_move
from goldspan.training.runs import create_run, find_run


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
