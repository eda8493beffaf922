"""The text of a document as one flow, and the way back into its runs.

A document keeps its text in runs: cells, text nodes, header values. They are read as one text, so that a value which
is split over runs is found; a replacement goes into the run where the value begins, and the other runs lose their part.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import find_occurrences, trim_span
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.masking.detection import is_telling
from goldspan.masking.mask import Masker
from goldspan.masking.result import MaskedText, Replacement


@dataclass(frozen=True, slots=True)
class Run:
    """One piece of text. `before` separates it from the run before; `label`: all of it is an entity of this label."""

    text: str
    before: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class MaskedRuns:
    """The new text of each run, and the result for the whole flow. `values` are the masked values that are searched."""

    texts: tuple[str, ...]
    edits: tuple[tuple[tuple[int, int, str], ...], ...]
    masked: MaskedText
    values: frozenset[str]


async def mask_runs(runs: Sequence[Run], masker: Masker, language: str = "", country: str = "") -> MaskedRuns:
    """Mask the runs as one text.

    `edits` gives, for each run, what changed in it: start, end and replacement, offsets in the run's text.

    Raises:
        MaskingError: the text cannot be masked safely.
        ServiceError: the predictor did not answer.

    """
    return apply_runs(runs, await read_runs(runs, masker, language, country), masker, language, country)


async def read_runs(runs: Sequence[Run], masker: Masker, language: str = "", country: str = "") -> Annotation:
    """What the predictor finds in the flow; it is not asked where every run has a label."""
    if all(run.label or not run.text.strip() for run in runs):
        return Annotation(Author.model("columns"))
    return await masker.read(join_runs(runs)[0], language, country)


def apply_runs(
    runs: Sequence[Run], annotation: Annotation, masker: Masker, language: str = "", country: str = ""
) -> MaskedRuns:
    """Mask the runs by an annotation of their flow."""
    text, starts = join_runs(runs)
    whole = [_mark_run(run, start) for run, start in zip(runs, starts, strict=True) if run.label and run.text.strip()]
    rest = [e for e in annotation.entities if not any(e.start < w.end and w.start < e.end for w in whole)]
    masked = masker.apply(text, replace(annotation, entities=sort_spans([*rest, *whole])), language, country)
    edits = _share_out(runs, starts, masked.replacements)
    texts = tuple(_edit(run.text, changes) for run, changes in zip(runs, edits, strict=True))
    return MaskedRuns(texts, tuple(tuple(changes) for changes in edits), masked, list_values(text, masked))


def join_runs(runs: Sequence[Run]) -> tuple[str, list[int]]:
    """The flow of the runs, and where each run starts in it."""
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for run in runs:
        starts.append(length + len(run.before))
        pieces += (run.before, run.text)
        length = starts[-1] + len(run.text)
    return "".join(pieces), starts


def list_values(text: str, masked: MaskedText) -> frozenset[str]:
    """Masked values that must not stand in the output: long enough to tell something, and no part of a replacement."""
    shown = "\0".join(one.replacement for one in masked.replacements)
    values = {text[one.start : one.end] for one in masked.replacements if one.source not in ("reference", "literal")}
    return frozenset(value for value in values if is_telling(value) and value not in shown)


def search_values(values: frozenset[str], texts: Sequence[str], place: str) -> None:
    """Make sure that no masked value stands in the texts of the written file.

    Raises:
        MaskingError: one does; the message gives no value.

    """
    for text in texts:
        for value in values:
            if value in text and next(find_occurrences(text, value), None):
                raise MaskingError(f"{place}: a masked value of {len(value)} characters still stands in the output.")


def find_whole_edit(text: str, edit: Callable[[str], str]) -> tuple[tuple[int, int, str], ...]:
    """What `edit` makes of a run, as an edit of all of it; empty where it changes nothing."""
    changed = edit(text)
    return () if changed == text else ((0, len(text), changed),)


def _mark_run(run: Run, start: int) -> Entity:
    begin, end = trim_span(run.text, 0, len(run.text))
    return Entity(start + begin, start + end, run.label)


def _share_out(
    runs: Sequence[Run], starts: Sequence[int], replacements: Sequence[Replacement]
) -> list[list[tuple[int, int, str]]]:
    edits: list[list[tuple[int, int, str]]] = [[] for _ in runs]
    for one in replacements:
        number = max(bisect_right(starts, one.start) - 1, 0)
        pending = one.replacement
        while number < len(runs) and starts[number] < one.end:
            begin = max(one.start - starts[number], 0)
            end = min(one.end - starts[number], len(runs[number].text))
            if begin < end:
                edits[number].append((begin, end, pending))
                pending = ""
            number += 1
        if pending and one.replacement:
            raise MaskingError(f"The span {one.start}–{one.end} ({one.label}) lies between two runs of the document.")
    return edits


def _edit(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    cursor = 0
    for start, end, replacement in changes:
        pieces += (text[cursor:start], replacement)
        cursor = end
    return "".join([*pieces, text[cursor:]])
