"""Acceptance: what people did with pre-annotations.

A prediction P and the review A that started from it are compared region by region: by region id first, then by
geometry through the one matcher.

    accepted    same place, same label
    relabelled  same place, another label
    resized     overlapping place, same label
    rejected    in P, without a partner in A
    added       in A, without a partner in P

A region that changed both place and label counts as rejected and added, which is two edits.

    precision(L) = accepted(L) / predicted(L)        recall(L) = accepted(L) / annotated(L)
    relaxed: resized regions with an intersection over union of at least 0.5 count as accepted too
    touch rate = 1 - accepted / predicted            edits = relabelled + resized + rejected + added
    first-pass acceptance = reviews without edits / reviews
    rubber-stamp suspicion: no edits, and a lead time below max(2 s, characters / 50 per s)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from annotation.types import Annotation, Entity, Origin, Sample
from evaluation.anchoring import Anchoring, AnchoringCounter
from evaluation.matching import Kind, match_spans, measure_iou
from evaluation.readings import choose_shown, is_control, list_latest_reviews
from evaluation.scores import divide

RELAXED_IOU = 0.5
SHORTEST_READING = 2.0
"""Seconds; nobody reads and judges a text in less."""

FASTEST_READING = 50.0
"""Characters a second; about ten times the pace of reading."""


class Verdict(StrEnum):
    """What became of one region."""

    ACCEPTED = "accepted"
    RELABELLED = "relabelled"
    RESIZED = "resized"
    REJECTED = "rejected"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Decision:
    """One region of P, of A, or of both."""

    verdict: Verdict
    predicted: Entity | None
    annotated: Entity | None

    @property
    def relaxed(self) -> bool:
        """True if accepted, or resized but little."""
        if self.predicted is None or self.annotated is None or self.predicted.label != self.annotated.label:
            return False
        return measure_iou(self.predicted, self.annotated) >= RELAXED_IOU


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
    """One person's review of one sample. `lead_time` is seconds, None when it was not recorded."""

    sample_id: str
    person: str
    model_version: str
    edits: int
    characters: int
    lead_time: float | None

    @property
    def suspect(self) -> bool:
        """True if nothing was changed faster than anybody can read."""
        floor = max(SHORTEST_READING, self.characters / FASTEST_READING)
        return self.edits == 0 and self.lead_time is not None and self.lead_time < floor

    def to_json(self) -> dict[str, Any]:
        """All fields."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True, slots=True)
class AcceptanceReport:
    """Acceptance of a corpus.

    `relabelled` counts (predicted label, annotated label). `origins` counts how Label Studio says each annotated
    region came to be (`unknown`: written through the API), `contradictions` those whose origin disagrees with what
    the comparison saw.
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

    @property
    def first_pass_acceptance(self) -> float | None:
        """Share of the reviews that changed nothing."""
        return divide(sum(review.edits == 0 for review in self.reviews), len(self.reviews))

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
            "edits_per_review": self.edits_per_review,
            "rubber_stamps": {
                "share": divide(len(self.suspects), timed),
                "reviews_with_lead_time": timed,
                "suspects": [review.to_json() for review in self.suspects],
            },
            "anchoring": self.anchoring.to_json(),
        }


def compare_with_review(prediction: Annotation, review: Annotation) -> tuple[Decision, ...]:
    """What the review did with each region of the prediction, and what it added."""
    by_id = {entity.id: entity for entity in prediction.entities if entity.id}
    pairs = [
        (by_id.pop(entity.id), entity)
        for entity in review.entities
        if entity.id in by_id and measure_iou(by_id[entity.id], entity) > 0
    ]
    used = {id(entity) for pair in pairs for entity in pair}
    decisions = [decision for pair in pairs for decision in _judge(*pair)]
    rest = match_spans(
        [entity for entity in review.entities if id(entity) not in used],
        [entity for entity in prediction.entities if id(entity) not in used],
    )
    for match in rest:
        decisions += _judge(match.predicted, match.gold)
    return tuple(decisions)


def measure_acceptance(
    samples: Iterable[Sample], *, model_version: str = "", hidden: Mapping[str, Annotation] | None = None
) -> AcceptanceReport:
    """Acceptance over samples, one comparison for each person who reviewed a sample that had a prediction.

    Args:
        samples: reviewed samples with the predictions that people saw; each sample once.
        model_version: only pre-annotations of this model; empty for all.
        hidden: predictions, by sample id, that the people of the control samples did not see.

    """
    counter = _Counter()
    anchoring = AnchoringCounter()
    for sample in samples:
        reviews = list_latest_reviews(sample)
        if is_control(sample):
            unseen = (hidden or {}).get(sample.sample_id) or next(iter(sample.predictions), None)
            for review in reviews:
                anchoring.add_control(sample, review, unseen)
            continue
        counter.unreviewed += not reviews and bool(sample.predictions)
        for review in reviews:
            prediction = choose_shown(sample, review, model_version)
            if prediction is not None:
                counter.add(sample, prediction, review)
                anchoring.add_guided(sample, review, prediction)
    return counter.finish(anchoring.finish())


class _Counter:
    """Adds up decisions along every way of looking at them."""

    def __init__(self) -> None:
        self.unreviewed = 0
        self._by_label: dict[str, Tally] = {}
        self._by_model: dict[str, Tally] = {}
        self._by_person: dict[str, Tally] = {}
        self._relabelled: Counter[tuple[str, str]] = Counter()
        self._origins: Counter[str] = Counter()
        self._contradictions = 0
        self._reviews: list[ReviewFacts] = []

    def add(self, sample: Sample, prediction: Annotation, review: Annotation) -> None:
        decisions = compare_with_review(prediction, review)
        total = Tally()
        for decision in decisions:
            for label, tally in _split_by_label(decision):
                self._by_label[label] = self._by_label.get(label, Tally()) + tally
                total += tally
            self._note_origin(decision)
            if decision.verdict is Verdict.RELABELLED and decision.predicted and decision.annotated:
                self._relabelled[decision.predicted.label, decision.annotated.label] += 1
        for table, name in ((self._by_model, prediction.author.name), (self._by_person, review.author.name)):
            table[name] = table.get(name, Tally()) + total
        self._reviews.append(
            ReviewFacts(
                sample.sample_id,
                review.author.name,
                prediction.author.name,
                total.edits,
                len(sample.text),
                review.lead_time,
            )
        )

    def finish(self, anchoring: Anchoring) -> AcceptanceReport:
        return AcceptanceReport(
            total=sum(self._by_label.values(), Tally()),
            by_label=dict(sorted(self._by_label.items())),
            by_model=dict(sorted(self._by_model.items())),
            by_person=dict(sorted(self._by_person.items())),
            relabelled=dict(self._relabelled.most_common()),
            origins=dict(sorted(self._origins.items())),
            contradictions=self._contradictions,
            reviews=tuple(self._reviews),
            unreviewed=self.unreviewed,
            anchoring=anchoring,
        )

    def _note_origin(self, decision: Decision) -> None:
        if decision.annotated is None:
            return
        origin = decision.annotated.origin
        self._origins[origin.value if origin else "unknown"] += 1
        untouched = decision.verdict is Verdict.ACCEPTED
        if (origin is Origin.PREDICTION and not untouched) or (origin is Origin.PREDICTION_CHANGED and untouched):
            self._contradictions += 1


def _judge(predicted: Entity | None, annotated: Entity | None) -> Iterator[Decision]:
    kind = _name_pair(predicted, annotated)
    if kind in _VERDICTS:
        yield Decision(_VERDICTS[kind], predicted, annotated)
        return
    if predicted is not None:
        yield Decision(Verdict.REJECTED, predicted, None)
    if annotated is not None:
        yield Decision(Verdict.ADDED, None, annotated)


_VERDICTS = {Kind.CORRECT: Verdict.ACCEPTED, Kind.TYPE: Verdict.RELABELLED, Kind.BOUNDARY: Verdict.RESIZED}


def _name_pair(predicted: Entity | None, annotated: Entity | None) -> Kind:
    if predicted is None or annotated is None:
        return Kind.MISSED if predicted is None else Kind.SPURIOUS
    same_place = (predicted.start, predicted.end) == (annotated.start, annotated.end)
    if predicted.label == annotated.label:
        return Kind.CORRECT if same_place else Kind.BOUNDARY
    return Kind.TYPE if same_place else Kind.BOUNDARY_AND_TYPE


def _split_by_label(decision: Decision) -> Iterator[tuple[str, Tally]]:
    """A verdict counts for the predicted label, an added region for the label that it was given."""
    counted = Tally(relaxed=int(decision.relaxed))
    counted = replace(counted, **{decision.verdict.value: 1})
    if decision.predicted is None:
        if decision.annotated is not None:
            yield decision.annotated.label, replace(counted, annotated=1)
        return
    yield decision.predicted.label, replace(counted, predicted=1)
    if decision.annotated is not None:
        yield decision.annotated.label, Tally(annotated=1)
