"""Anchoring: do pre-annotations bias reviewers towards the model?

A share of the samples, the control share, is given to people without their pre-annotation. If people agree with the
model more where they see its opinion than where they do not, the difference is the anchoring effect:

    effect = F1(person, model | shown) - F1(person, model | hidden)        strict F1, regions added over samples

Without the hidden predictions, entity density (entities per 1,000 characters) and pace (seconds per 1,000
characters) of both shares still show whether people work differently.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from statistics import median
from typing import Any

from goldspan.annotation.types import Annotation, Sample
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_matches, divide


@dataclass(frozen=True, slots=True)
class Share:
    """One share of the reviews: how many, agreement with the model, density and median pace."""

    reviews: int
    f1: float | None
    entities_per_1000_characters: float | None
    seconds_per_1000_characters: float | None

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class Anchoring:
    """Both shares; `effect` is None unless agreement with the model is known for both."""

    guided: Share
    control: Share

    @property
    def effect(self) -> float | None:
        """How much more people agree with the model when they see its opinion, -1 to 1."""
        if self.guided.f1 is None or self.control.f1 is None:
            return None
        return self.guided.f1 - self.control.f1

    def to_json(self) -> dict[str, Any]:
        """Both shares and the effect."""
        return {"guided": self.guided.to_json(), "control": self.control.to_json(), "effect": self.effect}


class AnchoringCounter:
    """Collects reviews of both shares."""

    def __init__(self) -> None:
        self._guided, self._control = _ShareCounter(), _ShareCounter()

    def add_guided(self, sample: Sample, review: Annotation, shown: Annotation) -> None:
        """A review that started from `shown`."""
        self._guided.add(sample, review, shown)

    def add_control(self, sample: Sample, review: Annotation, hidden: Annotation | None) -> None:
        """A review that started from nothing; `hidden` is what the model would have said, if known."""
        self._control.add(sample, review, hidden)

    def finish(self) -> Anchoring:
        """The shares as they stand."""
        return Anchoring(self._guided.finish(), self._control.finish())


class _ShareCounter:
    def __init__(self) -> None:
        self._reviews = self._entities = self._characters = 0
        self._agreement = SpanCounts()
        self._compared = False
        self._paces: list[float] = []

    def add(self, sample: Sample, review: Annotation, prediction: Annotation | None) -> None:
        self._reviews += 1
        self._entities += len(review.entities)
        self._characters += len(sample.text)
        if review.lead_time is not None and sample.text:
            self._paces.append(1000 * review.lead_time / len(sample.text))
        if prediction is not None:
            self._compared = True
            self._agreement += count_matches(match_spans(review.entities, prediction.entities), Scheme.STRICT)

    def finish(self) -> Share:
        return Share(
            self._reviews,
            self._agreement.measure_f() if self._compared else None,
            divide(1000 * self._entities, self._characters),
            median(self._paces) if self._paces else None,
        )
