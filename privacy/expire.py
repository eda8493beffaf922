"""Retention of raw answers: those of finished runs are deleted after some days."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import explain_disk
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project, open_workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.lock import is_running
from goldspan.privacy.stores.base import iter_files

_DAY = 86400.0
_KEPT = ("dead_letters.jsonl",)


class ExpiredFile(NamedTuple):
    """A file that was deleted: its place in the workspace, age in days, size in bytes."""

    place: str
    age: int
    size: int


def expire_raw(data: str | Path | None = None, *, days: int | None = None, dry_run: bool = False) -> list[ExpiredFile]:
    """Delete the raw answers and batch inputs of finished runs, and cached completions, that are older than `days`.

    Samples, costs and counts are in the journal and stay. Runs that are not finished need their answers and keep them.

    Args:
        data: the workspace folder; None: `GOLDSPAN_DATA`, else the project's, else `./data`.
        days: None: `raw_answers_days` in section `[privacy]` of the project file.
        dry_run: only list them.

    Raises:
        ConfigurationError: no number of days is given.
        InputError: there is no such workspace.
        StateError: the disk refused.
    """
    workspace = open_workspace(data)
    limit = _find_days(workspace) if days is None else days
    expired: list[ExpiredFile] = []
    for file in _list_raw(workspace):
        status = file.stat()
        age = (time.time() - status.st_mtime) / _DAY
        if age >= limit:
            expired.append(ExpiredFile(str(file.relative_to(workspace.root)), int(age), status.st_size))
            if not dry_run:
                with explain_disk(file):
                    file.unlink()
    return expired


def _find_days(workspace: Workspace) -> int:
    project = find_workspace_project(workspace)
    if project is None or project.raw_answers_days is None:
        raise ConfigurationError(
            "No retention is set. Give --days, or write into goldspan.toml: [privacy] raw_answers_days = 30"
        )
    return project.raw_answers_days


def _list_raw(workspace: Workspace) -> Iterator[Path]:
    runs = sorted(workspace.runs.iterdir()) if workspace.runs.is_dir() else []
    for folder in runs:
        if folder.is_symlink() or not (folder / "journal.db").is_file() or not _is_over(folder):
            continue
        for file in iter_files(folder):
            if file.suffix == ".jsonl" and file.name not in _KEPT:
                yield file


def _is_over(folder: Path) -> bool:
    """True for a run without open requests that nobody runs, and for a cache, which has no items."""
    if is_running(folder):
        return False
    try:
        with Journal(folder) as journal:
            counts, items = journal.count_open(), journal.count_items()
    except StateError:
        return False
    return not any(counts.values()) and not items.get("open")
