"""What the journal holds: questions, samples in the making, sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

OPEN_STATES = ("pending", "submitted")
DECIDED_STATES = ("ok", "invalid", "truncated", "refused", "failed", "missing")


class RowKey(NamedTuple):
    """Which question: item, stage and attempt (counted from 1)."""

    item: int
    stage: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Row:
    """One question to a provider. `reason` says why a decided row is not ok; `result` is what an ok one gave."""

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

    @property
    def key(self) -> RowKey:
        """Item, stage and attempt."""
        return RowKey(self.item, self.stage, self.attempt)


@dataclass(frozen=True, slots=True)
class Item:
    """One sample in the making. `state` is open, done or dead; `first_attempt` is where the budget counts from."""

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
