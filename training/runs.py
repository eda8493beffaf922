"""A training run on disk: `training/<run>/` in the workspace, with settings, state, progress, and what each step wrote.

inputs.tar.gz    the bundle, the label schema, the settings, external gold: all that a step reads
state.json       how far the run is
progress.jsonl   one line per evaluation during training
checkpoints/  trained/  model.onnx  full/  quantized/  evaluation/
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import explain_disk, make_private_folder, read_json, write_atomic
from goldspan.annotation.locks import try_lock
from goldspan.annotation.tasks.workspace import Workspace, check_file_name
from goldspan.generators.journal.raw import RawLog

STEPS = ("start", "export", "preprocess", "train", "evaluate", "quantise", "sign", "end")
INPUTS, STATE, PROGRESS, LOCK = "inputs.tar.gz", "state.json", "progress.jsonl", "run.lock"
DONE, FAILED, RUNNING = "done", "failed", "running"
INTERRUPTED = "interrupted"
"""What a run is called whose state says running, and which no process works on."""

REFUSED = "refused"
"""The state of a run whose model is finished and does not meet the gate."""
WITHDRAWN = "withdrawn"
"""The state of a run of which samples were erased, and its inputs with them."""

LAUNCHED = "GOLDSPAN_TRAINING_LAUNCHED"
"""Set in the environment of a flow whose processes end with the command that runs it: the next one resumes the run."""

MARK = "goldspan: "
"""What a line begins with that a step prints for people."""

_NUMBER = re.compile(r"run-(\d+)\Z")


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """The folder of one run."""

    folder: Path

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.folder.name

    @property
    def inputs(self) -> Path:
        """The archive of everything that the run reads."""
        return self.folder / INPUTS

    def read_state(self) -> dict[str, Any]:
        """The state: `status`, `step`, `flow_run`, `created_at`, `output`, and figures of finished steps.

        Raises:
            StateError: it cannot be read.
        """
        state: dict[str, Any] = read_json(self.folder / STATE, "Start a new run.")
        return state

    def read_status(self) -> str:
        """The status, `interrupted` for a run whose process died."""
        status = str(self.read_state()["status"])
        if status != RUNNING:
            return status
        try:
            with self.hold():
                return INTERRUPTED
        except StateError:
            return RUNNING

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep other processes from working on the run during the block.

        Raises:
            StateError: another process does.
        """
        with explain_disk(self.folder):
            lock = try_lock(self.folder / LOCK)
        if lock is None:
            raise StateError(f"The training run {self.name} is running in another process.")
        try:
            yield
        finally:
            lock.release()

    def discard_leftovers(self) -> None:
        """Delete what a killed process left half-written; call it while the run is held.

        Raises:
            StateError: the disk refused.
        """
        with explain_disk(self.folder):
            for file in self.list_leftovers():
                file.unlink(missing_ok=True)
            for folder in [entry for entry in self.folder.glob(".*") if entry.is_dir()]:
                shutil.rmtree(folder)

    def list_leftovers(self) -> list[Path]:
        """Temporary files of the run: of a process at work, or of one that was killed."""
        return sorted(self.folder.rglob(".*.tmp"))

    def update_state(self, changes: Mapping[str, Any]) -> None:
        """Change some keys of the state; a run that was deleted is left alone."""
        if (self.folder / STATE).is_file():
            write_atomic(
                self.folder / STATE, orjson.dumps({**self.read_state(), **changes}, option=orjson.OPT_INDENT_2)
            )

    def add_progress(self, row: Mapping[str, Any]) -> None:
        """Append a line of progress."""
        with explain_disk(self.folder), closing(RawLog(self.folder / PROGRESS)) as log:
            log.append(orjson.dumps(row))

    def read_progress(self) -> list[dict[str, Any]]:
        """All lines of progress that are whole."""
        path, rows = self.folder / PROGRESS, list[dict[str, Any]]()
        for line in path.read_bytes().splitlines() if path.is_file() else ():
            with suppress(orjson.JSONDecodeError):
                rows.append(orjson.loads(line))
        return rows


def find_training_folder(workspace: Workspace) -> Path:
    """The folder of all training runs."""
    return workspace.root / "training"


def find_models_folder(workspace: Workspace) -> Path:
    """The folder of finished models."""
    return workspace.root / "models"


def list_model_folders(workspace: Workspace) -> list[Path]:
    """The folders of finished models; what an interrupted process left hidden is none."""
    root = find_models_folder(workspace)
    entries = root.iterdir() if root.is_dir() else ()
    return sorted(folder for folder in entries if folder.is_dir() and not folder.name.startswith("."))


def find_model(workspace: Workspace, model: Path) -> Path:
    """A model directory by its path, or by its name in the folder of finished models.

    Raises:
        InputError: there is neither.
    """
    root = find_models_folder(workspace)
    if model.exists():
        return model
    if len(model.parts) == 1 and (root / model).is_dir():
        return root / model
    known = [folder.name for folder in list_model_folders(workspace)]
    listed = f" Models of the workspace: {', '.join(known)}." if known else ""
    raise InputError(f"There is no model directory {model}.{listed}")


def name_run(workspace: Workspace) -> str:
    """The next free name: `run-1` and so on."""
    root = find_training_folder(workspace)
    entries = root.iterdir() if root.is_dir() else ()
    return f"run-{max((int(match[1]) for entry in entries if (match := _NUMBER.match(entry.name))), default=0) + 1}"


def create_run(workspace: Workspace, archive: bytes, state: Mapping[str, Any], name: str = "") -> TrainingRun:
    """A new run; without a name the next number is taken.

    The state comes first: a run whose process dies before the archive is whole is seen, and says so when it is resumed.

    Raises:
        StateError: there is a run of that name, or the disk refused.
    """
    folder = find_training_folder(workspace) / check_file_name(name or name_run(workspace))
    with explain_disk(folder):
        try:
            make_private_folder(folder.parent)
            folder.mkdir(mode=0o700)
        except FileExistsError:
            raise StateError(
                f"There is a training run {folder.name}. Give the new one another --name; if the old one is "
                f"unfinished, `goldspan train resume {folder.name}` goes on with it."
            ) from None
        created = datetime.now(UTC).isoformat(timespec="seconds")
        content = {"status": RUNNING, "step": STEPS[0], "created_at": created, **state}
        write_atomic(folder / STATE, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        write_atomic(folder / INPUTS, archive)
    return TrainingRun(folder)


def list_runs(workspace: Workspace) -> list[TrainingRun]:
    """All runs, the newest last."""
    root = find_training_folder(workspace)
    found = [TrainingRun(folder) for folder in root.iterdir() if (folder / STATE).is_file()] if root.is_dir() else []
    return sorted(found, key=lambda run: (str(run.read_state().get("created_at")), run.name))


def find_run(workspace: Workspace, name: str = "", *, unfinished: bool = False) -> TrainingRun:
    """The run of a name, else the newest one (that is not finished).

    Raises:
        InputError: there is none.
    """
    runs = list_runs(workspace)
    if name:
        chosen = [run for run in runs if run.name == name]
    else:
        chosen = [run for run in runs if not unfinished or run.read_state()["status"] not in (DONE, WITHDRAWN)]
    if not chosen:
        wanted = (
            f"training run {name}" if name else "training run that is not finished" if unfinished else "training run"
        )
        known = f" Known: {', '.join(run.name for run in runs)}." if runs else ""
        raise InputError(f"There is no {wanted} in {find_training_folder(workspace)}.{known}")
    return chosen[-1]
