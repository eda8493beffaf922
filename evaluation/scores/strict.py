"""Strict counts of a whole corpus at once, on columns of numbers instead of objects.

The count is that of `match_spans` under the strict scheme (a multiset intersection of document, start,
end and label), for corpora where a loop over objects is too slow: training loops, threshold sweeps, benchmarks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldspan.evaluation.matching.match import LabelledSpan
from goldspan.evaluation.scores.spans import SpanCounts

Integers = NDArray[np.integer]
_CHUNK = 8192


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """Spans as four arrays of equal length, in any order: document number, start, end, label number."""

    document: Integers
    start: Integers
    end: Integers
    label: Integers


@dataclass(frozen=True, slots=True)
class StrictCounts:
    """Strict counts; row i of each array belongs to label or document number i. Columns: gold, predicted, correct."""

    by_label: NDArray[np.int64]
    by_document: NDArray[np.int64]

    @property
    def micro(self) -> SpanCounts:
        """Counts over everything."""
        gold, predicted, correct = (int(total) for total in self.by_document.sum(axis=0))
        return SpanCounts(gold, predicted, correct, correct)

    @property
    def exact(self) -> NDArray[np.bool_]:
        """For each document: does the prediction equal gold?"""
        return np.asarray(np.ptp(self.by_document, axis=1) == 0)


def number_labels(*corpora: Sequence[Iterable[LabelledSpan]]) -> dict[str, int]:
    """A number for every label that occurs, in alphabetical order."""
    codes = {span.label for corpus in corpora for spans in corpus for span in spans}
    return {code: number for number, code in enumerate(sorted(codes))}


def collect_columns(corpus: Sequence[Sequence[LabelledSpan]], numbers: Mapping[str, int]) -> SpanColumns:
    """Columns of a corpus given as one sequence of spans a document."""
    lengths = np.fromiter((len(spans) for spans in corpus), np.int32, len(corpus))
    total = int(lengths.sum())
    return SpanColumns(
        document=np.repeat(np.arange(len(corpus), dtype=np.int32), lengths),
        start=np.fromiter((span.start for spans in corpus for span in spans), np.int32, total),
        end=np.fromiter((span.end for spans in corpus for span in spans), np.int32, total),
        label=np.fromiter((numbers[span.label] for spans in corpus for span in spans), np.int32, total),
    )


def count_strict(gold: SpanColumns, predicted: SpanColumns, *, documents: int, labels: int) -> StrictCounts:
    """Strict counts by label and by document.

    Args:
        gold: spans of the gold annotation.
        predicted: spans of the prediction.
        documents: number of documents; document numbers are 0 to documents - 1.
        labels: number of labels; label numbers are 0 to labels - 1.
    """
    correct = _find_correct(*_pack_keys(gold, predicted))
    return StrictCounts(
        by_label=_tally(labels, gold.label, predicted.label, gold.label[correct]),
        by_document=_tally(documents, gold.document, predicted.document, gold.document[correct]),
    )


def score_strict(
    gold: Sequence[Sequence[LabelledSpan]], predicted: Sequence[Sequence[LabelledSpan]]
) -> dict[str, SpanCounts]:
    """Strict counts of each label for two corpora, given as one sequence of spans a document.

    Documents are counted in chunks, so memory does not grow with their number.
    """
    numbers = number_labels(gold, predicted)
    totals = np.zeros((len(numbers), 3), dtype=np.int64)
    for golds, predictions in iter_chunks(gold, predicted):
        one, other = collect_columns(golds, numbers), collect_columns(predictions, numbers)
        totals += count_strict(one, other, documents=len(golds), labels=len(numbers)).by_label
    rows = zip(numbers, totals.tolist(), strict=True)
    return {code: SpanCounts(golds, predictions, correct, correct) for code, (golds, predictions, correct) in rows}


def iter_chunks(
    gold: Sequence[Sequence[LabelledSpan]], predicted: Sequence[Sequence[LabelledSpan]]
) -> Iterator[tuple[Sequence[Sequence[LabelledSpan]], Sequence[Sequence[LabelledSpan]]]]:
    """Both corpora in chunks of the same documents.

    Raises:
        ValueError: they do not have the same number of documents.
    """
    if len(gold) != len(predicted):
        raise ValueError(f"{len(gold)} documents of gold against {len(predicted)} of predictions")
    for begin in range(0, len(gold), _CHUNK):
        yield gold[begin : begin + _CHUNK], predicted[begin : begin + _CHUNK]


def _pack_keys(gold: SpanColumns, predicted: SpanColumns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One int64 a span, equal exactly where all four columns are equal."""
    keys = [gold.document.astype(np.int64), predicted.document.astype(np.int64)]
    room = _find_room(*keys)
    for name in ("start", "end", "label"):
        columns = [getattr(gold, name), getattr(predicted, name)]
        width = _find_room(*columns)
        if room * width >= np.iinfo(np.int64).max:
            keys = _rank(*keys)
            room = _find_room(*keys)
        for key, column in zip(keys, columns, strict=True):
            key *= width
            key += column
        room *= width
    return keys[0], keys[1]


def _find_room(*columns: Integers) -> int:
    return 1 + max((int(column.max()) for column in columns if column.size), default=0)


def _rank(*columns: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    _, ranks = np.unique(np.concatenate(columns), return_inverse=True)
    return np.split(ranks.astype(np.int64), [len(columns[0])])


def _find_correct(gold: NDArray[np.int64], predicted: NDArray[np.int64]) -> NDArray[np.intp]:
    """Places in `gold` of the multiset intersection with `predicted`; both arrays are sorted in place."""
    order = np.argsort(gold)
    gold.sort()
    predicted.sort()
    partner = np.searchsorted(predicted, gold, side="left")
    partner += np.arange(gold.size)
    partner -= np.searchsorted(gold, gold, side="left")
    inside = partner < predicted.size
    inside[inside] = predicted[partner[inside]] == gold[inside]
    correct: NDArray[np.intp] = order[inside]
    return correct


def _tally(size: int, *columns: Integers) -> NDArray[np.int64]:
    tallies = [np.bincount(column, minlength=size) for column in columns]
    return np.stack(tallies, axis=1).astype(np.int64, copy=False)
