"""Erase items from a journal: what was asked and answered goes, what was paid stays."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import ERASED

_TAG = re.compile(r"</?(?:[A-Z][A-Z0-9_]*|m)(?:\s+[a-z]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))*\s*>")
_ESCAPES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}
_ESCAPE = re.compile("|".join(_ESCAPES))


@dataclass(slots=True)
class ItemTexts:
    """All that a journal holds of one item: JSON values, and the verbatim texts of its drafts."""

    number: int
    spec: Any
    language: str
    values: list[Any] = field(default_factory=list)
    samples: list[str] = field(default_factory=list)


def read_item_texts(folder: Path) -> Iterator[ItemTexts]:
    """The items of a run that are not erased.

    Raises:
        StateError: the journal cannot be read.
    """
    with Journal(folder) as journal:
        items = journal.query("SELECT item, spec, reason FROM item WHERE state != ?", (ERASED,))
        for number, spec, reason in items:
            brief = _load(spec)
            language = brief.get("language", "") if isinstance(brief, dict) else ""
            found = ItemTexts(number, brief, language, [brief, reason])
            for row in journal.query("SELECT reason, result FROM row WHERE item = ?", (number,)):
                result = _load(row[1])
                found.values += [row[0], result]
                if isinstance(result, dict) and isinstance(tagged := result.get("tagged_text"), str):
                    found.samples.append(strip_tags(tagged))
            yield found


def strip_tags(tagged: str) -> str:
    """The verbatim text of tagged text, without a label schema."""
    return _ESCAPE.sub(lambda match: _ESCAPES[match[0]], _TAG.sub("", tagged))


def list_erased(folder: Path, items: Iterable[int] = ()) -> frozenset[str]:
    """custom_ids of the requests of erased items, and of `items`."""
    if not (folder / "journal.db").is_file():
        return frozenset()
    with Journal(folder) as journal:
        numbers = {number for (number,) in journal.query("SELECT item FROM item WHERE state = ?", (ERASED,))}
        numbers |= set(items)
        found: set[str] = set()
        for number in numbers:
            found.update(name for (name,) in journal.query("SELECT custom_id FROM row WHERE item = ?", (number,)))
        return frozenset(found)


def erase_items(folder: Path, items: Set[int], is_event: Callable[[str], bool] = lambda message: False) -> None:
    """Erase items and the events that `is_event` names, and rewrite the file so that no page holds them any more.

    Open requests of the items are decided as `missing`: an answer that still comes is not stored.

    Raises:
        StateError: another process is running or reading the run, or the disk refused.
    """
    with Journal(folder, lock=True) as journal:
        journal.query("PRAGMA secure_delete = ON")
        with journal.transaction(durable=True) as connection:
            for number in sorted(items):
                connection.execute(
                    "UPDATE row SET result = NULL, reason = '', "
                    "state = CASE WHEN state IN ('pending', 'submitted') THEN 'missing' ELSE state END WHERE item = ?",
                    (number,),
                )
                connection.execute(
                    "UPDATE item SET state = ?, spec = '{}', reason = '' WHERE item = ?", (ERASED, number)
                )
            for number, message, details in connection.execute("SELECT number, message, details FROM event").fetchall():
                if is_event(f"{message} {details}"):
                    connection.execute("DELETE FROM event WHERE number = ?", (number,))
        _compact(journal)


def finish_erasing(folder: Path) -> None:
    """Rewrite the file of a run with erased items: a process that was killed in `erase_items` may not have.

    Raises:
        StateError: another process is running the run, or the disk refused.
    """
    with Journal(folder, lock=True) as journal:
        _compact(journal)


def _compact(journal: Journal) -> None:
    """Rewrite the database and empty its write-ahead log, which another reader can hold back."""
    journal.query("VACUUM")
    [(is_busy, *_)] = journal.query("PRAGMA wal_checkpoint(TRUNCATE)")
    if is_busy:
        raise StateError(
            f"Another program reads {journal.folder}, and erased texts are still in its log. End it, and erase again."
        )


def _load(value: str | None) -> Any:
    try:
        return None if value is None else json.loads(value)
    except ValueError:
        return value
