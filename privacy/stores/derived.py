"""What is computed from samples, and what holds none: figures, dashboard tables, releases, settings, leftovers."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.annotation.tombstones import Tombstones
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, Store, iter_files
from goldspan.privacy.subject import Subject

_JOBS = ("goldspan-serve-", "goldspan-shard-")
_STALE = 3600.0
"""Seconds after which the folder of a masking job belongs to no server: results are removed after ten minutes."""


class ResultStore(Store):
    """Evaluation results: figures by sample. Ids of erased samples are replaced, so that the figures stay."""

    name, holds, entries, texts = "results", "scores and offsets by sample id", ("results",), False

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name results with ids of the subject."""
        for file in self.list_files(place):
            if count := _replace(_load(file), subject)[1]:
                yield Hit(self.name, place.name(file), count, "replace ids")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Replace them."""
        for file in self.list_files(place):
            document, count = _replace(_load(file), subject)
            if count:
                write_atomic(file, orjson.dumps(document, option=orjson.OPT_INDENT_2))
                yield Hit(self.name, place.name(file), count, "replaced ids")


class FolderStore(Store):
    """Folders that can be made anew: one that holds the subject is deleted whole. `advice` says what to do then."""

    def __init__(self, name: str, holds: str, entry: str, advice: str) -> None:
        self.name, self.holds, self.entries, self._advice = name, holds, (entry,), advice

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name folders that hold the subject."""
        for folder in self._list_held(place, subject):
            yield Hit(self.name, place.name(folder), 1, f"delete; {self._advice}")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete them."""
        for folder in self._list_held(place, subject):
            _delete(folder)
            yield Hit(self.name, place.name(folder), 1, f"deleted; {self._advice}")

    def _list_held(self, place: Place, subject: Subject) -> list[Path]:
        children = _list_children(place.root / self.entries[0])
        return [path for path in children if any(search_file(file, subject) for file in iter_files(path))]


class DashboardStore(Store):
    """Tables of the dashboard: they are built from the files of samples, and deleted whole."""

    name, holds, entries, texts = "dashboard", "tables of ids and figures, a log", (".dashboard",), False

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name the tables if they hold an id of the subject."""
        if any(search_file(file, subject) for file in self.list_files(place)):
            yield Hit(self.name, ".dashboard", 1, "delete; the dashboard builds its tables anew")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete them, but not the lock of a running dashboard."""
        folders = [path for path in _list_children(place.root / ".dashboard") if path.is_dir()]
        for folder in folders:
            _delete(folder)
        log = place.root / ".dashboard" / "log"
        if log.is_file() and search_file(log, subject):
            with explain_disk(log):
                os.truncate(log, 0)
        if folders:
            yield Hit(self.name, ".dashboard", len(folders), "deleted tables")


class PlainStore(Store):
    """Files that hold no samples: searched all the same, changed by nobody."""

    def __init__(self, name: str, holds: str, *entries: str) -> None:
        self.name, self.holds, self.entries, self.texts = name, holds, entries, False

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name files that hold the subject."""
        for file in self.list_files(place):
            if search_file(file, subject):
                yield Hit(self.name, place.name(file), 1, "yours: edit or delete it", remains=True)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Nothing is done."""
        yield from ()


class JobFolderStore(Store):
    """Folders in TMPDIR that a killed `goldspan serve` or run over shards left; one that runs removes its own."""

    name, holds, entries = "temporary", "uploads, masked files and shards of a killed process, in TMPDIR", ()

    def list_files(self, place: Place) -> Iterator[Path]:
        """Files of the folders of this user."""
        for folder in _list_jobs():
            yield from iter_files(folder)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name every folder that nothing can need any more: documents of any format may hold anybody."""
        for folder in _list_stale():
            yield Hit(self.name, str(folder), 1, "delete")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Delete them."""
        for folder in _list_stale():
            _delete(folder)
            yield Hit(self.name, str(folder), 1, "deleted")


def _list_jobs() -> list[Path]:
    """Folders of this user's jobs; a server may remove one of them at any moment."""
    found = []
    for path in sorted(Path(tempfile.gettempdir()).glob("goldspan-*")):
        if not path.name.startswith(_JOBS):
            continue
        with suppress(FileNotFoundError):
            if path.lstat().st_uid == os.getuid() and not path.is_symlink():
                found.append(path)
    return found


def _list_stale() -> list[Path]:
    now = time.time()
    return [path for path in _list_jobs() if now - _find_newest(path) > _STALE]


def _find_newest(folder: Path) -> float:
    """When something of a folder was last written; infinity if it is gone."""
    times = []
    try:
        for path in (folder, *iter_files(folder)):
            times.append(path.stat().st_mtime)
    except FileNotFoundError:
        return math.inf
    return max(times)


def _list_children(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if not path.is_symlink()) if root.is_dir() else []


def _delete(path: Path) -> None:
    with explain_disk(path):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _load(file: Path) -> Any:
    try:
        return orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None


def _replace(value: Any, subject: Subject, key: str = "") -> tuple[Any, int]:
    """A JSON value with every string that holds the subject replaced, and their number; equal ones stay equal."""
    if isinstance(value, str):
        if not subject.holds({key: value}):
            return value, 0
        return f"erased-{Tombstones(subject.key).make('id', value).hash[:12]}", 1
    if isinstance(value, list):
        pairs = [_replace(child, subject, key) for child in value]
        return [child for child, _ in pairs], sum(count for _, count in pairs)
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        total = 0
        for name, child in value.items():
            new_name, named = _replace(name, subject, key)
            made[new_name], count = _replace(child, subject, name)
            total += count + named
        return made, total
    return value, 0
