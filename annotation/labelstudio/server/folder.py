"""The `studio` folder of a workspace: paths, the record of the running process, the lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labelstudio.server.process import ProcessIdentity, is_running
from goldspan.annotation.tasks.workspace import Workspace

LOG_LINES = 8


@dataclass(frozen=True, slots=True)
class ServerRecord:
    """The process that was started, its port, and which requests to this machine it may make."""

    identity: ProcessIdentity
    port: int
    local_calls: bool = False
    local_models: bool = False


def find_log(workspace: Workspace) -> Path:
    """Log file of the server."""
    return workspace.studio / "server.log"


def find_data(workspace: Workspace) -> Path:
    """Label Studio's own data folder."""
    return (workspace.studio / "data").absolute()


def read_log_end(workspace: Workspace) -> list[str]:
    """The last lines of the server's log."""
    return find_log(workspace).read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]


def read_record(workspace: Workspace) -> ServerRecord | None:
    """The recorded process if it still runs; a stale record is deleted."""
    try:
        found = orjson.loads(_find_record(workspace).read_bytes())
        record = ServerRecord(
            ProcessIdentity(found["pid"], found["started"]),
            found["port"],
            found.get("local_calls", False),
            found.get("local_models", False),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if is_running(record.identity):
        return record
    clear_record(workspace)
    return None


def write_record(workspace: Workspace, record: ServerRecord) -> None:
    """Record the process for later commands."""
    fields = {
        "pid": record.identity.pid,
        "started": record.identity.started,
        "port": record.port,
        "local_calls": record.local_calls,
        "local_models": record.local_models,
    }
    write_atomic(_find_record(workspace), orjson.dumps(fields))


def clear_record(workspace: Workspace) -> None:
    """Delete the record."""
    _find_record(workspace).unlink(missing_ok=True)


@contextmanager
def lock_server_folder(workspace: Workspace, patience: float) -> Iterator[None]:
    """Lock the server against other processes that start or stop it; `patience` is in seconds.

    Raises:
        StateError: another process holds the lock.
    """
    try:
        with FileLock(workspace.studio / "lock", timeout=patience, mode=0o600):
            yield
    except Timeout:
        raise StateError(f"Another process is starting or stopping the Label Studio in {workspace.studio}.") from None


def _find_record(workspace: Workspace) -> Path:
    return workspace.studio / "server.json"
