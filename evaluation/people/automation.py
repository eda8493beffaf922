"""Automation bias: how many of the wrong suggestions that were put in on purpose people left standing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.corpus.seeding import read_seeded
from goldspan.annotation.types import Sample
from goldspan.evaluation.matching.annotations import list_latest_reviews
from goldspan.evaluation.scores.wilson import measure_wilson


@dataclass(frozen=True, slots=True)
class AutomationBias:
    """Wrong suggestions that reviewers saw, and those they left; the 95 % interval of the share is Wilson's."""

    seen: int
    left: int

    @property
    def rate(self) -> float | None:
        """Share left standing; None if none was seen."""
        return self.left / self.seen if self.seen else None

    def to_json(self) -> dict[str, Any]:
        """Counts, rate and interval."""
        interval = measure_wilson(self.left, self.seen)
        return {"seen": self.seen, "left": self.left, "rate": self.rate, "ci95": interval}


NO_BIAS = AutomationBias(0, 0)


def measure_automation_bias(samples: Iterable[Sample]) -> AutomationBias:
    """Count the seeded suggestions in the newest review of each person."""
    seen = left = 0
    for sample in samples:
        wrong = read_seeded(sample)
        for review in list_latest_reviews(sample) if wrong else ():
            kept = {entity.span for entity in review.entities}
            seen += len(wrong)
            left += sum(entity.span in kept for entity in wrong)
    return AutomationBias(seen, left)
