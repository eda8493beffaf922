"""Counts of a whole corpus under all four schemes, on columns of numbers instead of objects.

The counts are those of `match_spans` and `count_by_label`. Equal spans and equal boundaries are intersected as
multisets, overlaps that touch no other are paired directly; only the rest is assigned span by span.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.match import LabelledSpan, PairKind, choose_overlaps, match_spans
from goldspan.evaluation.scores.spans import CREDIT, Scheme, SpanCounts
from goldspan.evaluation.scores.strict import SpanColumns, collect_columns, iter_chunks, number_labels

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Side:
    """The spans of one side that are not paired yet, sorted by start on one line that all documents share."""

    start: Numbers
    end: Numbers
    label: Numbers

    def keep(self, mask: NDArray[np.bool_]) -> _Side:
        return _Side(self.start[mask], self.end[mask], self.label[mask])


def score_schemes(
    gold: Sequence[Sequence[LabelledSpan]], predicted: Sequence[Sequence[LabelledSpan]]
) -> dict[Scheme, dict[str, SpanCounts]]:
    """Counts of each label under each scheme for two corpora, given as one sequence of spans a document."""
    numbers = number_labels(gold, predicted)
    size = len(numbers)
    totals = np.zeros((2, size))
    pairs = {kind: np.zeros((2, size)) for kind in (PairKind.CORRECT, *_PARTIAL)}
    for golds, predictions in iter_chunks(gold, predicted):
        one, other = collect_columns(golds, numbers), collect_columns(predictions, numbers)
        totals += [np.bincount(side.label, minlength=size) for side in (one, other)]
        fits = _fits(one, other, size)
        for kind, labels in _pair(one, other, size) if fits else _pair_singly(golds, predictions, numbers):
            pairs[kind] += [np.bincount(side, minlength=size) for side in labels]
    return {
        scheme: {
            code: SpanCounts(
                int(totals[0, number]),
                int(totals[1, number]),
                float(sum(credit * pairs[kind][0, number] for kind, credit in CREDIT[scheme].items())),
                float(sum(credit * pairs[kind][1, number] for kind, credit in CREDIT[scheme].items())),
            )
            for code, number in numbers.items()
        }
        for scheme in Scheme
    }


_PARTIAL = (PairKind.TYPE, PairKind.BOUNDARY, PairKind.BOUNDARY_AND_TYPE)


def _pair(gold: SpanColumns, predicted: SpanColumns, size: int) -> Iterator[tuple[PairKind, tuple[Numbers, Numbers]]]:
    """Kinds of pairs, each with the gold and the predicted labels of its pairs; `size` is the number of labels."""
    width = 1 + _find_largest(gold.end, predicted.end)
    one, other = _lay_out(gold, width), _lay_out(predicted, width)
    lengths = 1 + _find_largest(one.end - one.start, other.end - other.start)
    spans = [side.start * lengths + (side.end - side.start) for side in (one, other)]
    equal = _intersect(*(key * size + side.label for key, side in zip(spans, (one, other), strict=True)))
    yield PairKind.CORRECT, (one.label[equal[0]], other.label[equal[1]])
    one, other = one.keep(~equal[0]), other.keep(~equal[1])
    same = _intersect(*(key[~mask] for key, mask in zip(spans, equal, strict=True)))
    yield PairKind.TYPE, (one.label[same[0]], other.label[same[1]])
    yield from _pair_overlaps(one.keep(~same[0]), other.keep(~same[1]))


def _pair_singly(
    gold: Sequence[Sequence[LabelledSpan]], predicted: Sequence[Sequence[LabelledSpan]], numbers: Mapping[str, int]
) -> Iterator[tuple[PairKind, tuple[Numbers, Numbers]]]:
    """As `_pair`, one pair at a time."""
    for golds, predictions in zip(gold, predicted, strict=True):
        for match in match_spans(golds, predictions):
            if match.gold and match.predicted:
                yield match.kind, (np.array([numbers[match.gold.label]]), np.array([numbers[match.predicted.label]]))


def _fits(gold: SpanColumns, predicted: SpanColumns, size: int) -> bool:
    """True if document, start, length and label of every span fit into one int64."""
    largest = [
        1 + _find_largest(gold.document, predicted.document),
        1 + _find_largest(gold.end, predicted.end),
        1 + _find_largest(gold.end - gold.start, predicted.end - predicted.start),
        size,
    ]
    return math.prod(largest) < np.iinfo(np.int64).max


def _find_largest(*columns: NDArray[np.integer]) -> int:
    return max((int(column.max()) for column in columns if column.size), default=0)


def _lay_out(columns: SpanColumns, width: int) -> _Side:
    """All spans on one line, document after document, in the order of `match_spans`."""
    base = columns.document.astype(np.int64) * width
    start, end = base + columns.start, base + columns.end
    order = np.lexsort((columns.label, end, start))
    return _Side(start[order], end[order], columns.label[order].astype(np.int64))


def _intersect(one: Numbers, other: Numbers) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which places of two sorted arrays are in their multiset intersection; of equal values the first ones."""
    return _find_partners(one, other), _find_partners(other, one)


def _find_partners(one: Numbers, other: Numbers) -> NDArray[np.bool_]:
    rank = np.arange(one.size) - np.searchsorted(one, one, side="left")
    first = np.searchsorted(other, one, side="left")
    return np.asarray(rank < np.searchsorted(other, one, side="right") - first)


def _pair_overlaps(one: _Side, other: _Side) -> Iterator[tuple[PairKind, tuple[Numbers, Numbers]]]:
    golds, predictions = _find_overlaps(one, other)
    degrees = [np.bincount(side, minlength=1)[side] for side in (golds, predictions)]
    alone = (degrees[0] == 1) & (degrees[1] == 1)
    chosen = [(golds[alone], predictions[alone])]
    if not alone.all():
        chosen.append(_assign(one, other, golds[~alone], predictions[~alone]))
    g, p = (np.concatenate(side) for side in zip(*chosen, strict=True))
    same = one.label[g] == other.label[p]
    yield PairKind.BOUNDARY, (one.label[g[same]], other.label[p[same]])
    yield PairKind.BOUNDARY_AND_TYPE, (one.label[g[~same]], other.label[p[~same]])


def _find_overlaps(one: _Side, other: _Side) -> tuple[Numbers, Numbers]:
    """Places of all pairs that share a character."""
    longest = int((other.end - other.start).max(initial=0))
    low = np.searchsorted(other.start, one.start - longest, side="right")
    counts = np.maximum(np.searchsorted(other.start, one.end, side="left") - low, 0)
    golds = np.repeat(np.arange(one.start.size), counts)
    offsets = np.arange(golds.size) - np.repeat(np.cumsum(counts) - counts, counts)
    predictions = np.repeat(low, counts) + offsets
    shared = np.minimum(one.end[golds], other.end[predictions]) > np.maximum(one.start[golds], other.start[predictions])
    return golds[shared], predictions[shared]


def _assign(one: _Side, other: _Side, golds: Numbers, predictions: Numbers) -> tuple[Numbers, Numbers]:
    """The pairs that `match_spans` chooses among overlaps that share spans."""
    used_golds, first = np.unique(golds, return_inverse=True)
    used_predictions, second = np.unique(predictions, return_inverse=True)
    edges = list(zip(first.tolist(), second.tolist(), strict=True))
    chosen = choose_overlaps(_make_spans(one, used_golds), _make_spans(other, used_predictions), edges)
    rows, columns = zip(*chosen, strict=True)
    return used_golds[list(rows)], used_predictions[list(columns)]


def _make_spans(side: _Side, places: Numbers) -> list[Span]:
    """Spans whose label texts sort as the numbers do."""
    rows = zip(side.start[places].tolist(), side.end[places].tolist(), side.label[places].tolist(), strict=True)
    return [Span(start, end, f"{label:09}") for start, end, label in rows]
