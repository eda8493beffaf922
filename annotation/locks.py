"""File locks: one process at a time, freed by the system when the process dies."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError

PATIENCE = 3600.0
"""Seconds that one writer waits for another before it gives up."""


def try_lock(path: Path, patience: float = 0.0) -> FileLock | None:
    """Lock a file; None if another process holds it for longer than `patience` seconds.

    Raises:
        OSError: the lock file cannot be written.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, "it is a link", str(path))
    lock = FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        return None
    return lock


@contextmanager
def hold_lock(name: str, on_wait: Callable[[], None] = lambda: None, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the machine's lock of this name for the block; the system frees it when the process dies.

    Raises:
        StateError: another process held it for longer than `patience` seconds.
    """
    folder = Path(tempfile.gettempdir()) / f"goldspan-{os.getuid()}"
    path = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = try_lock(path)
        if lock is None:
            on_wait()
            lock = try_lock(path, patience)
    except OSError as error:
        raise StateError(f"{folder} cannot hold a lock ({error.strerror}). Set TMPDIR to a folder of yours.") from None
    if lock is None:
        raise StateError(
            "Another Goldspan process is writing to this project and has not finished. "
            "Wait for it, or end it, and run the command again."
        )
    try:
        yield
    finally:
        lock.release()
