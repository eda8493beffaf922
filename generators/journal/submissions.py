"""Batches in the journal: the intent is written first, then the batch and its outcome.

States: planned (rows tied to the intent, its file is on disk) → uploaded → creating (committed before the paid call;
after a crash the provider is asked whether the batch exists) → submitted → collected (every row accounted for)
or abandoned (certainly never created; its rows were given back). What is planned or uploaded holds rows that an
executor must recover, but nothing of it is at the provider yet. Every change is committed to the disk before the
function returns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.generators.journal.journal import Journal

OPEN_STATES = ("creating", "submitted")
"""A batch may be open at the provider."""
UNFINISHED_STATES = ("planned", "uploaded", *OPEN_STATES)
"""Rows may be tied to the submission that an executor must recover."""


@dataclass(frozen=True, slots=True)
class Submission:
    """One batch at a provider. `status` is the provider's own word."""

    intent: str
    state: str
    rows: int
    sha256: str = ""
    input_file: str = ""
    batch: str = ""
    status: str = ""
    output_file: str = ""
    error_file: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    created: float = 0.0
    updated: float = 0.0


_COLUMNS = tuple(column.name for column in fields(Submission))


def plan_submission(journal: Journal, intent: str, custom_ids: Sequence[str], **changes: Any) -> None:
    """Write the intent and tie the (submitted) rows to it, in one durable commit."""
    moment = time.time()
    with journal.transaction(durable=True) as connection:
        connection.execute(
            "INSERT INTO submission (intent, rows, created, updated) VALUES (?, ?, ?, ?)",
            (intent, len(custom_ids), moment, moment),
        )
        connection.executemany(
            "UPDATE row SET submission = ? WHERE custom_id = ? AND state = 'submitted'",
            [(intent, custom_id) for custom_id in custom_ids],
        )
        if changes:
            update_submission(journal, intent, **changes)


def update_submission(journal: Journal, intent: str, *, durable: bool = True, **changes: Any) -> None:
    """Change fields of a submission. `durable=False` is for what may be lost in a power cut (`status`)."""
    if unknown := changes.keys() - set(_COLUMNS):
        raise ValueError(f"no such submission fields: {sorted(unknown)}")
    if "details" in changes:
        changes["details"] = json.dumps(changes["details"])
    names = ", ".join(f"{name} = ?" for name in changes)
    with journal.transaction(durable=durable) as connection:
        connection.execute(
            f"UPDATE submission SET {names}, updated = ? WHERE intent = ?",  # noqa: S608
            (*changes.values(), time.time(), intent),
        )


def list_submissions(journal: Journal, *, open_only: bool = False) -> list[Submission]:
    """Submissions in the order they were planned. `open_only`: those that an executor must recover."""
    if open_only:
        return _select(journal, f"WHERE state IN ({', '.join('?' * len(UNFINISHED_STATES))})", *UNFINISHED_STATES)
    return _select(journal, "")


def read_submission(journal: Journal, intent: str) -> Submission:
    """One submission."""
    if found := _select(journal, "WHERE intent = ?", intent):
        return found[0]
    raise StateError(f"Run {journal.run_id} has no submission {intent}.")


def _select(journal: Journal, condition: str, *parameters: str) -> list[Submission]:
    statement = f"SELECT {', '.join(_COLUMNS)} FROM submission {condition} ORDER BY created"  # noqa: S608
    found = journal.query(statement, parameters)
    documents = (dict(zip(_COLUMNS, row, strict=True)) for row in found)
    return [Submission(**{**one, "details": json.loads(one["details"])}) for one in documents]


def list_open_rows(journal: Journal, intent: str) -> list[str]:
    """custom_ids of a submission whose answers have not been delivered."""
    found = journal.query("SELECT custom_id FROM row WHERE submission = ? AND state = 'submitted'", (intent,))
    return [custom_id for (custom_id,) in found]
