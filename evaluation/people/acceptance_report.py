"""Values of the acceptance report: tallies, reviews and ratios. `people.acceptance` defines them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, NO_EFFORT, CostModel, Effort
from goldspan.evaluation.people.anchoring import Anchoring
from goldspan.evaluation.people.automation import NO_BIAS, AutomationBias
from goldspan.evaluation.people.savings import Savings, sum_savings
from goldspan.evaluation.scores.intervals import Interval, estimate_interval
from goldspan.evaluation.scores.spans import divide

MINIMUM_SECONDS = 2.0
"""Seconds; the shortest plausible review of any text."""

MAXIMUM_CHARACTERS_PER_SECOND = 50.0
"""Characters a second; about ten times the speed of reading."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of regions; `relaxed` includes the accepted ones."""

    predicted: int = 0
    annotated: int = 0
    accepted: int = 0
    relabelled: int = 0
    resized: int = 0
    rejected: int = 0
    added: int = 0
    relaxed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def edits(self) -> int:
        """Regions that were not left as they were."""
        return self.relabelled + self.resized + self.rejected + self.added

    @property
    def touch_rate(self) -> float | None:
        """Share of the predicted regions that were not left as they were; None when nothing was predicted."""
        accepted = divide(self.accepted, self.predicted)
        return None if accepted is None else 1 - accepted

    def to_json(self) -> dict[str, Any]:
        """Counts, then the ratios."""
        return {
            **{f.name: getattr(self, f.name) for f in fields(self)},
            "precision": divide(self.accepted, self.predicted),
            "recall": divide(self.accepted, self.annotated),
            "relaxed_precision": divide(self.relaxed, self.predicted),
            "relaxed_recall": divide(self.relaxed, self.annotated),
            "touch_rate": self.touch_rate,
        }


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """One person's review of one sample. `lead_time` is seconds, None when it was not recorded.

    `edits` are those of entities; `effort` counts mentions and relations too, `from_nothing` what the same review would
    have taken without a pre-annotation. `random`: the sample came from the queue's random reserve.
    """

    sample_id: str
    person: str
    model_version: str
    edits: int
    characters: int
    lead_time: float | None
    predicted: int = 0
    accepted: int = 0
    effort: Effort = NO_EFFORT
    from_nothing: Effort = NO_EFFORT
    random: bool = False

    @property
    def suspect(self) -> bool:
        """True if nothing was changed faster than anybody can read."""
        floor = max(MINIMUM_SECONDS, self.characters / MAXIMUM_CHARACTERS_PER_SECOND)
        return self.edits == 0 and self.lead_time is not None and self.lead_time < floor

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        efforts = {"effort": self.effort.to_json(), "from_nothing": self.from_nothing.to_json()}
        return {f.name: getattr(self, f.name) for f in fields(self)} | efforts


@dataclass(frozen=True, slots=True)
class AcceptanceReport:
    """Acceptance of a corpus.

    `relabelled` counts (predicted label, annotated label). `origins` counts how Label Studio says each annotated
    region came to be (`unknown`: written through the API), `contradictions` those whose origin disagrees with what
    the comparison saw. `costs` are the seconds that actions are estimated to take.
    """

    total: Tally
    by_label: Mapping[str, Tally]
    by_model: Mapping[str, Tally]
    by_person: Mapping[str, Tally]
    relabelled: Mapping[tuple[str, str], int]
    origins: Mapping[str, int]
    contradictions: int
    reviews: tuple[ReviewFacts, ...]
    unreviewed: int
    anchoring: Anchoring
    costs: CostModel = DEFAULT_COSTS
    automation: AutomationBias = NO_BIAS

    @property
    def savings(self) -> Savings:
        """Edits and seconds, beside those from nothing."""
        return sum_savings(self.reviews, self.costs)

    @property
    def first_pass_acceptance(self) -> float | None:
        """Share of the reviews that changed nothing."""
        return divide(sum(review.edits == 0 for review in self.reviews), len(self.reviews))

    @property
    def precision_interval(self) -> Interval | None:
        """95 % interval of the share of predicted regions that were accepted; a review is one document."""
        return estimate_interval([r.accepted for r in self.reviews], [r.predicted for r in self.reviews])

    @property
    def first_pass_interval(self) -> Interval | None:
        """95 % interval of the share of reviews that changed nothing."""
        return estimate_interval([float(r.edits == 0) for r in self.reviews], [1.0] * len(self.reviews))

    @property
    def edits_per_review(self) -> float | None:
        """Mean number of edits."""
        return divide(sum(review.edits for review in self.reviews), len(self.reviews))

    @property
    def suspects(self) -> tuple[ReviewFacts, ...]:
        """Reviews that look like rubber stamps."""
        return tuple(review for review in self.reviews if review.suspect)

    def to_json(self) -> dict[str, Any]:
        """The report for machines; it holds no text of the samples."""
        timed = sum(review.lead_time is not None for review in self.reviews)
        return {
            "total": self.total.to_json(),
            "by_label": {name: tally.to_json() for name, tally in self.by_label.items()},
            "by_model": {name: tally.to_json() for name, tally in self.by_model.items()},
            "by_person": {name: tally.to_json() for name, tally in self.by_person.items()},
            "relabelled": [{"from": a, "to": b, "count": count} for (a, b), count in self.relabelled.items()],
            "origins": dict(self.origins),
            "contradictions": self.contradictions,
            "reviews": len(self.reviews),
            "unreviewed": self.unreviewed,
            "first_pass_acceptance": self.first_pass_acceptance,
            "ci95": {"precision": self.precision_interval, "first_pass_acceptance": self.first_pass_interval},
            "edits_per_review": self.edits_per_review,
            "savings": self.savings.to_json(),
            "random_reserve": sum_savings([r for r in self.reviews if r.random], self.costs).to_json(),
            "costs": self.costs.to_json(),
            "rubber_stamps": {
                "share": divide(len(self.suspects), timed),
                "reviews_with_lead_time": timed,
                "suspects": [review.to_json() for review in self.suspects],
            },
            "anchoring": self.anchoring.to_json(),
            "automation_bias": self.automation.to_json(),
        }
