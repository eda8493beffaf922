"""Faults of how a batch is shown: files that come late or short, counts and statuses that are odd, a clock that is off.

They are drawn when the batch is made and kept beside it, so that every look shows the same until they are over.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from goldspan.generators.simulator.faults import Fault
from goldspan.generators.simulator.state import SimulatorState

VIEW_KINDS = frozenset(
    {
        "late_file_ids",
        "stale_content",
        "unknown_file",
        "unknown_batch",
        "null_counts",
        "lying_counts",
        "upper_case_status",
        "clock_skew",
    }
)
_ENDS = ("completed_at", "failed_at", "cancelled_at", "expired_at")


def keep_faults(state: SimulatorState, batch_id: str, faults: list[Fault]) -> None:
    """Keep the faults that hit a batch."""
    if faults:
        kept = [{"kind": fault.kind, "seconds": fault.seconds, "fraction": fault.fraction} for fault in faults]
        state.database.execute("INSERT INTO setting VALUES (?, ?)", (f"views {batch_id}", json.dumps(kept)))


def list_faults(state: SimulatorState, batch_id: str) -> dict[str, dict[str, Any]]:
    """The faults of a batch by kind."""
    found = state.database.execute("SELECT value FROM setting WHERE name = ?", (f"views {batch_id}",)).fetchone()
    return {entry["kind"]: entry for entry in json.loads(found[0])} if found else {}


def is_unknown(state: SimulatorState, batch: sqlite3.Row, now: float) -> bool:
    """True while the batch cannot be found by its id."""
    fault = list_faults(state, batch["id"]).get("unknown_batch")
    return fault is not None and now < batch["created_at"] + fault["seconds"]


def is_file_hidden(state: SimulatorState, batch: sqlite3.Row, now: float) -> bool:
    """True while a file of a batch that has ended cannot be found."""
    fault = list_faults(state, batch["id"]).get("unknown_file")
    return fault is not None and now < _find_end(batch, now) + fault["seconds"]


def count_shown(state: SimulatorState, batch: sqlite3.Row, lines: int, now: float) -> int:
    """How many of its lines a file shows now."""
    fault = list_faults(state, batch["id"]).get("stale_content")
    is_stale = fault is not None and now < _find_end(batch, now) + fault["seconds"]
    return int(lines * fault["fraction"]) if fault and is_stale else lines


def distort(state: SimulatorState, batch: sqlite3.Row, document: dict[str, Any], now: float) -> dict[str, Any]:
    """The batch object as the faults show it."""
    for kind, fault in list_faults(state, batch["id"]).items():
        match kind:
            case "late_file_ids" if now < _find_end(batch, now) + fault["seconds"]:
                document |= {"output_file_id": None, "error_file_id": None}
            case "null_counts":
                document["request_counts"] = None
            case "lying_counts":
                counts = document["request_counts"]
                document["request_counts"] = {**counts, "completed": counts["total"], "failed": 0}
            case "upper_case_status":
                document["status"] = str(document["status"]).upper()
            case "clock_skew":
                document["created_at"] = int(document["created_at"] - fault["seconds"])
    return document


def _find_end(batch: sqlite3.Row, now: float) -> float:
    return next((batch[name] for name in _ENDS if batch[name]), now)
