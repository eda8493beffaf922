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
from goldspan.evaluation.scores.intervals import Interval, Numbers, estimate_interval
from goldspan.evaluation.scores.masking import MaskingCounts, count_leaks_by_label, count_masking
from goldspan.evaluation.scores.spans import Scheme, count_matches, is_exact

COLUMNS = (
    "gold", "predicted", "credit", "exact", "characters", "personal", "masked", "hidden", "sensitive", "exposed"
)  # fmt: skip
"""Whole numbers of one document (credit may be a half); the sums over documents give every score."""

DOCUMENTS = "documents"


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
        leaks=count_leaks_by_label(gold, predicted, labels),
    )


def sum_masking(measured: Iterable[DocumentScores]) -> MaskingCounts:
    """Masking counts over documents."""
    return reduce(add, (one.masking for one in measured), MaskingCounts())


def tabulate(measured: Sequence[DocumentScores], scheme: Scheme) -> dict[str, list[float]]:
    """The columns of `COLUMNS`, one value a document."""
    rows = [_make_row(one, scheme) for one in measured]
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Ratio:
    """A score as a ratio of two weighted sums of columns; the weight of documents themselves is `documents`."""

    part: Mapping[str, float]
    whole: Mapping[str, float]

    def tabulate(self, columns: Mapping[str, Sequence[float]]) -> Numbers:
        """Part and whole of each document, shape (documents, 2)."""
        size = len(columns[COLUMNS[0]])
        table = np.zeros((size, 2))
        for side, weights in enumerate((self.part, self.whole)):
            for name, weight in weights.items():
                table[:, side] += weight * np.asarray(columns.get(name, np.ones(size)), dtype=np.float64)
        return table


def make_ratios(beta: float) -> dict[str, Ratio]:
    """Scores that intervals and tests are given for: F_beta is (1 + b²)·shared / (b²·gold + predicted)."""
    weight = beta * beta
    return {
        "precision": Ratio({"credit": 1}, {"predicted": 1}),
        "recall": Ratio({"credit": 1}, {"gold": 1}),
        "f1_score": Ratio({"credit": 2}, {"gold": 1, "predicted": 1}),
        "exact_match_accuracy": Ratio({"exact": 1}, {DOCUMENTS: 1}),
        "masking_recall": Ratio({"hidden": 1}, {"personal": 1}),
        "masking_f_beta": Ratio({"hidden": 1 + weight}, {"personal": weight, "masked": 1}),
        "zero_leak_rate": Ratio({"sensitive": 1, "exposed": -1}, {"sensitive": 1}),
    }


def estimate_intervals(columns: Mapping[str, Sequence[float]], beta: float) -> dict[str, Interval | None]:
    """The 95 % interval of every score of `make_ratios`."""
    tables = {name: ratio.tabulate(columns) for name, ratio in make_ratios(beta).items()}
    return {name: estimate_interval(table[:, 0], table[:, 1]) for name, table in tables.items()}


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
