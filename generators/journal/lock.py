"""One process at a time drives a run."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError

_PATIENCE = 0.5
"""Seconds; somebody who only asks whether a run is driven holds the lock for a moment."""


class RunLock:
    """A lock on a run's folder, freed by the system when the process dies.

    Raises:
        StateError: another process holds it.

    """

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, timeout=_PATIENCE)
        try:
            self._lock.acquire()
        except Timeout:
            raise StateError(
                f"Another process{read_holder(path)} is driving run {path.parent.name}. "
                f"`goldspan generate watch {path.parent.name}` looks on; `cancel` asks it to stop."
            ) from None
        (path.parent / "driver").write_text(f"{os.getpid()}\n")

    def release(self) -> None:
        """Let another process drive."""
        self._lock.release()


def read_holder(path: Path) -> str:
    """` (process 123)` of the process that drives, as far as it is known."""
    try:
        return f" (process {int((path.parent / 'driver').read_text())})"
    except (OSError, ValueError):
        return ""


def is_driven(folder: Path) -> bool:
    """True while a process drives the run in this folder."""
    lock = FileLock(folder / "lock", timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):
        return True
    lock.release()
    return False
