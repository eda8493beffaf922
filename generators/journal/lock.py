"""Run lock: at most one process runs a run."""

from __future__ import annotations

import os
from pathlib import Path

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.locks import try_lock

_PATIENCE = 0.5
"""Seconds to wait: `is_running` holds the lock for a moment."""


class RunLock:
    """A lock on a run's folder, freed by the system when the process dies.

    Raises:
        StateError: another process holds it.
    """

    def __init__(self, path: Path, command: str = "goldspan generate") -> None:
        lock = try_lock(path, _PATIENCE)
        if lock is None:
            raise StateError(
                f"Another process{read_holder(path)} is running run {path.parent.name}. "
                f"`{command} watch {path.parent.name}` shows its progress; `cancel` asks it to stop."
            )
        self._lock = lock
        write_atomic(path.parent / "driver", f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()


def read_holder(path: Path) -> str:
    """` (process 123)` of the process that holds the lock, empty if unknown."""
    try:
        return f" (process {int((path.parent / 'driver').read_text())})"
    except (OSError, ValueError):
        return ""


def is_running(folder: Path) -> bool:
    """True while a process runs the run in this folder."""
    try:
        lock = try_lock(folder / "lock")
    except OSError:
        return True
    if lock:
        lock.release()
    return lock is None
