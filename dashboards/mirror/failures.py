"""Errors about the folder that holds the dashboard's tables and log."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import StateError


def explain_write_failure(root: Path, error: OSError) -> StateError:
    """Translate an OS error about that folder into `StateError`."""
    return StateError(
        f"The dashboard cannot write its tables and log to {root}: {error.strerror}. Make it a writable folder, or "
        "copy the workspace to one and pass it with --data."
    )
