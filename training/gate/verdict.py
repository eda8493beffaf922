"""What the gate answers: a criterion for each question, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of the gate. `value` is None where there is nothing to measure; that never passes."""

    name: str
    question: str
    value: float | None
    bound: float
    at_least: bool
    detail: str = ""
    mend: str = ""

    @property
    def passed(self) -> bool:
        """True if the value keeps the bound."""
        if self.value is None:
            return False
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self) | {"passed": self.passed}


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
        """What no criterion says: that nothing is reviewed, or that nothing is asked."""
        notes = []
        if not self.reviewed:
            notes.append("Nothing is reviewed yet, so there is nothing to hand over.")
        if not self.criteria:
            notes.append("The gate asks nothing. Delete gate.toml to have the usual questions asked, or add yours.")
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


def show_bound(criterion: Criterion) -> str:
    """What a criterion wants, in words."""
    return f"{'at least' if criterion.at_least else 'at most'} {show_figure(criterion.bound)}"
