"""Values of the journal: rows (requests), items (samples in progress), totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

OPEN_STATES = ("pending", "submitted")
ERASED = "erased"
"""State of an item that was erased; it is neither written nor asked again, and its cost stays."""

DECIDED_STATES = ("ok", "invalid", "repeated", "truncated", "refused", "failed", "missing")


class RowKey(NamedTuple):
    """Identifies a request: item, stage and attempt (counted from 1)."""

    item: int
    stage: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Row:
    """One request to a provider. `reason` is why a row was not accepted, `result` what was accepted."""

    custom_id: str
    item: int
    stage: str
    attempt: int
    state: str
    submission: str | None = None
    reason: str = ""
    finish_reason: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0
    result: Any = None


@dataclass(frozen=True, slots=True)
class Item:
    """One sample in progress. `state` is open, done, dead or erased; the budget counts from `first_attempt`."""

    item: int
    spec: Any
    state: str
    stage: str
    first_attempt: int = 1
    reason: str = ""


class Totals(NamedTuple):
    """Tokens and cost of all decided rows."""

    tokens_in: int
    tokens_out: int
    cost: float


def fold_custom_id(custom_id: str) -> str:
    """A custom_id without what some servers change of it: its case, and blanks around it."""
    return custom_id.strip().casefold()
