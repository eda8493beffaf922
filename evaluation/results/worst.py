"""The worst documents of a prediction, as differences between two annotations in tagged text.

Unless text is asked for, every character that is not white space is shown as `·`: what is around an error may be
personal data too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Entity, Span
from goldspan.evaluation.matching.documents import Document
from goldspan.evaluation.matching.levels import Level, unite
from goldspan.evaluation.matching.match import Match, PairKind
from goldspan.evaluation.scores.table import DocumentScores, measure_document

CONTEXT = 40
"""Code points shown on each side of an error."""
_VISIBLE = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch `[start, end)` of a text around errors, in tagged text as gold and as predicted."""

    start: int
    end: int
    gold: str
    predicted: str


@dataclass(frozen=True, slots=True)
class DocumentErrors:
    """The errors of one document; `leaked` counts characters of personal data that stay readable."""

    sample_id: str
    length: int
    leaked: int
    errors: tuple[Match[Span], ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """The errors for machines."""
        errors = [
            {
                "kind": error.kind.value,
                "gold": error.gold and error.gold._asdict(),
                "predicted": error.predicted and error.predicted._asdict(),
            }
            for error in self.errors
        ]
        differences = [asdict(difference) for difference in self.differences]
        return {
            "sample_id": self.sample_id,
            "length": self.length,
            "leaked": self.leaked,
            "errors": errors,
            "differences": differences,
        }


def list_worst(
    documents: Iterable[Document],
    labels: LabelSchema,
    *,
    level: Level = Level.LABEL,
    top: int = 10,
    show_text: bool = False,
) -> list[DocumentErrors]:
    """The `top` documents with the most errors; among equals those that leak more come first."""
    measured = [measure_document(document, labels, level) for document in documents]
    faulty = [one for one in measured if _list_errors(one)]
    faulty.sort(key=lambda one: (-len(_list_errors(one)), -_count_leaked(one), one.document.sample_id))
    return [_describe(one, show_text) for one in faulty[:top]]


def hide_text(text: str) -> str:
    """The text with every character that is not white space replaced, so that offsets stay true."""
    return _VISIBLE.sub("·", text)


def _list_errors(one: DocumentScores) -> tuple[Match[Span], ...]:
    return tuple(match for match in one.matches if match.kind is not PairKind.CORRECT)


def _count_leaked(one: DocumentScores) -> int:
    return one.masking.gold - one.masking.hidden


def _describe(one: DocumentScores, show_text: bool) -> DocumentErrors:
    text = one.document.text if show_text else hide_text(one.document.text)
    gold = _list_shown((match.gold for match in one.matches), text)
    predicted = _list_shown((match.predicted for match in one.matches), text)
    errors = _list_errors(one)
    wrong = _list_shown((span for error in errors for span in (error.gold, error.predicted)), text)
    stretches = _find_stretches(wrong, [*gold, *predicted], len(text))
    return DocumentErrors(
        sample_id=one.document.sample_id,
        length=len(text),
        leaked=_count_leaked(one),
        errors=errors,
        differences=tuple(
            Difference(start, end, _render(text, gold, start, end), _render(text, predicted, start, end))
            for start, end in stretches
        ),
    )


def _list_shown(spans: Iterable[Span | None], text: str) -> list[Span]:
    """The spans that can be written into the text; a prediction may be empty, or leave the text."""
    return [span for span in spans if span and 0 <= span.start < span.end <= len(text)]


def _find_stretches(wrong: Sequence[Span], spans: Sequence[Span], length: int) -> tuple[tuple[int, int], ...]:
    """Stretches around errors that cut through no span."""
    windows = [Span(max(0, span.start - CONTEXT), min(length, span.end + CONTEXT), "") for span in wrong]
    stretches = unite(windows)
    while True:
        touched = [span for span in spans if any(span.start < end and start < span.end for start, end in stretches)]
        widened = unite([*windows, *touched])
        if widened == stretches:
            return stretches
        stretches = widened


def _render(text: str, spans: Iterable[Span], start: int, end: int) -> str:
    inside: list[Entity] = []
    for span in sorted(set(spans), key=lambda span: (span.start, -span.end, span.label)):
        crosses = any(other.start < span.start - start < other.end < span.end - start for other in inside)
        if start <= span.start < span.end <= end and not crosses:
            inside.append(Entity(span.start - start, span.end - start, span.label))
    return render_tagged(text[start:end], inside)
