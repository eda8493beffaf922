"""One-to-one matching of two annotations of one text: the comparison that every measure stands on.

The rule, in this order; a span is used at most once:

1. same boundaries and same label;
2. same boundaries, another label, in label order;
3. overlaps, assigned optimally within each set of spans that overlap each other: as many pairs as possible, so that
   partial credit is maximal; then as many pairs with the same label as possible; then the largest sum of
   intersections over union (IoU).

Ties are broken by the spans themselves, seen without sides. So the outcome depends neither on the order of
the input nor on which annotation is called gold. Equal spans are a multiset: a span predicted twice is matched once,
and the second one is left over.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
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
Edge = tuple[int, int]


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
    """Both lists are in text order; a gold span is compared only with the predictions that can reach it."""
    starts = [span.start for span in predictions]
    longest = max((span.end - span.start for span in predictions), default=0)
    overlaps: list[Edge] = []
    for g, gold in enumerate(golds):
        for p in range(bisect_right(starts, gold.start - longest), bisect_left(starts, gold.end)):
            if measure_iou(gold, predictions[p]) > 0:
                overlaps.append((g, p))
    free_golds, free_predictions = set(range(len(golds))), set(range(len(predictions)))
    for g, p in choose_overlaps(golds, predictions, overlaps):
        free_golds.remove(g)
        free_predictions.remove(p)
        kind = PairKind.BOUNDARY if golds[g].label == predictions[p].label else PairKind.BOUNDARY_AND_TYPE
        matches.append(Match(golds[g], predictions[p], kind))
    return [golds[g] for g in sorted(free_golds)], [predictions[p] for p in sorted(free_predictions)]


def choose_overlaps(
    golds: Sequence[LabelledSpan], predictions: Sequence[LabelledSpan], overlaps: Sequence[Edge]
) -> Iterator[Edge]:
    """The best pairs among overlapping ones, each given as (place in `golds`, place in `predictions`)."""
    for component in _split_components(overlaps):
        rows, columns = ({edge[side] for edge in component} for side in (0, 1))
        if min(len(rows), len(columns)) == 1:
            yield min(component, key=lambda edge: _rank(golds[edge[0]], predictions[edge[1]]))
        else:
            yield from _assign_optimally(golds, predictions, component)


def _rank(one: LabelledSpan, other: LabelledSpan) -> tuple[bool, float, Key, Key]:
    low, high = sorted((_key(one), _key(other)))
    return one.label != other.label, -measure_iou(one, other), low, high


def _split_components(overlaps: Sequence[Edge]) -> Iterator[list[Edge]]:
    """Pairs that share a span, directly or through others, in the order of their first pair."""
    parents: dict[tuple[int, int], tuple[int, int]] = {}

    def find(node: tuple[int, int]) -> tuple[int, int]:
        while (parent := parents.setdefault(node, node)) != node:
            parents[node] = node = parents.setdefault(parent, parent)
        return node

    for g, p in overlaps:
        parents[find((1, p))] = find((0, g))
    components: defaultdict[tuple[int, int], list[Edge]] = defaultdict(list)
    for g, p in overlaps:
        components[find((0, g))].append((g, p))
    yield from components.values()


def _assign_optimally(
    golds: Sequence[LabelledSpan], predictions: Sequence[LabelledSpan], component: Sequence[Edge]
) -> Iterator[Edge]:
    """Maximum-weight assignment; the sides are put in an order of their own, so that swapping them changes nothing."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    sides = [sorted({edge[side] for edge in component}) for side in (0, 1)]
    keys = [[_key(spans[place]) for place in places] for spans, places in zip((golds, predictions), sides, strict=True)]
    swapped = keys[1] < keys[0]
    places = [{place: number for number, place in enumerate(side)} for side in sides]
    size = min(map(len, sides))
    same_label = size + 1.0
    pair = (size + 1.0) * (same_label + 1.0)
    weights = np.zeros((len(sides[0]), len(sides[1])))
    for g, p in component:
        gold, predicted = golds[g], predictions[p]
        weights[places[0][g], places[1][p]] = (
            pair + same_label * (gold.label == predicted.label) + measure_iou(gold, predicted)
        )
    first, second = linear_sum_assignment(weights.T if swapped else weights, maximize=True)
    rows, columns = (second, first) if swapped else (first, second)
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        if weights[row, column]:
            yield sides[0][row], sides[1][column]
