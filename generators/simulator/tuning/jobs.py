"""Fine-tuning jobs in the simulator's database, for all providers. The clock of jobs can be put forward."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import orjson

from goldspan.generators.providers.tuning.profiles import find_tuning_profile
from goldspan.generators.simulator.errors import ApiError
from goldspan.generators.simulator.lines import iter_lines
from goldspan.generators.simulator.state import SimulatorState, make_id
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob
from goldspan.generators.simulator.wire import count_tokens

JOB_KINDS = frozenset(
    {
        "list_lag",
        "invalid_rows",
        "expired_file",
        "stuck_job",
        "unknown_status",
        "training_failed",
        "late_cancel",
        "repeated_events",
        "shuffled_events",
    }
)
PROVIDERS = ("openai", "mistral", "together")
"""Profiles that have fine-tuning."""

_DEFAULT_PRICE = 1.0
_PLAIN = (
    "number", "id", "model", "training_file", "validation_file", "marker", "created_at", "started_at", "cancelled_at",
    "tokens",
)  # fmt: skip
"""Columns of a job that are fields of `SimulatedJob` as they are."""


def read_clock(state: SimulatorState) -> float:
    """The time of the jobs' clock."""
    found = state.database.execute("SELECT value FROM setting WHERE name = 'clock'").fetchone()
    return time.time() + (float(found[0]) if found else 0.0)


def forward_clock(state: SimulatorState, seconds: float) -> float:
    """Put the jobs' clock forward; returns its time."""
    ahead = read_clock(state) - time.time() + seconds
    state.database.execute("INSERT OR REPLACE INTO setting VALUES ('clock', ?)", (str(ahead),))
    return read_clock(state)


def find_tuning_file(state: SimulatorState, file_id: Any, name: str) -> sqlite3.Row:
    """A file that was uploaded for fine-tuning."""
    row = state.find_file(str(file_id or ""), time.time())
    if row is None:
        raise ApiError(404, f"{name}: no such file: {file_id}", "not_found")
    if row["purpose"] != "fine-tune":
        raise ApiError(400, f"{name}: the file's purpose is {row['purpose']}, not fine-tune.", "invalid_purpose")
    return row


def require_model(state: SimulatorState, model: Any) -> str:
    """The base model asked for; refused when the plan has retired it."""
    name = str(model or "")
    if not name:
        raise ApiError(400, "'model' is a required property.", "missing_required_parameter")
    if state.faults.draw(name, {"retired_model"}):
        raise ApiError(410, f"The model {name} has been retired and cannot be fine-tuned.", "model_retired")
    return name


def add_job(
    state: SimulatorState,
    model: str,
    files: tuple[str, str],
    marker: str,
    order: Mapping[str, Any],
    *,
    starts: bool,
) -> SimulatedJob:
    """Create a job of a training and a validation file; `starts` says whether it goes on by itself once it is checked.

    `order` holds `epochs` and what the provider's description of the job repeats.
    """
    now = read_clock(state)
    number = state.database.execute("SELECT coalesce(max(number), 0) + 1 FROM job").fetchone()[0]
    faults = {fault.kind: {"seconds": fault.seconds} for fault in state.faults.draw(f"job {number}", JOB_KINDS)}
    place = state.place_of(files[0])
    state.database.execute(
        "INSERT INTO job(number, id, model, training_file, validation_file, marker, body, created_at, visible_at, "
        "started_at, cancelled_at, tokens, problems, faults, paid) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, 0)",
        (
            number,
            make_id("ftjob-") if state.profile.name != "together" else make_id("ft-"),
            model,
            *files,
            marker,
            json.dumps(order),
            now,
            now + faults.get("list_lag", {}).get("seconds", 0.0),
            now if starts else 0.0,
            count_file_tokens(state, files[0]),
            json.dumps(_find_problems(place, state, faults)),
            json.dumps(faults),
        ),
    )
    return find_job(state, number)


def find_job(state: SimulatorState, key: str | int) -> SimulatedJob:
    """A job by its id or number."""
    row = state.database.execute("SELECT * FROM job WHERE id = ? OR number = ?", (key, key)).fetchone()
    if row is None:
        raise ApiError(404, f"No such fine-tuning job: {key}", "not_found")
    return _read(row, state)


def list_jobs(state: SimulatorState, now: float | None = None) -> list[SimulatedJob]:
    """All jobs, the newest first; with `now`, those that a list shows at this time."""
    shown = float("inf") if now is None else now
    rows = state.database.execute("SELECT * FROM job WHERE visible_at <= ? ORDER BY number DESC", (shown,)).fetchall()
    return [_read(row, state) for row in rows]


def start_job(state: SimulatorState, job: SimulatedJob, now: float) -> None:
    """Start a job that waits for it; one that runs already is left as it is."""
    if job.find_phase(now) is not Phase.READY:
        raise ApiError(400, "The job is not waiting to be started.", "invalid_status")
    state.database.execute("UPDATE job SET started_at = ? WHERE number = ?", (now, job.number))


def cancel_job(state: SimulatorState, job: SimulatedJob, now: float) -> None:
    """Cancel a job that has not ended."""
    if job.find_phase(now) in {Phase.SUCCEEDED, Phase.FAILED, Phase.INVALID, Phase.CANCELLED}:
        raise ApiError(400, "The job has ended and cannot be cancelled.", "invalid_status")
    settle(state, now)
    if not job.cancelled_at:
        state.database.execute("UPDATE job SET cancelled_at = ? WHERE number = ?", (now, job.number))


def settle(state: SimulatorState, now: float) -> None:
    """Charge the jobs that have begun to run."""
    for row in state.database.execute("SELECT * FROM job WHERE paid = 0").fetchall():
        job = _read(row, state)
        if job.is_paid(now):
            state.database.execute("UPDATE job SET paid = ? WHERE number = ?", (price_job(state, job), job.number))


def price_job(state: SimulatorState, job: SimulatedJob) -> float:
    """US dollars that a job costs; at least the provider's least price, and more than nothing."""
    return price_tokens(state, job.model, job.tokens * job.epochs)


def price_tokens(state: SimulatorState, model: str, tokens: int) -> float:
    """US dollars for trained tokens of a model."""
    profile = find_tuning_profile(state.profile.name)
    price = profile.find_price(model)
    rate = _DEFAULT_PRICE if price is None else price
    return max(profile.min_cost, tokens * rate / 1_000_000, 1e-9)


def count_file_tokens(state: SimulatorState, file_id: str) -> int:
    """Tokens of the rows of a file: bytes / 4."""
    return sum(
        count_tokens(line.document.get("messages"))
        for line in iter_lines(state.place_of(file_id))
        if isinstance(line.document, dict)
    )


def read_job_ledger(state: SimulatorState) -> dict[str, Any]:
    """The paid jobs: how many, for how many different runs, and US dollars."""
    if state.profile.name not in PROVIDERS:
        return {}
    settle(state, read_clock(state))
    rows = state.database.execute("SELECT id, marker, paid FROM job WHERE paid > 0 ORDER BY number").fetchall()
    markers = [row["marker"] for row in rows]
    created = state.database.execute("SELECT count(*) FROM job").fetchone()[0]
    return {
        "created": created,
        "paid": len(rows),
        "unique": len(set(markers)),
        "paid_twice": sorted({marker for marker in markers if markers.count(marker) > 1}),
        "cost": round(sum(row["paid"] for row in rows), 6),
    }


def _read(row: sqlite3.Row, state: SimulatorState) -> SimulatedJob:
    return SimulatedJob(
        **{name: row[name] for name in _PLAIN},
        order=orjson.loads(row["body"]),
        problems=tuple(orjson.loads(row["problems"])),
        faults=orjson.loads(row["faults"]),
        seconds=state.settings.tuning_seconds,
    )


def _find_problems(place: Any, state: SimulatorState, faults: Mapping[str, Any]) -> list[str]:
    """What is wrong with a training file, line by line."""
    if "expired_file" in faults:
        return ["the training file has expired"]
    problems, count = [], 0
    for line in iter_lines(place):
        count += 1
        if problem := _find_row_problem(line.document):
            problems.append(f"line {line.number + 1}: {problem}")
    if "invalid_rows" in faults:
        problems += [f"line {number}: the assistant's message is refused by moderation" for number in (1, 3)]
    least = find_tuning_profile(state.profile.name).min_rows
    if count < least:
        problems.append(f"the file has {count} examples; at least {least} are needed")
    return problems[:20]


def _find_row_problem(document: Any) -> str:
    messages = document.get("messages") if isinstance(document, dict) else None
    if not isinstance(messages, list) or not messages:
        return "no messages"
    for message in messages:
        if not isinstance(message, dict) or message.get("role") not in {"system", "user", "assistant"}:
            return "a message without a known role"
        if not isinstance(message.get("content"), str) or not message["content"]:
            return "a message without content"
    return "" if messages[-1]["role"] == "assistant" else "the last message is not the assistant's"
