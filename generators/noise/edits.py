"""Edits of annotated text: pieces are replaced, and every span stays on what it was on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from goldspan.annotation.errors import InputError
from goldspan.annotation.text.tagged import Tagged


class Edit(NamedTuple):
    """Replace `[start, end)` by a text; an empty range inserts."""

    start: int
    end: int
    text: str


def apply_edits(tagged: Tagged, edits: Iterable[Edit]) -> Tagged:
    """The text with the edits made, and its spans moved along.

    An insertion at the border of a span stays outside it. Offsets are code points.

    Raises:
        InputError: edits overlap, lie outside the text, cross a border of a span, or leave a span empty.
    """
    ordered = sorted(edits)
    _check(tagged, ordered)
    pieces: list[str] = []
    cursor = 0
    for edit in ordered:
        pieces += (tagged.text[cursor : edit.start], edit.text)
        cursor = edit.end
    pieces.append(tagged.text[cursor:])
    moves = _Moves(ordered)
    entities = tuple(replace(e, start=moves.move_start(e.start), end=moves.move_end(e.end)) for e in tagged.entities)
    mentions = tuple(replace(m, start=moves.move_start(m.start), end=moves.move_end(m.end)) for m in tagged.mentions)
    spans = [(span.start, span.end) for span in entities] + [(span.start, span.end) for span in mentions]
    if any(start >= end for start, end in spans):
        raise InputError("An edit takes all of a span away.")
    return Tagged("".join(pieces), entities, mentions)


def spare_spans(tagged: Tagged, edits: Iterable[Edit]) -> list[Edit]:
    """The edits without those that would together leave nothing of a span, such as the comma that a mention is."""
    kept = list(edits)
    spans = {(e.start, e.end) for e in tagged.entities} | {(m.start, m.end) for m in tagged.mentions}
    for start, end in spans:
        inner = [edit for edit in kept if start <= edit.start < edit.end <= end]
        if inner and sum(len(e.text) - (e.end - e.start) for e in inner) <= start - end:
            kept = [edit for edit in kept if edit not in inner]
    return kept


class _Moves:
    """Where offsets go: borders of spans lie outside edits, so the edits before them decide."""

    def __init__(self, edits: Sequence[Edit]) -> None:
        self._starts = [edit.start for edit in edits]
        self._edits = edits
        self._shift = [0]
        for edit in edits:
            self._shift.append(self._shift[-1] + len(edit.text) - (edit.end - edit.start))

    def move_start(self, offset: int) -> int:
        count = bisect_left(self._starts, offset)
        while count < len(self._edits) and self._edits[count][:2] == (offset, offset):
            count += 1
        return offset + self._shift[count]

    def move_end(self, offset: int) -> int:
        return offset + self._shift[bisect_left(self._starts, offset)]


def _check(tagged: Tagged, edits: Sequence[Edit]) -> None:
    last = 0
    previous: Edit | None = None
    spans = [(span.start, span.end) for span in tagged.entities] + [(span.start, span.end) for span in tagged.mentions]
    borders = sorted({border for span in spans for border in span})
    for edit in edits:
        if (
            edit.start < last
            or not edit.start <= edit.end <= len(tagged.text)
            or (previous and edit[:2] == previous[:2])
        ):
            raise InputError(f"The edit {edit.start}–{edit.end} overlaps another or lies outside the text.")
        place = bisect_left(borders, edit.start + 1)
        if edit.end - edit.start > 1 and place < len(borders) and borders[place] < edit.end:
            raise InputError(f"The edit {edit.start}–{edit.end} crosses the border of a span at {borders[place]}.")
        last, previous = edit.end, edit


def find_free(tagged: Tagged, inside: frozenset[str]) -> list[tuple[int, int]]:
    """Stretches of the text without a border of a span in them, where edits may be made, in order.

    A value is one of them if its label is in `inside`; text outside entities always is.
    """
    borders = {0, len(tagged.text)}
    closed: list[tuple[int, int]] = []
    for mention in tagged.mentions:
        borders |= {mention.start, mention.end}
    for entity in tagged.entities:
        borders |= {entity.start, entity.end}
        if entity.label not in inside:
            closed.append((entity.start, entity.end))
    ordered = sorted(borders)
    closed.sort()
    free = [(0, 0)] if any(first == 0 for first, _ in closed) else []
    for start, end in pairwise(ordered):
        if not any(first <= start and end <= last for first, last in closed):
            free.append((start, end))
    return free
