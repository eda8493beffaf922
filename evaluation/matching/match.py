"""One-to-one matching of two annotations of one text: the comparison that every measure stands on.

The rule, in this order; within a step the first pair in the order given is fixed, and both spans are used up:

1. same boundaries and same label;
2. same boundaries, another label, in label order;
3. overlap with the same label, by intersection over union (IoU) descending, then by start;
4. overlap with another label, by IoU descending, then by start.

Ties are broken by the two spans themselves, seen without sides. So the outcome depends neither on the order of
the input nor on which annotation is called gold. Equal spans are a multiset: a span predicted twice is matched once,
and the second one is left over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, TypeVar


class LabelledSpan(Protocol):
    """A labelled half-open stretch `[start, end)`: Span, Entity or Mention."""

    @property
    def start(self) -> int:
        """First code point."""

    @property
    def end(self) -> int:
        """One past the last code point."""

    @property
    def label(self) -> str:
        """Label code."""


class PairKind(StrEnum):
    """What a pair says about the prediction."""

    CORRECT = "correct"
    TYPE = "type"
    BOUNDARY = "boundary"
    BOUNDARY_AND_TYPE = "boundary_and_type"
    MISSED = "missed"
    SPURIOUS = "spurious"


ERROR_KINDS = tuple(kind for kind in PairKind if kind is not PairKind.CORRECT)

T = TypeVar("T", bound=LabelledSpan)
Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """A pair of spans, or one span that has no partner: `gold` is None if spurious, `predicted` is None if missed."""

    gold: T | None
    predicted: T | None
    kind: PairKind

    @property
    def same_label(self) -> bool:
        """True if both sides exist and carry one label."""
        return self.kind in (PairKind.CORRECT, PairKind.BOUNDARY)

    @property
    def same_boundaries(self) -> bool:
        """True if both sides exist and cover the same characters."""
        return self.kind in (PairKind.CORRECT, PairKind.TYPE)


def match_spans(gold: Iterable[T], predicted: Iterable[T]) -> tuple[Match[T], ...]:
    """Pair the spans of two annotations of one text: every span of both exactly once, in text order."""
    golds, predictions = sorted(gold, key=_key), sorted(predicted, key=_key)
    matches: list[Match[T]] = []
    golds, predictions = _pair_equal(golds, predictions, matches)
    if golds and predictions:
        golds, predictions = _pair_boundaries(golds, predictions, matches)
        golds, predictions = _pair_overlaps(golds, predictions, matches)
    matches.extend(Match(span, None, PairKind.MISSED) for span in golds)
    matches.extend(Match(None, span, PairKind.SPURIOUS) for span in predictions)
    return tuple(sorted(matches, key=_place))


def measure_iou(one: LabelledSpan, other: LabelledSpan) -> float:
    """Shared characters over all characters of two spans, 0 to 1; 0 if both are empty."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    if shared <= 0:
        return 0.0
    return shared / (max(one.end, other.end) - min(one.start, other.start))


def _key(span: LabelledSpan) -> Key:
    return span.start, span.end, span.label


def _place(match: Match[T]) -> tuple[Key, Key]:
    keys = [_key(span) for span in (match.gold, match.predicted) if span is not None]
    return min(keys), max(keys)


def _pair_equal(golds: list[T], predictions: list[T], matches: list[Match[T]]) -> tuple[list[T], list[T]]:
    available: defaultdict[Key, list[T]] = defaultdict(list)
    for span in predictions:
        available[_key(span)].append(span)
    rest: list[T] = []
    used: Counter[Key] = Counter()
    for span in golds:
        key = _key(span)
        if used[key] < len(available.get(key, ())):
            matches.append(Match(span, available[key][used[key]], PairKind.CORRECT))
            used[key] += 1
        else:
            rest.append(span)
    return rest, [span for key, spans in available.items() for span in spans[used[key] :]]


def _pair_boundaries(golds: list[T], predictions: list[T], matches: list[Match[T]]) -> tuple[list[T], list[T]]:
    available: defaultdict[tuple[int, int], list[T]] = defaultdict(list)
    for span in predictions:
        available[span.start, span.end].append(span)
    rest: list[T] = []
    for span in golds:
        candidates = available.get((span.start, span.end))
        if candidates:
            matches.append(Match(span, candidates.pop(0), PairKind.TYPE))
        else:
            rest.append(span)
    return rest, [span for spans in available.values() for span in spans]


def _pair_overlaps(golds: list[T], predictions: list[T], matches: list[Match[T]]) -> tuple[list[T], list[T]]:
    """Both lists are in text order; a gold span is held only against the predictions that can reach it."""
    starts = [span.start for span in predictions]
    longest = max((span.end - span.start for span in predictions), default=0)
    candidates: list[tuple[bool, float, Key, Key, int, int]] = []
    for g, gold in enumerate(golds):
        for p in range(bisect_right(starts, gold.start - longest), bisect_left(starts, gold.end)):
            predicted = predictions[p]
            iou = measure_iou(gold, predicted)
            if iou > 0:
                low, high = sorted((_key(gold), _key(predicted)))
                candidates.append((gold.label != predicted.label, -iou, low, high, g, p))
    free_golds, free_predictions = set(range(len(golds))), set(range(len(predictions)))
    for other_label, _, _, _, g, p in sorted(candidates):
        if g in free_golds and p in free_predictions:
            free_golds.remove(g)
            free_predictions.remove(p)
            kind = PairKind.BOUNDARY_AND_TYPE if other_label else PairKind.BOUNDARY
            matches.append(Match(golds[g], predictions[p], kind))
    return [golds[g] for g in sorted(free_golds)], [predictions[p] for p in sorted(free_predictions)]
