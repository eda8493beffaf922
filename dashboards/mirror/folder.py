"""The folder that holds the dashboard's tables and log."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import StateError


def explain_tables(root: Path, error: OSError) -> StateError:
    """What to do when the folder of the tables and the log cannot be used."""
    return StateError(
        f"The dashboard keeps its tables and its log in {root}, which fails: {error.strerror}. Make that a folder that "
        "you may write to, or copy the workspace to one and give that with --data."
    )
