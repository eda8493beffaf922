"""Generation runs and cached completions: `runs/<run>/` with its journal, raw answers, batch inputs, dead letters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.tombstones import fold_words
from goldspan.generators.journal.erasing import erase_items, finish_erasing, list_erased, read_item_texts
from goldspan.generators.journal.lock import is_running
from goldspan.generators.journal.rows import fold_custom_id
from goldspan.privacy.stores.base import Hit, Place, Store
from goldspan.privacy.stores.records import LINES
from goldspan.privacy.stores.uploads import list_batches, make_hit, record_batches
from goldspan.privacy.subject import Subject, iter_strings

_JOURNAL = "journal.db"


class RunStore(Store):
    """Items of runs. An item that holds the subject is erased with all its requests and answers; its cost stays."""

    name, holds, entries = "runs", "requests and raw answers of language models", ("runs",)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count items and lines."""
        for folder in list_runs(place.workspace):
            if items := _find_items(folder, subject):
                yield Hit(self.name, place.name(folder / _JOURNAL), len(items), "erase items, then VACUUM")
                yield from (make_hit(*batch) for batch in list_batches(folder, items))
            marks = _Marks(folder, items)
            for file in _list_line_files(folder):
                if count := sum(marks.holds(line, subject) for line in _iter_lines(file)):
                    yield Hit(self.name, place.name(file), count, "remove lines")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Erase items in the journal, then their lines in every other file of the run.

        Raises:
            StateError: a process is running the run.
        """
        for folder in list_runs(place.workspace):
            items = _find_items(folder, subject)
            marks = _Marks(folder, items)
            files = [
                file for file in _list_line_files(folder) if any(marks.holds(x, subject) for x in _iter_lines(file))
            ]
            if (items or files) and is_running(folder):
                raise StateError(
                    f"Run {folder.name} is running. Stop it (Ctrl-C, or `goldspan generate cancel`) first."
                )
            if items:
                record_batches(place, folder, items, subject)
                erase_items(folder, items, subject.holds_text)
                yield Hit(self.name, place.name(folder / _JOURNAL), len(items), "erased")
            elif list_erased(folder) and not is_running(folder):
                finish_erasing(folder)
            marks = _Marks(folder, set())
            for file in files:
                count = _drop_lines(file, marks, subject)
                yield Hit(self.name, place.name(file), count, "removed lines")


class _Marks:
    """The requests of erased items, by custom id."""

    def __init__(self, folder: Path, items: set[int]) -> None:
        self._requests = {fold_custom_id(name) for name in list_erased(folder, items)}

    def holds(self, line: bytes, subject: Subject) -> bool:
        """True for a line of the subject or of an erased item."""
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            return subject.holds_bytes(line)
        custom_id = value.get("custom_id") if isinstance(value, dict) else None
        if custom_id and len(value) == 1:
            return False
        is_erased = isinstance(custom_id, str) and fold_custom_id(custom_id) in self._requests
        return is_erased or subject.holds(value)


def list_runs(workspace: Workspace) -> list[Path]:
    """Folders of runs with a journal or with files that a killed process left."""
    root = workspace.runs
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.is_symlink()) if root.is_dir() else []


def _list_line_files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink())
    return [file for file in found if file.name.endswith((*LINES, ".tmp"))]


def _iter_lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        yield from (line for line in stream if line.strip())


def _find_items(folder: Path, subject: Subject) -> set[int]:
    found: set[int] = set()
    if not (folder / _JOURNAL).is_file():
        return found
    for item in read_item_texts(folder):
        texts = [text for value in item.values for _, text in iter_strings(value)]
        samples = [make_sample_id(text, item.language) for text in item.samples]
        if (
            any(map(subject.holds_text, texts))
            or any(map(subject.holds_id, samples))
            or _holds_parts(item.spec, subject)
        ):
            found.add(item.number)
            for text, sample_id in zip(item.samples, samples, strict=True):
                subject.collect({"data": {"text": text, "sample_id": sample_id}})
    return found


def _holds_parts(spec: Any, subject: Subject) -> bool:
    """True if a brief names every word of a term, in whatever order: first name and surname are values of their own."""
    if len(subject.words) < 2:
        return False
    words = {word for _, text in iter_strings(spec) for word in fold_words(text)}
    return words.issuperset(subject.words)


def _drop_lines(file: Path, marks: _Marks, subject: Subject) -> int:
    """Rewrite a file without the lines, its age kept; of a batch's input the custom id stays: providers count lines."""
    count, status = 0, file.stat()
    with file.open("rb") as lines, AtomicFile(file) as target:
        for line in lines:
            if not line.strip() or not marks.holds(line, subject):
                target.write(line)
                continue
            count += 1
            if b'"url"' in line and (custom_id := _read_custom_id(line)):
                target.write(orjson.dumps({"custom_id": custom_id}, option=orjson.OPT_APPEND_NEWLINE))
    os.utime(file, (status.st_atime, status.st_mtime))
    return count


def _read_custom_id(line: bytes) -> str:
    try:
        return str(orjson.loads(line)["custom_id"])
    except (ValueError, KeyError, TypeError):
        return ""
