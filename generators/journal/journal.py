"""The journal of a run: requests, answers and cost. `data/runs/<run>/journal.db` (SQLite, WAL).

    run         settings and their fingerprints, as key and JSON value
    item        one sample in progress: its spec, its current stage, and its final state
    row         one request to a provider: stage, item, attempt, state, tokens, cost, accepted result
    submission  one batch at a provider, written as intent before it is created (see `journal.submissions`)
    event       log messages for people

Every state of the run is derived from rows. A row is `pending` (ready to be asked), `submitted` (taken by an
executor), or decided: `ok`, `invalid` (read, but wrong), `repeated` (right, but not new), `truncated`, `refused`,
`failed` (the provider said no), `missing` (no answer will come). Rows are committed with `synchronous=NORMAL`: a kill
loses nothing, a power cut at most the last moments. What concerns money is committed with `synchronous=FULL`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.generators.journal.migrations import STEPS
from goldspan.generators.journal.raw import RawLog
from goldspan.generators.journal.rows import Item, Row, RowKey, Totals
from goldspan.generators.journal.store import RunJournal

_CHUNK = 500
_encode = json.JSONEncoder(ensure_ascii=False).encode
_SELECT_ITEM = "SELECT item, spec, state, stage, first_attempt, reason FROM item "
_SELECT_TOTALS = "SELECT coalesce(sum(tokens_in), 0), coalesce(sum(tokens_out), 0), coalesce(sum(cost), 0.0) FROM row"
_SELECT_ROW = (
    "SELECT custom_id, item, stage, attempt, state, submission, reason, finish_reason, model, "
    "tokens_in, tokens_out, cost, result FROM row "
)


class Journal(RunJournal):
    """The journal of a run that generates samples."""

    command = "goldspan generate"
    steps = STEPS
    rescue = "The provider's answers as received are in its folder `raw`."

    def open_raw(self, name: str) -> RawLog:
        """The append-only file `raw/<name>.jsonl` for the provider's lines as received."""
        with self.guard():
            return RawLog(self.folder / "raw" / f"{name}.jsonl")

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

    def change_spec(self, item: int, spec: Any) -> None:
        """Ask for the rest of an item by another spec."""
        with self.transaction() as connection:
            connection.execute("UPDATE item SET spec = ? WHERE item = ?", (json.dumps(spec), item))

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
                    None if row.result is None else _encode(row.result),
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

    def iter_results(self, stage: str) -> Iterator[dict[str, Any]]:
        """The accepted results of a stage by item, read in chunks so that memory stays flat."""
        last = -1
        while found := self.query(
            "SELECT item, result FROM row WHERE stage = ? AND state = 'ok' AND item > ? ORDER BY item LIMIT ?",
            (stage, last, _CHUNK),
        ):
            yield from (json.loads(result) for _, result in found if result)
            last = found[-1][0]

    def count_open(self) -> dict[str, int]:
        """How many rows are pending and how many submitted."""
        counted = self.query("SELECT state, count(*) FROM row WHERE state IN ('pending', 'submitted') GROUP BY state")
        return {"pending": 0, "submitted": 0} | dict(counted)

    def list_submitted(self, stage: str) -> list[Row]:
        """Rows of a stage that an executor has taken."""
        return self._list_rows("WHERE state = 'submitted' AND stage = ?", stage)

    def count_answers(self, item: int, stage: str, state: str) -> int:
        """How many answers to a stage of an item ended in a state."""
        statement = "SELECT count(*) FROM row WHERE item = ? AND stage = ? AND state = ?"
        return int(self.query(statement, (item, stage, state))[0][0])

    def count_rows(self) -> dict[tuple[str, str], int]:
        """Rows by (stage, state)."""
        counted = self.query("SELECT stage, state, count(*) FROM row GROUP BY stage, state")
        return {(stage, state): count for stage, state, count in counted}

    def sum_totals(self) -> Totals:
        """Tokens and cost of everything that was answered, failed attempts included."""
        return Totals(*self.query(_SELECT_TOTALS)[0])

    def sum_outputs(self) -> dict[str, tuple[int, int]]:
        """How many answers of each stage took output tokens, and how many they took."""
        statement = "SELECT stage, count(*), sum(tokens_out) FROM row WHERE tokens_out > 0 GROUP BY stage"
        return {stage: (count, tokens) for stage, count, tokens in self.query(statement)}

    def _list_rows(self, condition: str, *parameters: Any) -> list[Row]:
        return [_make_row(values) for values in self.query(_SELECT_ROW + condition, parameters)]


def _make_row(values: Sequence[Any]) -> Row:
    result = None if values[-1] is None else json.loads(values[-1])
    return Row(*[*values[:-1], result])


def _make_item(values: Sequence[Any]) -> Item:
    return Item(values[0], json.loads(values[1]), *values[2:])
