"""The `studio` folder of a workspace: where the files lie, which process is recorded, who may change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labelstudio.server.process import ProcessMark, is_running
from goldspan.annotation.tasks.workspace import Workspace

LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """The process that was started, and the port it was told to use."""

    mark: ProcessMark
    port: int


def find_log(workspace: Workspace) -> Path:
    """What the server printed."""
    return workspace.studio / "server.log"


def find_data(workspace: Workspace) -> Path:
    """Label Studio's own data folder."""
    return (workspace.studio / "data").absolute()


def read_log_end(workspace: Workspace) -> list[str]:
    """The last lines that the server printed."""
    return find_log(workspace).read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]


def read_record(workspace: Workspace) -> ServerRecord | None:
    """The recorded process if it still runs; a record of a process that is gone is cleared away."""
    try:
        found = orjson.loads(_find_record(workspace).read_bytes())
        record = ServerRecord(ProcessMark(found["pid"], found["started"]), found["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if is_running(record.mark):
        return record
    clear_record(workspace)
    return None


def write_record(workspace: Workspace, record: ServerRecord) -> None:
    """Record the process, so that any later command finds it."""
    fields = {"pid": record.mark.pid, "started": record.mark.started, "port": record.port}
    write_atomic(_find_record(workspace), orjson.dumps(fields))


def clear_record(workspace: Workspace) -> None:
    """Forget the recorded process."""
    _find_record(workspace).unlink(missing_ok=True)


@contextmanager
def hold_folder(workspace: Workspace, patience: float) -> Iterator[None]:
    """Keep other processes from starting or stopping this server meanwhile; `patience` is in seconds.

    Raises:
        StateError: another process holds the folder.

    """
    try:
        with FileLock(workspace.studio / "lock", timeout=patience):
            yield
    except Timeout:
        raise StateError(f"Another process is starting or stopping the Label Studio in {workspace.studio}.") from None


def _find_record(workspace: Workspace) -> Path:
    return workspace.studio / "server.json"
