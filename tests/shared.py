"""The folder of a test run: its temporary files, and what is expensive and is built once for all its processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from multiprocessing.util import Finalize
from pathlib import Path

from filelock import FileLock

VARIABLE = "SHARED_TEST_FILES"
"""The environment variable with the folder of the run; pytest's workers and the programs of a test inherit it."""

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory: journals and databases wait for a disk at every commit."""

_LEAST_FREE = 4 << 30
_AFTER_MULTIPROCESSING = -200
"""At exit: after the temporary folder of `multiprocessing`, which lies in ours, is removed (-100)."""


def open_shared() -> None:
    """Make the folder of this run and let temporary files lie there, until this process ends.

    Does nothing where a parent process has done it. The folder is in memory, unless TMPDIR names a place or there is
    no room. Everybody may enter it: PostgreSQL runs as another user, and what a test makes is private by itself.
    """
    if VARIABLE in os.environ:
        return
    in_memory = "TMPDIR" not in os.environ and _has_room(MEMORY)
    folder = Path(tempfile.mkdtemp(prefix="goldspan-tests-", dir=MEMORY if in_memory else None))
    folder.chmod(0o755)
    os.environ |= {VARIABLE: str(folder), "TMPDIR": str(folder)}
    tempfile.tempdir = None
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=_AFTER_MULTIPROCESSING)


def build_once(name: str, build: Callable[[Path], None]) -> Path:
    """The folder that `build` has filled, in this process or in another one of the run; not to be changed."""
    root = Path(os.environ[VARIABLE])
    folder, done = root / name, root / f"{name}.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            build(folder)
            done.touch()
    return folder


def _has_room(folder: Path) -> bool:
    """True if many files may lie there and programs may be run from it."""
    try:
        state = os.statvfs(folder)
    except OSError:
        return False
    return state.f_bavail * state.f_frsize >= _LEAST_FREE and not state.f_flag & os.ST_NOEXEC
