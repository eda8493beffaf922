"""Batch engine: validating, in progress, finalizing, and the final states."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import orjson

from goldspan.generators.simulator.answers import Writer, write_answer
from goldspan.generators.simulator.corruptions import ANSWER_KINDS, COMPLETION, CONTENT, LINE, LINE_KINDS, apply_faults
from goldspan.generators.simulator.faults import draw_number
from goldspan.generators.simulator.lines import find_other_model, find_problem, iter_lines
from goldspan.generators.simulator.state import SimulatorState, make_id
from goldspan.generators.simulator.wire import make_completion, make_error_line, make_output_line

ROW_KINDS = frozenset({"failed", "format_refused", "no_balance", "missing", "duplicate", *ANSWER_KINDS, *LINE_KINDS})
_CHUNK = 64
_TICK = 0.02
_ECHO = 1 << 40
"""Added to a row's number for its second line, when a fault repeats it."""


class Engine:
    """Works through the batches of one server."""

    def __init__(self, state: SimulatorState, writer: Writer | None) -> None:
        self.state = state
        self.writer = writer

    async def run(self) -> None:
        """Work until cancelled; lets requests in between any two steps."""
        while True:
            is_busy = self.step(time.time())
            await asyncio.sleep(0 if is_busy else _TICK)

    def step(self, now: float) -> bool:
        """Move every open batch on by one step. True if there is more to do at once."""
        open_batches = self.state.database.execute(
            "SELECT * FROM batch WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling') "
            "ORDER BY number"
        ).fetchall()
        moved = [self._move(batch, now) for batch in open_batches]
        return any(moved)

    def _move(self, batch: sqlite3.Row, now: float) -> bool:
        with self.state.transaction():
            match batch["status"]:
                case "validating" if now < batch["created_at"] + self.state.settings.validation_seconds:
                    return False
                case "validating":
                    self._validate(batch, now)
                case "finalizing":
                    self._finish(batch, now)
                case "cancelling":
                    self._stop(batch, "cancel", now)
                case _:
                    return self._advance_rows(batch, now)
        return True

    def _validate(self, batch: sqlite3.Row, now: float) -> None:
        path = self.state.place_of(batch["input_file_id"])
        errors = None if self.state.profile.both_files_from_start else _find_errors(path, self.state)
        total = batch["total"] or sum(1 for _ in iter_lines(path))
        if errors is None and self.state.faults.draw(str(batch["number"]), ("token_limit_exceeded",), rows=total):
            message = (
                "Enqueued token limit reached. Please try again once some in_progress batches have been completed."
            )
            errors = [{"code": "token_limit_exceeded", "message": message, "param": None, "line": None}]
        if errors:
            document = json.dumps({"object": "list", "data": errors})
            self.state.update_batch(batch["id"], status="failed", failed_at=now, errors=document, total=0)
            return
        self._populate(batch, path, now)
        self.state.update_batch(batch["id"], status="in_progress", in_progress_at=now, total=total)

    def _populate(self, batch: sqlite3.Row, path: Path, now: float) -> None:
        faults, seed = self.state.faults, self.state.faults.plan.seed
        rows = []
        for line in iter_lines(path):
            custom_id = str(line.document["custom_id"])
            hits = faults.draw(custom_id, ("slow", "late"))
            due = now + self.state.settings.latency.draw(seed, custom_id)
            due += sum(fault.seconds for fault in hits if fault.kind == "slow")
            late = sum(fault.seconds for fault in hits if fault.kind == "late")
            rank = int(draw_number(seed, "rank", custom_id) * 2**32) if batch["shuffled"] else line.number
            stamp = due if late else None
            rows.append((batch["id"], line.number, custom_id, line.place, line.size, due + late, stamp, rank))
        self.state.database.executemany(
            "INSERT INTO row(batch_id, number, custom_id, place, size, state, due_at, stamp, rank) "
            "VALUES (?, ?, ?, ?, ?, 'pending', ?, ?, ?)",
            rows,
        )

    def _advance_rows(self, batch: sqlite3.Row, now: float) -> bool:
        profile = self.state.profile
        if profile.emits_expired and now >= batch["expires_at"]:
            self._stop(batch, "expire", now)
            return True
        allowed = _CHUNK
        if batch["stop_kind"]:
            allowed = min(_CHUNK, batch["stop_after"] - batch["completed"] - batch["failed"])
        due = self.state.database.execute(
            "SELECT * FROM row WHERE batch_id = ? AND state = 'pending' AND due_at <= ? "
            "ORDER BY due_at, number LIMIT ?",
            (batch["id"], now, max(allowed, 0)),
        ).fetchall()
        completed = self._answer_rows(batch, due, now)
        done = batch["completed"] + batch["failed"] + len(due)
        self.state.update_batch(
            batch["id"], completed=batch["completed"] + completed, failed=batch["failed"] + len(due) - completed
        )
        if batch["stop_kind"] and done >= batch["stop_after"]:
            self._stop(batch, batch["stop_kind"], now)
        elif done >= batch["total"]:
            self.state.update_batch(batch["id"], status="finalizing", finalizing_at=now)
        else:
            return bool(due)
        return True

    def _answer_rows(self, batch: sqlite3.Row, rows: list[sqlite3.Row], now: float) -> int:
        completed = 0
        with self.state.place_of(batch["input_file_id"]).open("rb") as source:
            for row in rows:
                source.seek(row["place"])
                completed += self._answer_row(batch, row, orjson.loads(source.read(row["size"])), now)
        return completed

    def _answer_row(self, batch: sqlite3.Row, row: sqlite3.Row, request: dict[str, Any], now: float) -> bool:
        database, profile, custom_id = self.state.database, self.state.profile, row["custom_id"]
        key = f"{custom_id}/{row['tries']}"
        hits = self.state.faults.draw(key, ROW_KINDS)
        kinds = [fault.kind for fault in hits]
        stamp = row["stamp"] or now
        if problem := _find_row_problem(kinds, request["body"]):
            line = make_error_line(custom_id, profile, *problem)
            self._set_row(row, "failed", stamp, line)
            return False
        if "missing" in kinds:
            self._set_row(row, "vanished", stamp, None)
            return True
        body = request["body"]
        completion = make_completion(body, apply_faults(write_answer(body, self.writer), kinds, CONTENT), now)
        self.state.add_paid(custom_id, "batch", batch["id"], batch["window"], completion)
        shown = apply_faults(completion, kinds, COMPLETION)
        line = apply_faults(make_output_line(custom_id, shown, profile), kinds, LINE)
        self._set_row(row, "completed", stamp, line)
        if "duplicate" in kinds:
            database.execute(
                "INSERT OR IGNORE INTO row(batch_id, number, custom_id, state, stamp, rank, line) "
                "VALUES (?, ?, ?, 'completed', ?, ?, ?)",
                (batch["id"], row["number"] + _ECHO, custom_id, stamp, row["rank"] + 3, line),
            )
        return True

    def _set_row(self, row: sqlite3.Row, state: str, stamp: float, line: bytes | None) -> None:
        self.state.database.execute(
            "UPDATE row SET state = ?, stamp = ?, line = ?, tries = tries + 1 WHERE batch_id = ? AND number = ?",
            (state, stamp, line, row["batch_id"], row["number"]),
        )

    def _stop(self, batch: sqlite3.Row, kind: str, now: float) -> None:
        """End a batch early: rows that did not run become error lines (OpenAI) or are in neither file (Doubleword)."""
        if kind == "expire" and not self.state.profile.emits_expired:
            self.state.update_batch(batch["id"], expired_at=now, stop_kind=None)
            return
        word = "expired" if kind == "expire" else "cancelled"
        if self.state.profile.both_files_from_start:
            self.state.database.execute(
                "UPDATE row SET state = 'canceled' WHERE batch_id = ? AND state = 'pending'", (batch["id"],)
            )
        else:
            self._write_stopped_rows(batch["id"], word, now)
        self._end(batch["id"], now, word)

    def _write_stopped_rows(self, batch_id: str, word: str, now: float) -> None:
        pending = self.state.database.execute(
            "SELECT * FROM row WHERE batch_id = ? AND state = 'pending'", (batch_id,)
        ).fetchall()
        message = f"This request could not be executed before the batch was {word}."
        for row in pending:
            line = make_error_line(row["custom_id"], self.state.profile, f"batch_{word}", message)
            self._set_row(row, "failed", now, line)

    def _finish(self, batch: sqlite3.Row, now: float) -> None:
        has_all_failed = batch["completed"] == 0 and batch["failed"] > 0
        is_failed = has_all_failed and self.state.profile.both_files_from_start
        self._end(batch["id"], now, "failed" if is_failed else "completed")

    def _end(self, batch_id: str, now: float, status: str) -> None:
        self.state.update_batch(batch_id, **{"status": status, f"{status}_at": now, "stop_kind": None})
        if not self.state.profile.both_files_from_start:
            for kind, state in (("output", "completed"), ("error", "failed")):
                self._publish(batch_id, kind, state, now)

    def _publish(self, batch_id: str, kind: str, state: str, now: float) -> None:
        count, size = self.state.database.execute(
            "SELECT count(*), coalesce(sum(length(line) + 1), 0) FROM row WHERE batch_id = ? AND state = ?",
            (batch_id, state),
        ).fetchone()
        if count:
            self.state.update_batch(batch_id, **{f"{kind}_file_id": add_view(self.state, batch_id, kind, now, size)})


def _find_row_problem(kinds: list[str], body: dict[str, Any]) -> tuple[str, str] | None:
    """Code and message with which a row fails."""
    form = (body.get("response_format") or {}).get("type")
    if "failed" in kinds:
        return "invalid_request", "The model could not answer this request."
    if "format_refused" in kinds and form == "json_schema":
        return "invalid_request", "response_format json_schema is not supported by this model."
    if "no_balance" in kinds:
        return "insufficient_quota", "You exceeded your current quota, please check your plan and billing details."
    return None


def add_view(state: SimulatorState, batch_id: str, kind: str, now: float, size: int = 0) -> str:
    """Add the output or error file of a batch; its lines are read from the batch's rows."""
    file_id = make_id("file-")
    state.database.execute(
        "INSERT INTO file(id, filename, purpose, bytes, created_at, expires_at, kind, batch_id) "
        "VALUES (?, ?, 'batch_output', ?, ?, ?, ?, ?)",
        (file_id, f"{batch_id}_{kind}.jsonl", size, now, now + 30 * 86_400, kind, batch_id),
    )
    return file_id


def _find_errors(path: Path, state: SimulatorState) -> list[dict[str, object]] | None:
    problems: list[dict[str, object]] = []
    model = ""
    for line in iter_lines(path):
        problem = find_problem(line, state.profile)
        if problem is None:
            model = model or line.document["body"]["model"]
            problem = find_other_model(line, model)
        if problem:
            problems.append({"code": problem.code, "message": problem.message, "param": None, "line": line.number + 1})
    return problems[:100] or None
