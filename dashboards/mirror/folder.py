"""The folder `.dashboard` of a workspace: private, never a link, holds the tables and the log."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.workspace import Workspace

FOLDER = ".dashboard"


def prepare_folder(workspace: Workspace) -> Path:
    """Create the folder with access for its owner only.

    Raises:
        StateError: it is a symbolic link.
        OSError: it cannot be created.
    """
    folder = workspace.root / FOLDER
    if folder.is_symlink():
        raise StateError(f"{folder} is a symbolic link. Delete it: the dashboard writes only inside the workspace.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def open_log(workspace: Workspace) -> BinaryIO:
    """Open an empty log file, readable by its owner only.

    Raises:
        StateError: the log cannot be written, or is a symbolic link.
    """
    folder = workspace.root / FOLDER
    try:
        path = prepare_folder(workspace) / "log"
        if path.is_symlink():
            raise StateError(f"{path} is a symbolic link. Delete it: the dashboard writes only inside the workspace.")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        os.fchmod(handle, 0o600)
    except OSError as error:
        raise explain_write_failure(folder, error) from None
    return os.fdopen(handle, "wb")


def explain_write_failure(root: Path, error: OSError) -> StateError:
    """Translate an OS error about that folder into `StateError`."""
    return StateError(
        f"The dashboard cannot write its tables and log to {root}: {error.strerror}. Make it a writable folder, or "
        "copy the workspace to one and pass it with --data."
    )
