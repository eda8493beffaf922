"""A fit on disk: `methods/<name>/` in the workspace.

state.json   method, settings, bundle, status, seconds so far
artifact/    what is being built; it is moved to models/<name>
*            what the method keeps between attempts; deleted when the fit is done
"""

from __future__ import annotations

import resource
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import explain_disk, read_json, write_atomic
from goldspan.annotation.locks import try_lock
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.runs import DONE, RUNNING

STATE, LOCK = "state.json", ".lock"
INTERRUPTED = "interrupted"
_SAME = ("method", "bundle", "settings")


@dataclass(frozen=True, slots=True)
class FitStatus:
    """A fit as `goldspan method status` shows it; a fit whose process died is `interrupted`."""

    name: str
    state: Mapping[str, Any]

    @property
    def is_done(self) -> bool:
        """True if the artifact is in its place."""
        return bool(self.state["status"] == DONE)


def list_fits(workspace: Workspace) -> list[FitStatus]:
    """All fits, the newest last."""
    root = find_fits_folder(workspace)
    folders = [folder for folder in root.iterdir() if (folder / STATE).is_file()] if root.is_dir() else []
    found = [FitStatus(folder.name, _read_status(folder)) for folder in folders]
    return sorted(found, key=lambda fit: (str(fit.state.get("started_at")), fit.name))


def find_fit(workspace: Workspace, name: str = "") -> FitStatus:
    """The fit of a name, else the newest.

    Raises:
        InputError: there is none.
    """
    fits = list_fits(workspace)
    chosen = [fit for fit in fits if name in ("", fit.name)]
    if not chosen:
        known = f" Known: {', '.join(fit.name for fit in fits)}." if fits else ""
        raise InputError(f"There is no fit {name}{' ' if name else ''}in {find_fits_folder(workspace)}.{known}")
    return chosen[-1]


def find_fits_folder(workspace: Workspace) -> Path:
    """The folder of all fits."""
    return workspace.root / "methods"


def clear_work(folder: Path) -> None:
    """Delete what a finished fit kept for another attempt: caches and checkpoints, which may let texts be guessed.

    Raises:
        StateError: the disk refused.
    """
    with explain_disk(folder):
        for entry in folder.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in (STATE, LOCK):
                entry.unlink()


class FitState:
    """`state.json` of a fit. Seconds add up over attempts; they are on disk whenever the method reports."""

    def __init__(self, path: Path, described: Mapping[str, Any], report: Callable[[str], None]) -> None:
        self._path, self._report = path, report
        self.described = described
        self._state: dict[str, Any] = {}
        self._base = (0.0, 0.0)
        self._begun, self._begun_cpu = perf_counter(), _measure_cpu()

    def start(self, name: str, output: Path) -> None:
        """Write the state of a new fit, or resume the existing one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        if self._path.is_file():
            self._state = _read_state(self._path)
            self._check_same(name)
        elif output.exists():
            raise StateError(f"There is a model {output} already; give this one another --name.")
        before = {"seconds": 0.0, "cpu_seconds": 0.0, "started_at": now} | self._state
        self._state = {**before, **self.described, "status": RUNNING, "error": "", "output": str(output)}
        self._base = (float(self._state["seconds"]), float(self._state["cpu_seconds"]))
        self._write()

    def report(self, line: str) -> None:
        """Pass a line on, and record it with the time so far."""
        self._state["progress"] = line
        self._write()
        self._report(line)

    def finish(self, status: str, error: str = "") -> None:
        """Write how the attempt ended."""
        self._state |= {"status": status, "error": error}
        self._write()

    @property
    def seconds(self) -> tuple[float, float]:
        """Wall and processor seconds of all attempts."""
        return self._base[0] + perf_counter() - self._begun, self._base[1] + _measure_cpu() - self._begun_cpu

    def _check_same(self, name: str) -> None:
        if self._state.get("status") == DONE:
            raise StateError(
                f"The fit {name} is finished: {self._state.get('output')}. Give the new one another --name."
            )
        changed = [key for key in _SAME if self._state.get(key) != self.described[key]]
        if changed:
            raise StateError(
                f"The unfinished fit {name} has another {' and another '.join(changed)}. Repeat its own to go on with "
                "it, or give the new one another --name."
            )

    def _write(self) -> None:
        self._state["seconds"], self._state["cpu_seconds"] = (round(value, 3) for value in self.seconds)
        write_atomic(self._path, orjson.dumps(self._state, option=orjson.OPT_INDENT_2))


def _read_status(folder: Path) -> dict[str, Any]:
    state = _read_state(folder / STATE)
    if state.get("status") == RUNNING:
        lock = try_lock(folder / LOCK)
        if lock is not None:
            lock.release()
            state["status"] = INTERRUPTED
    return state


def _read_state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = read_json(path, "Start a fit of another --name.")
    return state


def _measure_cpu() -> float:
    """Processor seconds of this process and of its children that ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
