"""The text of a document as one flow, and the way back into its runs.

A document keeps its text in runs: cells, text nodes, header values. They are read as one text, so that a value which
is split over runs is found; a replacement goes into the run where the value begins, and the other runs lose their part.
Escapes in a run are read as what they stand for (`goldspan.serving.documents.escapes`).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import find_occurrences, trim_span
from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.masking.detection import EMBEDDED
from goldspan.masking.mask import Masker
from goldspan.masking.repeats import is_verifiable
from goldspan.masking.result import MaskedText, Replacement
from goldspan.serving.documents.embedded import find_embedded, is_file
from goldspan.serving.documents.escapes import OpenText, open_escapes

_HYPHENS = "-\u2010"
_HYPHENATED = r"(?<=[^\W_])[-\u2010](?:\r\n?|\n)(?:>+ ?)*[ \t]*(?=[^\W_])"
PAGE_LINES = re.compile(rf"{_HYPHENATED}|(?<=\S)[ \t]*(?:\r\n|\n)(?=\S)")
"""Line breaks in the text of a page: each may stand inside a value."""

WRAPPED_LINES = re.compile(rf"{_HYPHENATED}|(?<=[^\r\n]{{39}}\S)[ \t]*(?:\r\n?|\n)(?:>+ ?)*(?=\S)")
"""Line breaks of text that a program wrapped (RFC 5322: at 78 characters), with the marks of a quotation after them,
and breaks after a hyphen."""


@dataclass(frozen=True)
class Run:
    """One piece of text.

    `before` separates it from the run before, and may say what it is; it does not stand in the document. `label`: all
    of it is an entity of this label. `absent` is the version of the document in which the run does not stand:
    `original` for inserted text, `final` for deleted text.
    """

    text: str
    before: str = ""
    label: str = ""
    absent: str = ""

    @cached_property
    def opened(self) -> OpenText:
        """The text with its escapes undone."""
        return open_escapes(self.text)


@dataclass(frozen=True, slots=True)
class MaskedRuns:
    """The new text of each run, and the result for the whole flow. `values` are the masked values that are searched."""

    texts: tuple[str, ...]
    edits: tuple[tuple[tuple[int, int, str], ...], ...]
    masked: MaskedText
    values: frozenset[str]


async def mask_runs(
    runs: Sequence[Run],
    masker: Masker,
    language: str = "",
    country: str = "",
    *,
    wrapped: re.Pattern[str] | None = None,
    swept: Sequence[Run] = (),
) -> MaskedRuns:
    """Mask the runs as one text; `wrapped`: line breaks that may stand inside a value.

    `edits` gives, for each run, what changed in it: start, end and replacement, offsets in the run's text. `swept` are
    further runs that the predictor does not read, such as names of styles: what is masked elsewhere is masked there.

    Raises:
        MaskingError: the text cannot be masked safely.
        ServiceError: the predictor did not answer.
    """
    annotation = await read_runs(runs, masker, language, country)
    if wrapped is not None:
        text = join_runs(runs)[0]
        breaks = [match.span() for match in wrapped.finditer(text)]
        annotation = await _read_over_lines(text, breaks, annotation, masker, language, country)
    return apply_runs([*runs, *swept], annotation, masker, language, country)


async def _read_over_lines(
    text: str,
    breaks: Sequence[tuple[int, int]],
    annotation: Annotation,
    masker: Masker,
    language: str,
    country: str,
) -> Annotation:
    """The annotation with the entities beside it that are found where the breaks are blanks.

    A hyphen before a break joins: it goes with the break where a small letter follows.
    """
    if not breaks:
        return annotation
    places = list(range(len(text)))
    blanks = set()
    for start, end in reversed(breaks):
        if text[start] in _HYPHENS:
            del places[start + (not text[end].islower()) : end]
        else:
            del places[start + 1 : end]
            blanks.add(start)
    joined = "".join(" " if place in blanks else text[place] for place in places)
    found = (await masker.read(joined, language, country)).entities
    moved = [replace(one, start=places[one.start], end=places[one.end - 1] + 1) for one in found]
    begins = [start for start, _ in breaks]
    crossing = [one for one in moved if bisect_right(begins, one.start) < bisect_left(begins, one.end)]
    return _add_entities(annotation, crossing)


async def read_runs(runs: Sequence[Run], masker: Masker, language: str = "", country: str = "") -> Annotation:
    """What the predictor finds in the flow; it is not asked where every run has a label.

    Where runs belong to one version of the document only, each version is read by itself, too. Where they hold
    encoded texts, these are also read as they stand: a token of three parts in base64 is one value.
    """
    if all(run.label or not run.text.strip() for run in runs):
        return Annotation(Author.model("columns"))
    text, starts = join_runs(runs)
    annotation = await masker.read(text, language, country)
    for version in sorted({run.absent for run in runs} - {""}):
        places = [number for number, run in enumerate(runs) if run.absent != version]
        part, part_starts = join_runs([runs[number] for number in places])
        found = await masker.read(part, language, country)
        moved = [_move(entity, part_starts, [starts[number] for number in places]) for entity in found.entities]
        annotation = _add_entities(annotation, moved)
    if any(run.opened.blocks for run in runs):
        annotation = _add_entities(annotation, await _read_closed(runs, starts, masker, language, country))
    return annotation


async def _read_closed(
    runs: Sequence[Run], starts: Sequence[int], masker: Masker, language: str, country: str
) -> list[Entity]:
    """What holds whole encoded texts, found in the runs with these as they stand; places are of the flow."""
    text, closed_starts = _join((run.before, run.opened.closed or run.opened.text) for run in runs)
    found = masker.find(text, await masker.read(text, language, country), country)
    entities = []
    for span in found:
        number = max(bisect_right(closed_starts, span.start) - 1, 0)
        start, end = span.start - closed_starts[number], span.end - closed_starts[number]
        place = runs[number].opened.find_open(start, end)
        if place and start >= 0 and end <= len(runs[number].opened.closed):
            entities.append(Entity(starts[number] + place[0], starts[number] + place[1], span.label, score=span.score))
    return entities


def _add_entities(annotation: Annotation, entities: Sequence[Entity]) -> Annotation:
    """The annotation with those of the entities whose places it does not have."""
    known = {entity.span for entity in annotation.entities}
    fresh = {entity.span: entity for entity in entities if entity.span not in known}
    return replace(annotation, entities=sort_spans([*annotation.entities, *fresh.values()]))


def _move(entity: Entity, starts: Sequence[int], targets: Sequence[int]) -> Entity:
    """An entity of some of the runs in the flow of all of them; `starts` and `targets` are where each run begins."""
    first = max(bisect_right(starts, entity.start) - 1, 0)
    last = max(bisect_right(starts, entity.end - 1) - 1, 0)
    begin, end = entity.start + targets[first] - starts[first], entity.end + targets[last] - starts[last]
    return replace(entity, start=begin, end=end)


def apply_runs(
    runs: Sequence[Run], annotation: Annotation, masker: Masker, language: str = "", country: str = ""
) -> MaskedRuns:
    """Mask the runs by an annotation of their flow."""
    text, starts = join_runs(runs)
    whole = [entity for run, start in zip(runs, starts, strict=True) for entity in _mark_run(run, start)]
    rest = [e for e in annotation.entities if not any(e.start < w.end and w.start < e.end for w in whole)]
    masked = masker.apply(text, replace(annotation, entities=sort_spans([*rest, *whole])), language, country)
    edits = _share_out(runs, starts, masked.replacements)
    texts = tuple(_edit(run.text, changes) for run, changes in zip(runs, edits, strict=True))
    return MaskedRuns(texts, tuple(tuple(changes) for changes in edits), masked, list_values(text, masked))


def join_runs(runs: Sequence[Run]) -> tuple[str, list[int]]:
    """The flow of the runs, and where each run starts in it."""
    return _join((run.before, run.opened.text) for run in runs)


def _join(parts: Iterable[tuple[str, str]]) -> tuple[str, list[int]]:
    """Texts, each behind what separates it from the one before, as one; and where each begins."""
    pieces: list[str] = []
    starts: list[int] = []
    length = 0
    for before, text in parts:
        starts.append(length + len(before))
        pieces += (before, text)
        length = starts[-1] + len(text)
    return "".join(pieces), starts


def list_values(text: str, masked: MaskedText) -> frozenset[str]:
    """Masked values that must not stand in the output: long enough to tell something, and no part of a replacement."""
    shown = "\0".join(one.replacement for one in masked.replacements)
    values = ((text[one.start : one.end], one.source) for one in masked.replacements)
    return frozenset(value for value, source in values if is_verifiable(value, source) and value not in shown)


def search_values(values: frozenset[str], texts: Sequence[str], place: str) -> None:
    """Make sure that no masked value stands in the texts of the written file, in escapes neither.

    Raises:
        MaskingError: one does; the message gives no value.
    """
    for text in _list_forms(texts):
        for value in values:
            if value in text and next(find_occurrences(text, value), None):
                raise MaskingError(f"{place}: a masked value of {len(value)} characters still stands in the output.")


def _list_forms(texts: Sequence[str]) -> Iterator[str]:
    for text in texts:
        yield text
        opened = open_escapes(text)
        if opened.marks or opened.blocks:
            yield opened.text


def find_whole_edit(text: str, edit: Callable[[str], str]) -> tuple[tuple[int, int, str], ...]:
    """What `edit` makes of a run, as an edit of all of it; empty where it changes nothing."""
    changed = edit(text)
    return () if changed == text else ((0, len(text), changed),)


def _mark_run(run: Run, start: int) -> Iterator[Entity]:
    """What of a run is masked whatever it says: all of it where it has a label, what is embedded in it."""
    text = run.opened.text
    if run.label or is_file(run.text):
        begin, end = trim_span(text, 0, len(text))
        places = [(begin, end)] if begin < end else []
    else:
        places = list(find_embedded(text))
    return (Entity(start + begin, start + end, run.label or EMBEDDED) for begin, end in places)


def _share_out(
    runs: Sequence[Run], starts: Sequence[int], replacements: Sequence[Replacement]
) -> list[list[tuple[int, int, str]]]:
    edits: list[list[tuple[int, int, str]]] = [[] for _ in runs]
    for one in replacements:
        number = max(bisect_right(starts, one.start) - 1, 0)
        pending = one.replacement
        while number < len(runs) and starts[number] < one.end:
            begin = max(one.start - starts[number], 0)
            end = min(one.end - starts[number], len(runs[number].opened.text))
            if begin < end:
                edits[number].append((begin, end, pending))
                pending = ""
            number += 1
    return [run.opened.locate(changes) for run, changes in zip(runs, edits, strict=True)]


def _edit(text: str, changes: Sequence[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    cursor = 0
    for start, end, replacement in changes:
        pieces += (text[cursor:start], replacement)
        cursor = end
    return "".join([*pieces, text[cursor:]])
