"""The numbers behind the charts; plain functions from a result, for files and for the dashboard alike."""

from __future__ import annotations

from dataclasses import dataclass

from goldspan.evaluation.matching.match import ERROR_KINDS, PairKind
from goldspan.evaluation.results.result import EvaluationResult

NOTHING = "∅"
"""Stands for the side that has no span: missed as predicted label, spurious as gold label."""
BINS = 20


@dataclass(frozen=True, slots=True)
class Confusion:
    """`counts[i][j]`: pairs with gold label i and predicted label j; the last of `labels` is `NOTHING`."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def confusion_matrix(result: EvaluationResult) -> Confusion:
    """Which label was taken for which, over all pairs; boundaries play no part."""
    labels = sorted({*result.outcomes, *(span.label for e in result.errors for span in (e.gold, e.predicted) if span)})
    names = (*labels, NOTHING)
    place = {name: index for index, name in enumerate(names)}
    counts = [[0] * len(names) for _ in names]
    for label, kinds in result.outcomes.items():
        counts[place[label]][place[label]] += kinds.get(PairKind.CORRECT, 0)
    for error in result.errors:
        gold, predicted = (span.label if span else NOTHING for span in (error.gold, error.predicted))
        counts[place[gold]][place[predicted]] += 1
    return Confusion(names, tuple(map(tuple, counts)))


def error_kinds_by_label(result: EvaluationResult) -> dict[str, dict[str, int]]:
    """Errors of each kind by label, the label with most errors first; labels without errors are left out."""
    errors = {
        label: {kind.value: kinds.get(kind, 0) for kind in ERROR_KINDS} for label, kinds in result.outcomes.items()
    }
    faulty = [label for label, kinds in errors.items() if any(kinds.values())]
    return {label: errors[label] for label in sorted(faulty, key=lambda label: (-sum(errors[label].values()), label))}


def error_positions(result: EvaluationResult) -> dict[str, list[int]]:
    """Errors by label and by where in the text they are: bin 0 is the start, the last bin the end.

    An error stands where the middle of its gold span (of the predicted one if spurious) is, relative to the length
    of the text; its label is that span's.
    """
    positions: dict[str, list[int]] = {}
    for error in result.errors:
        span = error.gold or error.predicted
        if span is not None and error.length:
            row = positions.setdefault(span.label, [0] * BINS)
            row[min(BINS - 1, int(BINS * (span.start + span.end) / 2 / error.length))] += 1
    return dict(sorted(positions.items()))
