"""What is expensive and never changes is built once for all processes of a test run."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

VARIABLE = "SHARED_TEST_FILES"
"""The environment variable with the folder of the run; pytest's workers and the programs of a test inherit it."""


def open_shared() -> Path | None:
    """Make the folder of this run; None where a parent process has made it."""
    if VARIABLE in os.environ:
        return None
    folder = Path(tempfile.mkdtemp(prefix="goldspan-tests-"))
    os.environ[VARIABLE] = str(folder)
    return folder


def remove_shared(folder: Path) -> None:
    """Remove the folder that `open_shared` made."""
    os.environ.pop(VARIABLE, None)
    shutil.rmtree(folder, ignore_errors=True)


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
