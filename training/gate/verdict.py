"""The gate's result: one criterion for each threshold, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Criterion:
    """One check of the gate. `value` is None where there is nothing to measure; that never passes.

    `n` is the number of samples behind a measured rate and `interval` its 95 % interval, whose worse end is judged.
    """

    name: str
    question: str
    value: float | None
    bound: float
    at_least: bool
    detail: str = ""
    fix: str = ""
    n: int | None = None
    interval: tuple[float, float] | None = None

    @property
    def passed(self) -> bool:
        """True if the value is within the bound."""
        if self.value is None:
            return False
        low, high = self.interval or (self.value, self.value)
        return low >= self.bound if self.at_least else high <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        interval = list(self.interval) if self.interval else None
        return asdict(self) | {"interval": interval, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """All criteria; the gate is open if something is reviewed and every criterion passed."""

    criteria: tuple[Criterion, ...]
    reviewed: int

    @property
    def open(self) -> bool:
        """True if something is reviewed and every criterion passed."""
        return self.reviewed > 0 and not self.closed

    @property
    def closed(self) -> tuple[Criterion, ...]:
        """The criteria that did not pass."""
        return tuple(criterion for criterion in self.criteria if not criterion.passed)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the criteria do not say: nothing is reviewed, no threshold is set, an interval is too wide."""
        notes = []
        if not self.reviewed:
            notes.append("Nothing is reviewed yet, so there is nothing to train on.")
        if not self.criteria:
            notes.append("gate.toml sets no threshold. Delete it to use the defaults, or add your own thresholds.")
        if any(replace(criterion, interval=None).passed for criterion in self.closed):
            notes.append(
                "A rate is judged by the worse end of its 95 % interval, in [brackets]; more reviews narrow it."
            )
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "open": self.open,
            "reviewed": self.reviewed,
            "notes": list(self.notes),
            "criteria": [criterion.to_dict() for criterion in self.criteria],
        }


def show_figure(value: float | None) -> str:
    """A value or a bound: whole numbers plainly, others with up to six digits; a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value == int(value) else f"{value:.6g}" if abs(value) < 1e5 else f"{value:.1f}"


_SHARES = ("coverage.", "acceptance.", "leakage.")
"""Criteria that are shown in percent."""


def show_found(criterion: Criterion) -> str:
    """What a criterion found: the value, with its interval and the number of samples where it is an estimate."""
    if criterion.value is None or criterion.interval is None:
        return show_value(criterion, criterion.value)
    share = criterion.name.startswith(_SHARES)
    low, high = (show_figure(round(100 * one, 1)) if share else f"{one:.3g}" for one in criterion.interval)
    value = show_value(criterion, criterion.value) if share else f"{criterion.value:.3g}"
    return f"{value} [{low}, {high}], n = {criterion.n}"


def show_value(criterion: Criterion, value: float | None) -> str:
    """A value or bound of a criterion; shares in percent."""
    if value is None or not criterion.name.startswith(_SHARES):
        return show_figure(value)
    return f"{show_figure(round(100 * value, 1))} %"


def show_bound(criterion: Criterion) -> str:
    """The bound of a criterion in words."""
    return f"{'at least' if criterion.at_least else 'at most'} {show_value(criterion, criterion.bound)}"
