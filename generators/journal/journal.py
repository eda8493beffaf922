"""The journal of a run: requests, answers and cost. `data/runs/<run>/journal.db` (SQLite, WAL).

    run         settings and their fingerprints, as key and JSON value
    item        one sample in progress: its spec, its current stage, and its final state
    row         one request to a provider: stage, item, attempt, state, tokens, cost, accepted result
    submission  one batch at a provider, written as intent before it is created (see `journal.submissions`)
    event       log messages for people

Every state of the run is derived from rows. A row is `pending` (ready to be asked), `submitted` (taken by an
executor), or decided: `ok`, `invalid` (read, but wrong), `truncated`, `refused`, `failed` (the provider said no),
`missing` (no answer will come). Rows are committed with `synchronous=NORMAL`: a kill loses nothing, a power cut at
most the last moments. What concerns money is committed with `synchronous=FULL`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import make_private_folder, open_private
from goldspan.generators.journal.lock import RunLock
from goldspan.generators.journal.migrations import migrate
from goldspan.generators.journal.raw import RawLog
from goldspan.generators.journal.rows import Item, Row, RowKey, Totals

_CHUNK = 500
_SELECT_ITEM = "SELECT item, spec, state, stage, first_attempt, reason FROM item "
_SELECT_TOTALS = "SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0), coalesce(sum(cost), 0.0) FROM row"
_SELECT_ROW = (
    "SELECT custom_id, item, stage, attempt, state, submission, reason, finish_reason, model, "
    "tokens_in, tokens_out, cost, result FROM row "
)


class Journal:
    """One run's journal, opened for running (`lock=True`) or read-only (also on read-only disks).

    Raises:
        StateError: there is no such run, another process is running it, or the disk cannot be written.

    """

    def __init__(self, folder: Path, *, create: bool = False, lock: bool = False) -> None:
        self.folder = folder
        path = folder / "journal.db"
        if not create and not path.exists():
            raise StateError(f"There is no run {folder.name} in {folder.parent}. `goldspan generate list` names them.")
        self._depth = 0
        self._lock: RunLock | None = None
        with guard_disk(folder):
            if not (create or lock or os.access(folder, os.W_OK)):
                self._connection = sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)
                return
            make_private_folder(folder)
            self._lock = RunLock(folder / "lock") if lock else None
            try:
                self._connection = _connect(path)
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

    def __enter__(self) -> Journal:
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
        with guard_disk(self.folder):
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
        with guard_disk(self.folder):
            return self._connection.execute(statement, parameters).fetchall()

    def open_raw(self, name: str) -> RawLog:
        """The append-only file `raw/<name>.jsonl` for the provider's lines as received."""
        with guard_disk(self.folder):
            return RawLog(self.folder / "raw" / f"{name}.jsonl")

    # run

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
            raise _name_damage(self.folder, error) from None

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

    # items

    def add_item(self, item: int, spec: Any, stage: str) -> None:
        """Begin an item at its first stage; the caller adds its first row."""
        with self.transaction() as connection:
            connection.execute("INSERT INTO item (item, spec, stage) VALUES (?, ?, ?)", (item, json.dumps(spec), stage))

    def update_item(self, item: int, *, state: str = "open", stage: str, reason: str = "") -> None:
        """Move an item to a stage, where its attempt budget begins anew, or end it as done or dead."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE item SET state = ?, stage = ?, reason = ?, first_attempt = 1 WHERE item = ?",
                (state, stage, reason, item),
            )

    def revive_item(self, item: int, first_attempt: int) -> None:
        """Open a dead item again; its attempt budget counts from `first_attempt`."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE item SET state = 'open', reason = '', first_attempt = ? WHERE item = ?", (first_attempt, item)
            )

    def read_item(self, item: int) -> Item:
        """One item."""
        found = self.query(_SELECT_ITEM + "WHERE item = ?", (item,))
        if not found:
            raise StateError(f"Run {self.run_id} has no item {item}.")
        return _make_item(found[0])

    def iter_items(self, state: str) -> Iterator[Item]:
        """Items of a state in order, read in chunks so that memory stays flat."""
        last = -1
        while found := self.query(
            _SELECT_ITEM + "WHERE state = ? AND item > ? ORDER BY item LIMIT ?", (state, last, _CHUNK)
        ):
            yield from map(_make_item, found)
            last = found[-1][0]

    def count_items(self) -> dict[str, int]:
        """Items by state."""
        return dict(self.query("SELECT state, count(*) FROM item GROUP BY state"))

    def next_item(self) -> int:
        """The number of the first item that has not begun."""
        return int(self.query("SELECT coalesce(max(item) + 1, 0) FROM item")[0][0])

    # rows

    def add_row(self, custom_id: str, key: RowKey, *, reason: str = "") -> None:
        """A row that is ready to be asked. `reason` is the problem of the attempt before."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT INTO row (custom_id, item, stage, attempt, state, reason, updated) "
                "VALUES (?, ?, ?, ?, 'pending', ?, ?)",
                (custom_id, *key, reason, time.time()),
            )

    def list_pending(self, limit: int) -> list[Row]:
        """Rows that are ready, those of the earliest items first."""
        return self._list_rows("WHERE state = 'pending' ORDER BY item LIMIT ?", limit)

    def set_submitted(self, custom_ids: Iterable[str]) -> int:
        """An executor has taken these rows. Returns how many were ready."""
        return self._set_state(custom_ids, "submitted", "pending")

    def set_pending(self, custom_ids: Iterable[str]) -> int:
        """These rows were taken but not sent: ready again, free of their submission. Returns how many were taken."""
        return self._set_state(custom_ids, "pending", "submitted")

    def _set_state(self, custom_ids: Iterable[str], state: str, before: str) -> int:
        moment = time.time()
        with self.transaction() as connection:
            return connection.executemany(
                "UPDATE row SET state = ?, submission = NULL, updated = ? WHERE custom_id = ? AND state = ?",
                [(state, moment, custom_id, before) for custom_id in custom_ids],
            ).rowcount

    def release_unclaimed(self) -> int:
        """After a crash: submitted rows that no submission holds are ready again. Returns how many."""
        with self.transaction() as connection:
            statement = "UPDATE row SET state = 'pending' WHERE state = 'submitted' AND submission IS NULL"
            return connection.execute(statement).rowcount

    def decide_row(self, row: Row) -> None:
        """Write how a row ended: its state, reason, tokens, cost and result."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE row SET state = ?, reason = ?, finish_reason = ?, model = ?, tokens_in = ?, tokens_out = ?, "
                "cost = ?, result = ?, updated = ? WHERE custom_id = ?",
                (
                    row.state,
                    row.reason,
                    row.finish_reason,
                    row.model,
                    row.tokens_in,
                    row.tokens_out,
                    row.cost,
                    None if row.result is None else json.dumps(row.result, ensure_ascii=False),
                    time.time(),
                    row.custom_id,
                ),
            )

    def find_row(self, custom_id: str) -> Row | None:
        """The row of a custom_id, None if this run never asked it."""
        found = self._list_rows("WHERE custom_id = ?", custom_id)
        return found[0] if found else None

    def rows_of_item(self, item: int) -> list[Row]:
        """All rows of an item, in the order they were asked."""
        return self._list_rows("WHERE item = ? ORDER BY updated, attempt", item)

    def read_results(self, item: int) -> dict[str, Any]:
        """The accepted result of each stage of an item."""
        found = self.query("SELECT stage, result FROM row WHERE item = ? AND state = 'ok'", (item,))
        return {stage: json.loads(result) for stage, result in found}

    def count_open(self) -> dict[str, int]:
        """How many rows are pending and how many submitted."""
        counted = self.query("SELECT state, count(*) FROM row WHERE state IN ('pending', 'submitted') GROUP BY state")
        return {"pending": 0, "submitted": 0} | dict(counted)

    def list_submitted(self) -> list[str]:
        """custom_ids of rows that an executor has taken."""
        return [custom_id for (custom_id,) in self.query("SELECT custom_id FROM row WHERE state = 'submitted'")]

    def count_truncated(self, item: int, stage: str) -> int:
        """How many answers to a stage of an item were cut off."""
        statement = "SELECT count(*) FROM row WHERE item = ? AND stage = ? AND state = 'truncated'"
        return int(self.query(statement, (item, stage))[0][0])

    def count_rows(self) -> dict[tuple[str, str], int]:
        """Rows by (stage, state)."""
        counted = self.query("SELECT stage, state, count(*) FROM row GROUP BY stage, state")
        return {(stage, state): count for stage, state, count in counted}

    def sum_totals(self) -> Totals:
        """Tokens and cost of everything that was answered, failed attempts included."""
        return Totals(*self.query(_SELECT_TOTALS)[0])

    def _list_rows(self, condition: str, *parameters: Any) -> list[Row]:
        return [_make_row(values) for values in self.query(_SELECT_ROW + condition, parameters)]


def _make_row(values: Sequence[Any]) -> Row:
    result = None if values[-1] is None else json.loads(values[-1])
    return Row(*[*values[:-1], result])


def _make_item(values: Sequence[Any]) -> Item:
    return Item(values[0], json.loads(values[1]), *values[2:])


def _connect(path: Path) -> sqlite3.Connection:
    os.close(open_private(str(path), os.O_RDWR | os.O_CREAT))
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        migrate(connection, str(path))
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def guard_disk(folder: Path) -> Iterator[None]:
    """Turn a disk that is full, read-only or broken into one plain message.

    Raises:
        StateError: instead of OSError and sqlite3.Error.

    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
        raise
    except (OSError, sqlite3.OperationalError) as error:
        raise StateError(
            f"The run cannot be written to {folder}: {error}. Everything committed so far is kept; "
            f"make room or make the folder writable, then `goldspan generate resume {folder.name}`."
        ) from error
    except sqlite3.Error as error:
        raise _name_damage(folder, error) from error


def _name_damage(folder: Path, error: Exception) -> StateError:
    return StateError(
        f"The journal of run {folder.name} is damaged ({error}). The provider's answers as received are in "
        f"{folder / 'raw'}. Move {folder} away; `goldspan generate start` starts the run again."
    )
