"""What pre-annotations saved: edits and estimated seconds of reviews, beside those of the same work from nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from goldspan.annotation.corpus.effort import CostModel, Effort
from goldspan.evaluation.scores.intervals import Interval, estimate_ratio_interval
from goldspan.evaluation.scores.spans import divide


class Reviewed(Protocol):
    """A review with its effort, and its effort from nothing."""

    @property
    def effort(self) -> Effort:
        """What was done."""

    @property
    def from_nothing(self) -> Effort:
        """What it would have taken without a pre-annotation."""

    @property
    def characters(self) -> int:
        """Length of the text in code points."""

    @property
    def lead_time(self) -> float | None:
        """Seconds, if they were recorded."""


@dataclass(frozen=True, slots=True)
class Savings:
    """Edits (of entities, mentions and relations) and estimated seconds over reviews. Intervals are of 95 %.

    `edits_saved` is 1 - edits / edits from nothing: negative where correcting took more than starting from nothing
    would have. A review is one document.
    """

    reviews: int
    effort: Effort
    from_nothing: Effort
    edits_saved: float | None
    edits_saved_interval: Interval | None
    edits_per_entity: float | None
    edits_per_1000_characters: float | None
    seconds: float
    seconds_from_nothing: float
    seconds_saved: float | None
    seconds_saved_interval: Interval | None
    timed: int
    lead_time: float

    def to_json(self) -> dict[str, Any]:
        """All figures by name."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return document | {"effort": self.effort.to_json(), "from_nothing": self.from_nothing.to_json()}


def sum_savings(reviews: Sequence[Reviewed], costs: CostModel) -> Savings:
    """Sum reviews up."""
    effort = sum((review.effort for review in reviews), Effort())
    nothing = sum((review.from_nothing for review in reviews), Effort())
    times = [review.lead_time for review in reviews if review.lead_time is not None]
    edits, edits_interval = _measure_saved(
        [review.effort.edits for review in reviews], [review.from_nothing.edits for review in reviews]
    )
    seconds, seconds_interval = _measure_saved(
        [costs.estimate(review.effort) for review in reviews],
        [costs.estimate(review.from_nothing) for review in reviews],
    )
    return Savings(
        reviews=len(reviews),
        effort=effort,
        from_nothing=nothing,
        edits_saved=edits,
        edits_saved_interval=edits_interval,
        edits_per_entity=divide(effort.edits, nothing.added),
        edits_per_1000_characters=divide(1000 * effort.edits, sum(review.characters for review in reviews)),
        seconds=costs.estimate(effort),
        seconds_from_nothing=costs.estimate(nothing),
        seconds_saved=seconds,
        seconds_saved_interval=seconds_interval,
        timed=len(times),
        lead_time=sum(times),
    )


def _measure_saved(parts: Sequence[float], wholes: Sequence[float]) -> tuple[float | None, Interval | None]:
    spent = divide(_sum(parts), _sum(wholes))
    interval = estimate_ratio_interval(parts, wholes)
    return None if spent is None else 1 - spent, interval and (1 - interval[1], min(1.0, 1 - interval[0]))


def _sum(values: Iterable[float]) -> float:
    return float(sum(values))
