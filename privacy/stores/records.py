"""Stores of JSON records: files of samples, ledgers, backups, lists of ids."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile, write_atomic
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, Store
from goldspan.privacy.subject import Subject

LINES = (".jsonl", ".ids.txt", ".part.jsonl")
_REMOVE = "remove records"


class RecordStore(Store):
    """Files of JSON records, one a line or in a list: a record that holds the subject is removed whole."""

    def __init__(self, name: str, holds: str, *entries: str, texts: bool = True) -> None:
        self.name, self.holds, self.entries, self.texts = name, holds, entries, texts

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count the records that hold the subject."""
        for file in self.list_files(place):
            if count := count_records(file, subject):
                remains = not is_ours(file)
                action = "yours: edit or delete it" if remains else _REMOVE
                yield Hit(self.name, place.name(file), count, action, remains)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Rewrite each file without the records."""
        for file in self.list_files(place):
            if is_ours(file) and (count := drop_records(file, subject)):
                if file.exists() and not file.stat().st_size:
                    file.unlink()
                yield Hit(self.name, place.name(file), count, _REMOVE)


def is_ours(file: Path) -> bool:
    """True for files that hold records, and for what a killed process left of one."""
    return file.suffix in (".json", ".jsonl", ".tmp") or file.name.endswith(LINES)


def count_records(file: Path, subject: Subject) -> int:
    """Records of a file that hold the subject; 1 for a file of another kind that does."""
    if file.name.endswith(LINES):
        count = 0
        with file.open("rb") as stream:
            for line in stream:
                if line.strip() and subject.holds_line(line):
                    count += 1
                    _collect(subject, line)
        return count
    if file.suffix == ".json":
        document = _load(file, subject)
        if document is None:
            return int(search_file(file, subject))
        held = [record for record in _list_records(document) if subject.holds(record)]
        for record in held:
            subject.collect(record)
        return len(held)
    return int(search_file(file, subject))


def drop_records(file: Path, subject: Subject) -> int:
    """Rewrite a file without the records that hold the subject; a file that is nothing else is deleted.

    Raises:
        StateError: the disk refused.
    """
    if file.name.endswith(LINES):
        return drop_lines(file, subject)
    if file.suffix == ".json" and (document := _load(file, subject)) is not None:
        return _drop_from_document(file, document, subject)
    if not search_file(file, subject):
        return 0
    file.unlink()
    return 1


def drop_lines(file: Path, subject: Subject) -> int:
    """Rewrite a file of lines without those that hold the subject; the others stay byte for byte."""
    with file.open("rb") as stream:
        dropped = {number for number, line in enumerate(stream) if line.strip() and subject.holds_line(line)}
    if dropped:
        try:
            with file.open("rb") as lines, AtomicFile(file) as target:
                target.writelines(line for number, line in enumerate(lines) if number not in dropped)
        except OSError as error:
            raise StateError(f"{file} cannot be rewritten: {error.strerror}. Run it again.") from None
    return len(dropped)


def _drop_from_document(file: Path, document: Any, subject: Subject) -> int:
    if isinstance(document, list):
        kept: Any = [record for record in document if not subject.holds(record)]
        count = len(document) - len(kept)
    else:
        kept, count = _drop_from_object(document, subject)
    if count and kept:
        write_atomic(file, orjson.dumps(kept, option=orjson.OPT_INDENT_2))
    elif count:
        file.unlink()
    return count


def _drop_from_object(document: dict[str, Any], subject: Subject) -> tuple[dict[str, Any], int]:
    """A document without entries of its lists (`sample_ids`) and objects (`refused`) that hold the subject."""
    if not subject.holds(document):
        return document, 0
    if "data" in document:
        return {}, 1
    count, kept = 0, dict(document)
    for key, value in document.items():
        if isinstance(value, list):
            kept[key] = [item for item in value if not subject.holds(item)]
        elif isinstance(value, dict):
            kept[key] = {name: item for name, item in value.items() if not subject.holds([name, item])}
        else:
            continue
        count += len(value) - len(kept[key])
    if subject.holds(kept):
        return {}, max(count, 1)
    return kept, count


def _list_records(document: Any) -> list[Any]:
    if isinstance(document, list):
        return document
    if "data" in document:
        return [document]
    return [
        item
        for value in document.values()
        for item in (
            value
            if isinstance(value, list)
            else [[*pair] for pair in value.items()]
            if isinstance(value, dict)
            else [value]
        )
    ]


def _load(file: Path, subject: Subject) -> Any:
    """The document of a file, empty if it cannot hold the subject; None if it is none."""
    try:
        data = file.read_bytes()
        document = orjson.loads(data) if subject.may_hold(data) else []
    except (OSError, orjson.JSONDecodeError):
        return None
    return document if isinstance(document, list | dict) else None


def _collect(subject: Subject, line: bytes) -> None:
    try:
        subject.collect(orjson.loads(line))
    except orjson.JSONDecodeError:
        return
