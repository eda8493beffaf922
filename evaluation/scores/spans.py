"""Precision, recall and F over matched spans, under the four schemes of SemEval-2013 task 9.

Formulas, with `gold` and `predicted` the number of spans on each side and credit the sum over pairs:
precision = credit / predicted, recall = credit / gold, F_beta = (1 + b²)·P·R / (b²·P + R).

Empty denominators, here and for masking and coreference alike: precision is None if nothing was predicted, recall is
None if there is no gold, F is None if neither side has anything and 0 if only one side has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from goldspan.evaluation.matching.match import Match, PairKind


class Scheme(StrEnum):
    """What makes a prediction right."""

    STRICT = "strict"
    EXACT = "exact"
    PARTIAL = "partial"
    TYPE = "type"


CREDIT: Mapping[Scheme, Mapping[PairKind, float]] = {
    Scheme.STRICT: {PairKind.CORRECT: 1.0},
    Scheme.EXACT: {PairKind.CORRECT: 1.0, PairKind.TYPE: 1.0},
    Scheme.PARTIAL: {
        PairKind.CORRECT: 1.0,
        PairKind.TYPE: 1.0,
        PairKind.BOUNDARY: 0.5,
        PairKind.BOUNDARY_AND_TYPE: 0.5,
    },
    Scheme.TYPE: {PairKind.CORRECT: 1.0, PairKind.BOUNDARY: 1.0},
}
"""Credit of a pair by scheme; what is not named earns nothing. Spans predicted twice earn it once."""


@dataclass(frozen=True, slots=True)
class SpanCounts:
    """How many spans there are and how many earned credit.

    `found` is credit seen from gold, `right` the same credit seen from the predictions. Over all labels they are
    equal; for one label they differ where a scheme forgives a wrong label.
    """

    gold: int = 0
    predicted: int = 0
    found: float = 0.0
    right: float = 0.0

    def __add__(self, other: SpanCounts) -> SpanCounts:
        return SpanCounts(
            self.gold + other.gold,
            self.predicted + other.predicted,
            self.found + other.found,
            self.right + other.right,
        )

    @property
    def precision(self) -> float | None:
        """Share of the predictions that is right; None if nothing was predicted."""
        return divide(self.right, self.predicted)

    @property
    def recall(self) -> float | None:
        """Share of gold that was found; None if there is no gold."""
        return divide(self.found, self.gold)

    def measure_f(self, beta: float = 1.0) -> float | None:
        """F_beta; 0 if only one side has spans, None if neither has."""
        if not self.gold and not self.predicted:
            return None
        return combine_f(self.precision or 0.0, self.recall or 0.0, beta)


@dataclass(frozen=True, slots=True)
class Macro:
    """Unweighted means over labels; a label enters a mean only where its own value is not None.

    `classes` is the number of labels behind `f1`.
    """

    precision: float | None
    recall: float | None
    f1: float | None
    classes: int


def divide(part: float, whole: float) -> float | None:
    """The quotient, or None where there is nothing to divide by."""
    return part / whole if whole else None


def combine_f(precision: float, recall: float, beta: float = 1.0) -> float:
    """F_beta of a precision and a recall; 0 if both are 0."""
    weighted = beta * beta * precision + recall
    return (1 + beta * beta) * precision * recall / weighted if weighted else 0.0


def count_matches(matches: Iterable[Match[Any]], scheme: Scheme) -> SpanCounts:
    """Counts over all labels."""
    gold = predicted = 0
    credit = 0.0
    earned = CREDIT[scheme]
    for match in matches:
        gold += match.gold is not None
        predicted += match.predicted is not None
        credit += earned.get(match.kind, 0.0)
    return SpanCounts(gold, predicted, credit, credit)


def count_by_label(matches: Iterable[Match[Any]], scheme: Scheme) -> dict[str, SpanCounts]:
    """Counts of each label that occurs on either side, in alphabetical order."""
    tallies = Counter(
        (match.gold and match.gold.label, match.predicted and match.predicted.label, match.kind) for match in matches
    )
    earned = CREDIT[scheme]
    counts: dict[str, SpanCounts] = {}
    for (gold, predicted, kind), number in tallies.items():
        credit = number * earned.get(kind, 0.0)
        if gold is not None:
            counts[gold] = counts.get(gold, SpanCounts()) + SpanCounts(gold=number, found=credit)
        if predicted is not None:
            counts[predicted] = counts.get(predicted, SpanCounts()) + SpanCounts(predicted=number, right=credit)
    return dict(sorted(counts.items()))


def average_macro(by_label: Mapping[str, SpanCounts]) -> Macro:
    """Unweighted means over the labels."""
    f1 = [value for counts in by_label.values() if (value := counts.measure_f()) is not None]
    return Macro(
        precision=_mean(counts.precision for counts in by_label.values()),
        recall=_mean(counts.recall for counts in by_label.values()),
        f1=_mean(f1),
        classes=len(f1),
    )


def is_exact(matches: Iterable[Match[Any]]) -> bool:
    """True if the prediction equals gold in every span; also if both are empty."""
    return all(match.kind is PairKind.CORRECT for match in matches)


def measure_exact_accuracy(documents: Iterable[Iterable[Match[Any]]]) -> float | None:
    """Share of documents whose prediction equals gold."""
    return _mean(float(is_exact(matches)) for matches in documents)


def measure_empty_false_positives(documents: Iterable[Iterable[Match[Any]]]) -> float | None:
    """Share of the documents without gold spans in which something was predicted; None if there are none."""
    rates = []
    for matches in documents:
        counts = count_matches(matches, Scheme.STRICT)
        if not counts.gold:
            rates.append(float(counts.predicted > 0))
    return _mean(rates)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
