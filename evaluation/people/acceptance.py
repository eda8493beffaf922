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
    edits saved = 1 - edits / edits from nothing, mentions and relations included (`people.effort`)
    rubber-stamp suspicion: no edits, and a lead time below max(2 s, characters / 50 per s)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from goldspan.annotation.corpus.effort import Effort
from goldspan.annotation.corpus.seeding import read_seeded
from goldspan.annotation.types import Annotation, Entity, Origin, Sample
from goldspan.evaluation.matching.annotations import find_shown_prediction, is_control, is_random, list_raters
from goldspan.evaluation.matching.match import PairKind, match_spans, measure_iou
from goldspan.evaluation.people.acceptance_report import AcceptanceReport, ReviewFacts, Tally
from goldspan.evaluation.people.anchoring import Anchoring, AnchoringCounter
from goldspan.evaluation.people.automation import measure_automation_bias
from goldspan.evaluation.people.cost_fit import TimedReview, fit_costs
from goldspan.evaluation.people.effort import measure_effort

RELAXED_IOU = 0.5


class RegionOutcome(StrEnum):
    """What became of one region."""

    ACCEPTED = "accepted"
    RELABELLED = "relabelled"
    RESIZED = "resized"
    REJECTED = "rejected"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class RegionDecision:
    """One region of P, of A, or of both."""

    outcome: RegionOutcome
    predicted: Entity | None
    annotated: Entity | None

    @property
    def relaxed(self) -> bool:
        """True if accepted, or resized but little."""
        if self.outcome is RegionOutcome.ACCEPTED:
            return True
        if self.predicted is None or self.annotated is None or self.predicted.label != self.annotated.label:
            return False
        return measure_iou(self.predicted, self.annotated) >= RELAXED_IOU


def compare_with_review(prediction: Annotation, review: Annotation) -> tuple[RegionDecision, ...]:
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

    A decision between two reviews, marked as ground truth, started from those and not from the prediction: it is none.
    Samples with suggestions that were made wrong on purpose count for automation bias only.

    Args:
        samples: reviewed samples with the predictions that people saw; each sample once.
        model_version: only pre-annotations of this model; empty for all.
        hidden: predictions, by sample id, that the people of the control samples did not see.
    """
    counter = _Counter()
    anchoring = AnchoringCounter()
    for sample in samples:
        reviews = list_raters(sample)
        if read_seeded(sample):
            counter.seeded.append(sample)
            continue
        if is_control(sample):
            unseen = (hidden or {}).get(sample.sample_id) or next(iter(sample.predictions), None)
            for review in reviews:
                anchoring.add_control(sample, review, unseen)
                counter.add_time(review, measure_effort(sample.text, None, review))
            continue
        counter.unreviewed += not reviews and bool(sample.predictions)
        for review in reviews:
            prediction = find_shown_prediction(sample, review, model_version)
            if prediction is not None:
                counter.add(sample, prediction, review)
                anchoring.add_guided(sample, review, prediction)
            elif not sample.predictions:
                counter.add_time(review, measure_effort(sample.text, None, review))
    return counter.finish(anchoring.finish())


class _Counter:
    """Sums decisions by label, by model version and by person."""

    def __init__(self) -> None:
        self.unreviewed = 0
        self.seeded: list[Sample] = []
        self._by_label: dict[str, Tally] = {}
        self._by_model: dict[str, Tally] = {}
        self._by_person: dict[str, Tally] = {}
        self._relabelled: Counter[tuple[str, str]] = Counter()
        self._origins: Counter[str] = Counter()
        self._contradictions = 0
        self._reviews: list[ReviewFacts] = []
        self._timed: list[TimedReview] = []

    def add(self, sample: Sample, prediction: Annotation, review: Annotation) -> None:
        decisions = compare_with_review(prediction, review)
        total = Tally()
        for decision in decisions:
            for label, tally in _split_by_label(decision):
                self._by_label[label] = self._by_label.get(label, Tally()) + tally
                total += tally
            self._note_origin(decision)
            if decision.outcome is RegionOutcome.RELABELLED and decision.predicted and decision.annotated:
                self._relabelled[decision.predicted.label, decision.annotated.label] += 1
        effort = measure_effort(sample.text, prediction, review, decisions)
        self.add_time(review, effort)
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
                total.predicted,
                total.accepted,
                effort,
                measure_effort(sample.text, None, review),
                is_random(sample),
            )
        )

    def add_time(self, review: Annotation, effort: Effort) -> None:
        """Note how long a person took."""
        if review.lead_time is not None:
            self._timed.append(TimedReview(review.author.name, review.lead_time, effort))

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
            costs=fit_costs(self._timed).costs,
            automation=measure_automation_bias(self.seeded),
        )

    def _note_origin(self, decision: RegionDecision) -> None:
        if decision.annotated is None:
            return
        origin = decision.annotated.origin
        self._origins[origin.value if origin else "unknown"] += 1
        untouched = decision.outcome is RegionOutcome.ACCEPTED
        if (origin is Origin.PREDICTION and not untouched) or (origin is Origin.PREDICTION_CHANGED and untouched):
            self._contradictions += 1


def _judge(predicted: Entity | None, annotated: Entity | None) -> Iterator[RegionDecision]:
    kind = _name_pair(predicted, annotated)
    if kind in _OUTCOMES:
        yield RegionDecision(_OUTCOMES[kind], predicted, annotated)
        return
    if predicted is not None:
        yield RegionDecision(RegionOutcome.REJECTED, predicted, None)
    if annotated is not None:
        yield RegionDecision(RegionOutcome.ADDED, None, annotated)


_OUTCOMES = {
    PairKind.CORRECT: RegionOutcome.ACCEPTED,
    PairKind.TYPE: RegionOutcome.RELABELLED,
    PairKind.BOUNDARY: RegionOutcome.RESIZED,
}


def _name_pair(predicted: Entity | None, annotated: Entity | None) -> PairKind:
    if predicted is None or annotated is None:
        return PairKind.MISSED if predicted is None else PairKind.SPURIOUS
    same_place = (predicted.start, predicted.end) == (annotated.start, annotated.end)
    if predicted.label == annotated.label:
        return PairKind.CORRECT if same_place else PairKind.BOUNDARY
    return PairKind.TYPE if same_place else PairKind.BOUNDARY_AND_TYPE


def _split_by_label(decision: RegionDecision) -> Iterator[tuple[str, Tally]]:
    """An outcome counts for the predicted label, an added region for the label that it was given."""
    counted = Tally(relaxed=int(decision.relaxed))
    counted = replace(counted, **{decision.outcome.value: 1})
    if decision.predicted is None:
        if decision.annotated is not None:
            yield decision.annotated.label, replace(counted, annotated=1)
        return
    yield decision.predicted.label, replace(counted, predicted=1)
    if decision.annotated is not None:
        yield decision.annotated.label, Tally(annotated=1)
