"""What the journals of all kinds of runs share: a SQLite file (WAL), a lock, settings, and messages for people.

    run     settings, as key and JSON value
    event   messages for people

What concerns money is committed with `synchronous=FULL`, everything else with NORMAL: a kill loses nothing, a power
cut at most the last moments.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import make_private_folder, open_private
from goldspan.annotation.wording import describe_error
from goldspan.generators.journal.lock import RunLock
from goldspan.generators.journal.migrations import migrate

_PATIENCE = 30.0
"""Seconds to wait for another process that writes or reads the file."""


class RunJournal:
    """One run's journal, opened for running (`lock=True`) or read-only (also on read-only disks).

    A kind of run has a class of its own, which names its tables, the command that its runs belong to, and what is left
    of a run whose journal is damaged.

    Raises:
        StateError: there is no such run, another process is running it, or the disk cannot be written.
    """

    command: ClassVar[str]
    steps: ClassVar[Sequence[str]]
    rescue: ClassVar[str]

    def __init__(self, folder: Path, *, create: bool = False, lock: bool = False) -> None:
        self.folder = folder
        path = folder / "journal.db"
        if not create and not path.exists():
            raise StateError(f"There is no run {folder.name} in {folder.parent}. `{self.command} list` names them.")
        self._depth = 0
        self._lock: RunLock | None = None
        with self.guard():
            if not (create or lock or os.access(folder, os.W_OK)):
                self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
                return
            make_private_folder(folder)
            self._lock = RunLock(folder / "lock", self.command) if lock else None
            try:
                self._connection = _connect(path, self.steps)
            except BaseException:
                self._unlock()
                raise

    def close(self) -> None:
        """Close the file and release the lock."""
        self._connection.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def run_id(self) -> str:
        """The run's name: its folder."""
        return self.folder.name

    @contextmanager
    def transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """Group writes into one commit; an inner transaction joins the outer one. `durable` waits for the disk."""
        if self._depth:
            yield self._connection
            return
        with self.guard():
            if durable:
                self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.rollback()
                raise
            finally:
                self._depth -= 1
                if durable:
                    self._connection.execute("PRAGMA synchronous=NORMAL")

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """All rows of a SELECT."""
        with self.guard():
            return self._connection.execute(statement, parameters).fetchall()

    def guard(self) -> _Guard:
        """Turn a disk that is full, read-only or broken into one plain message.

        Raises:
            StateError: instead of OSError and sqlite3.Error.
        """
        return _Guard(self)

    def name_failure(self, error: BaseException | None) -> StateError | None:
        """The `StateError` of a disk or a database that refuses; None for any other error."""
        if isinstance(error, sqlite3.IntegrityError | sqlite3.ProgrammingError):
            return None
        if isinstance(error, OSError | sqlite3.OperationalError):
            return StateError(
                f"The run cannot be written to {self.folder}: {describe_error(error)}. Everything committed so far "
                f"is kept; make room or make the folder writable, then `{self.command} resume {self.run_id}`."
            )
        return self._name_damage(error) if isinstance(error, sqlite3.Error) else None

    def _name_damage(self, error: Exception) -> StateError:
        return StateError(
            f"The journal of run {self.run_id} is damaged ({error}). {self.rescue} Move {self.folder} away; "
            f"`{self.command} start` starts the run again."
        )

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        """Write settings of the run; existing keys are replaced."""
        with self.transaction(durable=True) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO run VALUES (?, ?)",
                [(key, json.dumps(value)) for key, value in settings.items()],
            )

    def read_settings(self) -> dict[str, Any]:
        """All settings of the run."""
        try:
            return {key: json.loads(value) for key, value in self.query("SELECT key, value FROM run")}
        except ValueError as error:
            raise self._name_damage(error) from None

    def write_event(self, kind: str, message: str, **details: Any) -> None:
        """Note what happened, for `status` and `watch`. Never put a secret here."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO event (at, kind, message, details) VALUES (?, ?, ?, ?)",
                (time.time(), kind, message, json.dumps(details)),
            )

    def list_events(self, limit: int = 20) -> list[dict[str, Any]]:
        """The newest events, oldest of them first."""
        found = self.query("SELECT at, kind, message, details FROM event ORDER BY number DESC LIMIT ?", (limit,))
        return [
            {"at": at, "kind": kind, "message": message, **json.loads(details)}
            for at, kind, message, details in found[::-1]
        ]


class _Guard:
    """A block around work on the disk; a class, since journals enter one many times for each answer."""

    __slots__ = ("_journal",)

    def __init__(self, journal: RunJournal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and (failure := self._journal.name_failure(error)):
            raise failure from error


def _connect(path: Path, steps: Sequence[str]) -> sqlite3.Connection:
    os.close(open_private(str(path), os.O_RDWR | os.O_CREAT))
    connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
    try:
        _switch_to_wal(connection)
        connection.execute("PRAGMA synchronous=NORMAL")
        migrate(connection, str(path), steps)
    except BaseException:
        connection.close()
        raise
    return connection


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Use a write-ahead log. SQLite itself does not wait for another process that switches at the same moment."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return
