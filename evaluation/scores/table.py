"""One document measured, and the table of numbers that scores, intervals and tests are made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Span
from goldspan.evaluation.matching.documents import Document
from goldspan.evaluation.matching.levels import Level, project_spans
from goldspan.evaluation.matching.match import Match, match_spans
from goldspan.evaluation.scores.bootstrap import Numbers, Statistic
from goldspan.evaluation.scores.masking import MaskingCounts, count_leaks_by_label, count_masking
from goldspan.evaluation.scores.spans import Scheme, count_matches, is_exact

COLUMNS = (
    "gold", "predicted", "credit", "exact", "characters", "personal", "masked", "hidden", "sensitive", "exposed"
)  # fmt: skip
"""Whole numbers of one document (credit may be a half); the sums over documents give every score."""


@dataclass(frozen=True, slots=True)
class DocumentScores:
    """One document with the pairs of its spans at a level, its masking counts and its leaks by gold label."""

    document: Document
    matches: tuple[Match[Span], ...]
    masking: MaskingCounts
    leaks: Mapping[str, tuple[int, int]]


def measure_document(document: Document, labels: LabelSchema, level: Level = Level.LABEL) -> DocumentScores:
    """Compare the two annotations of a document."""
    gold, predicted, mentions = document.gold.entities, document.predicted.entities, document.gold.mentions
    return DocumentScores(
        document=document,
        matches=match_spans(
            project_spans(gold, document.text, labels, level, mentions),
            project_spans(predicted, document.text, labels, level, mentions),
        ),
        masking=count_masking(len(document.text), gold, predicted, labels, mentions),
        leaks=count_leaks_by_label(gold, predicted),
    )


def sum_masking(measured: Iterable[DocumentScores]) -> MaskingCounts:
    """Masking counts over documents."""
    return reduce(add, (one.masking for one in measured), MaskingCounts())


def tabulate(measured: Sequence[DocumentScores], scheme: Scheme) -> dict[str, list[float]]:
    """The columns of `COLUMNS`, one value a document."""
    rows = [_make_row(one, scheme) for one in measured]
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def stack_columns(columns: Mapping[str, Sequence[float]]) -> Numbers:
    """The columns side by side: one row a document, and a last column of ones that counts documents."""
    arrays = [np.asarray(columns[name], dtype=np.float64) for name in COLUMNS]
    return np.stack([*arrays, np.ones(len(arrays[0]))], axis=1)


def make_statistics(beta: float) -> dict[str, Statistic]:
    """Scores that intervals and tests are given for, from sums of the table of `stack_columns`."""
    return {
        "precision": lambda sums: _ratio(sums, "credit", "predicted"),
        "recall": lambda sums: _ratio(sums, "credit", "gold"),
        "f1_score": lambda sums: _f(sums, "credit", "predicted", "gold", 1.0),
        "exact_match_accuracy": lambda sums: _divide(_column(sums, "exact"), sums[:, -1]),
        "masking_recall": lambda sums: _ratio(sums, "hidden", "personal"),
        "masking_f_beta": lambda sums: _f(sums, "hidden", "masked", "personal", beta),
        "zero_leak_rate": lambda sums: 1 - _ratio(sums, "exposed", "sensitive"),
    }


def _make_row(one: DocumentScores, scheme: Scheme) -> tuple[float, ...]:
    counts, masking = count_matches(one.matches, scheme), one.masking
    return (
        counts.gold,
        counts.predicted,
        counts.found,
        int(is_exact(one.matches)),
        masking.characters,
        masking.gold,
        masking.masked,
        masking.hidden,
        masking.sensitive,
        masking.exposed,
    )


def _column(sums: Numbers, name: str) -> Numbers:
    return np.asarray(sums[:, COLUMNS.index(name)])


def _ratio(sums: Numbers, part: str, whole: str) -> Numbers:
    return _divide(_column(sums, part), _column(sums, whole))


def _f(sums: Numbers, shared: str, predicted: str, gold: str, beta: float) -> Numbers:
    """(1 + b²)·shared / (b²·gold + predicted): F_beta where both sides share one numerator."""
    weighted = beta * beta * _column(sums, gold) + _column(sums, predicted)
    return _divide((1 + beta * beta) * _column(sums, shared), weighted)


def _divide(part: Numbers, whole: Numbers) -> Numbers:
    quotient = np.full(part.shape, np.nan)
    np.divide(part, whole, out=quotient, where=whole != 0)
    return quotient
