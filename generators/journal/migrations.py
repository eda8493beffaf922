"""The tables of a generation run's journal, as steps that are applied once and never edited."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from goldspan.annotation.errors import StateError

STEPS = (
    """
    CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE item (
        item INTEGER PRIMARY KEY,
        spec TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'open',
        stage TEXT NOT NULL,
        first_attempt INTEGER NOT NULL DEFAULT 1,
        reason TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX item_state ON item (state);
    CREATE TABLE row (
        custom_id TEXT NOT NULL UNIQUE,
        item INTEGER NOT NULL REFERENCES item,
        stage TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL,
        submission TEXT,
        reason TEXT NOT NULL DEFAULT '',
        finish_reason TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        tokens_in INTEGER NOT NULL DEFAULT 0,
        tokens_out INTEGER NOT NULL DEFAULT 0,
        cost REAL NOT NULL DEFAULT 0,
        result TEXT,
        updated REAL NOT NULL
    );
    CREATE INDEX row_sums ON row (stage, state, tokens_in, tokens_out, cost);
    CREATE INDEX row_item ON row (item, stage, attempt);
    CREATE INDEX row_open ON row (state, item) WHERE state IN ('pending', 'submitted');
    CREATE INDEX row_submission ON row (submission, state) WHERE submission IS NOT NULL;
    CREATE TABLE submission (
        intent TEXT PRIMARY KEY,
        state TEXT NOT NULL DEFAULT 'planned',
        rows INTEGER NOT NULL,
        sha256 TEXT NOT NULL DEFAULT '',
        input_file TEXT NOT NULL DEFAULT '',
        batch TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT '',
        output_file TEXT NOT NULL DEFAULT '',
        error_file TEXT NOT NULL DEFAULT '',
        lines_read INTEGER NOT NULL DEFAULT 0,
        cost REAL,
        details TEXT NOT NULL DEFAULT '{}',
        created REAL NOT NULL,
        updated REAL NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE event (
        number INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        message TEXT NOT NULL,
        details TEXT NOT NULL DEFAULT '{}'
    );
    """,
)


def migrate(connection: sqlite3.Connection, place: str, steps: Sequence[str]) -> None:
    """Bring a journal to the newest form, in one transaction: another process may open it at the same moment.

    Raises:
        StateError: the journal was written by a newer Goldspan.
    """
    if _read_version(connection) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _read_version(connection)
        if version > len(steps):
            raise StateError(
                f"{place} was written by a newer Goldspan (journal version {version}, this one knows {len(steps)}). "
                "Update Goldspan, or start a run of another name."
            )
        for statement in ";".join(steps[version:]).split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _read_version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
