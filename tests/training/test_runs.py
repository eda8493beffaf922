from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.launch import resume_training
from goldspan.training.runs import DONE, INTERRUPTED, RUNNING, create_run, find_model, find_run, list_runs


def test_runs_are_numbered_and_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert list_runs(workspace) == []
    with pytest.raises(InputError, match="no training run"):
        find_run(workspace)
    first = create_run(workspace, b"x", {"encoder": "tiny"})
    second = create_run(workspace, b"x", {"encoder": "tiny"})
    assert (first.name, second.name) == ("run-1", "run-2")
    assert find_run(workspace).name == "run-2"
    second.update_state({"status": DONE})
    assert find_run(workspace, unfinished=True).name == "run-1"
    assert find_run(workspace, "run-2").read_state()["status"] == DONE
    with pytest.raises(InputError, match="Known: run-1, run-2"):
        find_run(workspace, "run-9")


def test_a_name_is_taken_once_and_cannot_leave_the_folder(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    create_run(workspace, b"x", {}, "v1")
    with pytest.raises(StateError, match="resume v1"):
        create_run(workspace, b"x", {}, "v1")
    with pytest.raises(InputError, match="file name"):
        create_run(workspace, b"x", {}, "../v1")


def test_what_a_run_reads_is_for_its_owner_alone(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"texts", {})
    assert run.inputs.stat().st_mode & 0o777 == 0o600
    assert run.folder.stat().st_mode & 0o777 == 0o700


def test_a_half_written_line_of_progress_is_left_out(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"x", {})
    run.add_progress({"tokens": 1})
    with (run.folder / "progress.jsonl").open("ab") as stream:
        stream.write(b'{"tokens": 2')
    assert run.read_progress() == [{"tokens": 1}]


def test_a_broken_state_is_named(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"x", {})
    (run.folder / "state.json").write_text("{")
    with pytest.raises(StateError, match="not JSON"):
        run.read_state()


def test_a_model_is_found_by_path_and_by_name(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    with pytest.raises(InputError, match=r"There is no model directory a\.$"):
        find_model(workspace, Path("a"))
    (tmp_path / "data" / "models" / "v1").mkdir(parents=True)
    assert find_model(workspace, Path("v1")) == tmp_path / "data" / "models" / "v1"
    assert find_model(workspace, tmp_path) == tmp_path
    for unknown in ("v2", "models/v1"):
        with pytest.raises(InputError, match=r"Models of the workspace: v1\."):
            find_model(workspace, Path(unknown))


def test_a_run_that_no_process_works_on_is_interrupted(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"", {})
    assert run.read_status() == INTERRUPTED
    with run.hold():
        assert run.read_status() == RUNNING
        with pytest.raises(StateError, match="run-1 is running in another process"), run.hold():
            pass
    run.update_state({"status": DONE})
    assert run.read_status() == DONE


def test_progress_goes_on_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"x", {})
    run.add_progress({"tokens": 1})
    with (run.folder / "progress.jsonl").open("ab") as stream:
        stream.write(b'{"tokens": 2')
    run.add_progress({"tokens": 3})
    assert run.read_progress() == [{"tokens": 1}, {"tokens": 3}]


def test_a_run_whose_process_died_while_it_was_made_blocks_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path)

    def die_at(name: str) -> Callable[[Path, bytes], None]:
        def write(path: Path, data: bytes) -> None:
            if path.name == name:
                raise KeyboardInterrupt
            write_atomic(path, data)

        return write

    for name in ("state.json", "inputs.tar.gz"):
        monkeypatch.setattr("goldspan.training.runs.write_atomic", die_at(name))
        with pytest.raises(KeyboardInterrupt):
            create_run(workspace, b"x", {})
    monkeypatch.undo()
    assert create_run(workspace, b"x", {}).name == "run-3"
    assert [run.name for run in list_runs(workspace)] == ["run-2", "run-3"]
    with pytest.raises(StateError, match=r"run-2 was never begun: its inputs are missing\. Start another one"):
        resume_training("run-2", workspace=workspace)


def test_what_a_killed_process_left_half_written_is_discarded(tmp_path: Path) -> None:
    run = create_run(Workspace(tmp_path), b"x", {})
    (run.folder / "checkpoints").mkdir()
    (run.folder / ".full.abc").mkdir()
    for left in (".inputs.tar.gz.abc.tmp", "checkpoints/.checkpoint.pt.abc.tmp", ".full.abc/model.onnx"):
        (run.folder / left).write_bytes(b"Ann")
    (run.folder / "checkpoints" / "checkpoint.pt").write_bytes(b"x")
    run.discard_leftovers()
    left = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*")}
    assert left == {"state.json", "inputs.tar.gz", "checkpoints", "checkpoints/checkpoint.pt"}
