"""The SQLite file of one server: locked, checked and laid out before anybody uses it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from filelock import FileLock

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import make_private_folder, open_private
from goldspan.annotation.locks import try_lock
from goldspan.annotation.wording import describe_error

_PATIENCE = 0.5
"""Seconds to wait: a server that is shutting down holds the lock for a moment."""
_VERSION = 2
_TABLES = """
BEGIN;
CREATE TABLE IF NOT EXISTS file(
    id TEXT PRIMARY KEY, filename TEXT, purpose TEXT, bytes INTEGER, created_at REAL, expires_at REAL,
    kind TEXT, batch_id TEXT, deleted INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS batch(
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, input_file_id TEXT, input_name TEXT, endpoint TEXT, window TEXT,
    metadata TEXT, status TEXT, created_at REAL, visible_at REAL, expires_at REAL, in_progress_at REAL,
    finalizing_at REAL, completed_at REAL, failed_at REAL, expired_at REAL, cancelling_at REAL, cancelled_at REAL,
    output_file_id TEXT, error_file_id TEXT, errors TEXT, stop_kind TEXT, stop_after INTEGER, empty_ids INTEGER,
    shuffled INTEGER, total INTEGER DEFAULT 0, completed INTEGER DEFAULT 0, failed INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS row(
    batch_id TEXT, number INTEGER, custom_id TEXT, place INTEGER, size INTEGER, state TEXT, tries INTEGER DEFAULT 0,
    due_at REAL, stamp REAL, rank INTEGER, line BLOB, PRIMARY KEY(batch_id, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS row_due ON row(batch_id, state, due_at);
CREATE INDEX IF NOT EXISTS row_view ON row(batch_id, state, stamp, rank);
CREATE TABLE IF NOT EXISTS paid(
    number INTEGER PRIMARY KEY, custom_id TEXT, source TEXT, batch_id TEXT, model TEXT, tier TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, at REAL);
CREATE INDEX IF NOT EXISTS paid_custom_id ON paid(custom_id);
CREATE TABLE IF NOT EXISTS job(
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, model TEXT, training_file TEXT, validation_file TEXT, marker TEXT,
    body TEXT, created_at REAL, visible_at REAL, started_at REAL, cancelled_at REAL, tokens INTEGER, problems TEXT,
    faults TEXT, paid REAL);
CREATE TABLE IF NOT EXISTS reply(key TEXT PRIMARY KEY, body BLOB);
CREATE TABLE IF NOT EXISTS fault(name TEXT PRIMARY KEY, seen INTEGER, hits INTEGER);
CREATE TABLE IF NOT EXISTS setting(name TEXT PRIMARY KEY, value TEXT);
"""
_KNOWN = frozenset({"file", "batch", "row", "paid", "job", "reply", "fault", "setting"})
_ADVICE = "Choose another file with --state."


def lock_state(path: Path) -> FileLock:
    """Take the lock beside a state file; the system frees it when the process dies.

    Raises:
        StateError: another server has it, or nothing can be written there.
    """
    if path.is_dir():
        raise StateError(f"The state file {path} is a folder. {_ADVICE}")
    try:
        make_private_folder(path.parent)
        place = path.resolve()
        lock = try_lock(place.with_name(f"{place.name}.lock"), _PATIENCE)
    except FileExistsError:
        raise StateError(f"{path.parent} is a file, so {path} cannot lie in it. {_ADVICE}") from None
    except OSError as error:
        raise StateError(f"The state file {path} cannot be written: {describe_error(error)}. {_ADVICE}") from error
    if lock is None:
        raise StateError(
            f"Another `goldspan simulate` is using the state file {path}. End it, or give this one its own --state."
        )
    return lock


def make_folder(path: Path) -> Path:
    """The folder of uploaded files beside a state file. Raises StateError if it cannot be made."""
    folder = path.with_suffix(".files")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StateError(f"The folder {folder} cannot be made: {error.strerror}. {_ADVICE}") from error
    return folder


def open_database(path: Path, profile: str) -> sqlite3.Connection:
    """Open the state file of a server with this profile, or make it.

    Raises:
        StateError: the file is not a state file, is newer, was made with another profile or cannot be written.
    """
    try:
        os.close(open_private(str(path), os.O_RDWR | os.O_CREAT))
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise StateError(f"The state file {path} cannot be opened: {describe_error(error)}. {_ADVICE}") from error
    try:
        _prepare(database, path, profile)
    except sqlite3.Error as error:
        database.close()
        raise StateError(f"{path} cannot be used as a state file: {error}. {_ADVICE}") from error
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path, profile: str) -> None:
    database.row_factory = sqlite3.Row
    tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    names = {row[0] for row in tables}
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if names and not names & _KNOWN:
        raise StateError(f"{path} is the database of another program. {_ADVICE}")
    if version > _VERSION:
        raise StateError(
            f"{path} was written by a newer goldspan (format {version}, this one reads {_VERSION}). {_ADVICE}"
        )
    if names - _KNOWN:
        raise StateError(f"{path} is the database of another program. {_ADVICE}")
    if "setting" in names:
        _check_profile(database, path, profile)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(_TABLES)
    if not names:
        database.execute("INSERT INTO setting VALUES ('profile', ?)", (profile,))
    database.execute(f"PRAGMA user_version = {_VERSION}")
    database.execute("COMMIT")


def _check_profile(database: sqlite3.Connection, path: Path, profile: str) -> None:
    """Refuse a state file of another profile; one without a stored profile is accepted."""
    kept = database.execute("SELECT value FROM setting WHERE name = 'profile'").fetchone()
    if kept and kept[0] != profile:
        raise StateError(
            f"The state file {path} was made with --profile {kept[0]}, not {profile}. "
            f"Give --profile {kept[0]}, or another file with --state."
        )
