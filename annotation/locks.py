"""One writer at a time on one machine: two pushes to a project wait for each other."""

from __future__ import annotations

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


@contextmanager
def hold_lock(name: str, on_wait: Callable[[], None] = lambda: None, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the machine's lock of this name for the block; the system frees it when the process dies.

    Raises:
        StateError: another process held it for longer than `patience` seconds.

    """
    folder = Path(tempfile.gettempdir()) / f"goldspan-{os.getuid()}"
    lock = FileLock(folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.lock")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        try:
            lock.acquire(timeout=patience)
        except Timeout:
            raise StateError(
                "Another Goldspan process is writing to this project and has not finished. "
                "Wait for it, or end it, and run the command again."
            ) from None
    except OSError as error:
        raise StateError(f"{folder} cannot hold a lock ({error.strerror}). Set TMPDIR to a folder of yours.") from None
    try:
        yield
    finally:
        lock.release()
