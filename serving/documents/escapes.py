r"""A text as a reader sees it: entities, percent signs, escapes of JSON and JavaScript, inline tags, base64 undone.

Documents of every format hold addresses, code and markup in their texts, in which `Müller` stands as `M%C3%BCller`,
`M&uuml;ller`, `M\u00fcller` or `<b>Mül</b>ler`. Only what is read is undone: what is not masked stays as it was.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from goldspan.serving.documents.encoded import EncodedText, find_encoded
from goldspan.serving.documents.escape_forms import find_escapes, may_have_escapes

_MAX_DEPTH = 3
"""How often the escapes of escapes are undone."""

Edit = tuple[int, int, str]


class Mark(NamedTuple):
    """An escape that was undone: the `size` characters (0 or 1) at `at` come from `[start, end)` of the source."""

    at: int
    size: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """Base64 that was decoded: `inner` stands at `at` of the text in place of `encoded`."""

    at: int
    encoded: EncodedText
    inner: OpenText

    @property
    def end(self) -> int:
        """Where it ends in the text."""
        return self.at + len(self.inner.text)

    def write(self, edits: Sequence[Edit]) -> Edit:
        """Edits of the inner text as one edit of what the base64 stands in."""
        text = self.encoded.text
        for start, end, new in reversed(self.inner.locate(edits)):
            text = text[:start] + new + text[end:]
        return self.encoded.start, self.encoded.end, self.encoded.encode(text)


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text with its escapes undone; `marks` are those escapes in their order, a character each, `blocks` the base64.

    `closed` is the text with the base64 as it stood, empty where there is none; offsets of marks are of this text.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    blocks: tuple[Block, ...] = ()
    closed: str = ""

    def find_place(self, at: int) -> tuple[int, int]:
        """The stretch of the source that a character comes from; the text has no blocks."""
        number = bisect_right(self.marks, at, key=lambda mark: mark.at) - 1
        if number < 0:
            return at, at + 1
        mark = self.marks[number]
        if mark.size and mark.at == at:
            return mark.start, mark.end
        start = mark.end + at - mark.at - mark.size
        return start, start + 1

    def find_open(self, start: int, end: int) -> tuple[int, int] | None:
        """The stretch of the text of a stretch of `closed` that holds blocks, all of each; else None."""
        touched = [block for block in self.blocks if block.encoded.start < end and start < block.encoded.end]
        if not touched or start > touched[0].encoded.start or end < touched[-1].encoded.end:
            return None
        first, last = touched[0], touched[-1]
        return first.at + start - first.encoded.start, last.end + end - last.encoded.end

    def locate(self, edits: Sequence[Edit]) -> list[Edit]:
        """Edits of this text as edits of the source; what lies between the parts of a value stays."""
        if self.blocks:
            edits = self._close_blocks(edits)
        if not self.marks:
            return list(edits)
        found: list[Edit] = []
        for start, end, new in edits:
            parts: list[tuple[int, int]] = []
            for place in map(self.find_place, range(start, end)):
                if parts and place[0] <= parts[-1][1]:
                    parts[-1] = (parts[-1][0], max(parts[-1][1], place[1]))
                else:
                    parts.append(place)
            found += [(*part, new if number == 0 else "") for number, part in enumerate(parts)]
        return found

    def _close_blocks(self, edits: Sequence[Edit]) -> list[Edit]:
        """Edits of this text as edits of the text with its base64; an edit over a border is shared out.

        A block that lies inside of an edit is replaced as it stands, not encoded again.
        """
        inside: dict[int, list[Edit]] = {}
        found: list[Edit] = []
        borders = sorted(border for block in self.blocks for border in (block.at, block.end))
        for start, end, new in edits:
            cuts = [start, *(border for border in borders if start < border < end), end]
            for number, (begin, stop) in enumerate(pairwise(cuts)):
                part = new if number == 0 else ""
                place = bisect_right(self.blocks, begin, key=lambda block: block.at) - 1
                block = self.blocks[place] if place >= 0 else None
                if block is None or begin >= block.end:
                    shift = block.encoded.end - block.end if block else 0
                    found.append((begin + shift, stop + shift, part))
                elif (begin, stop) == (block.at, block.end) != (start, end):
                    found.append((block.encoded.start, block.encoded.end, part))
                else:
                    inside.setdefault(place, []).append((begin - block.at, stop - block.at, part))
        found += [self.blocks[place].write(changes) for place, changes in inside.items()]
        return sorted(found)


def open_escapes(source: str, depth: int = _MAX_DEPTH) -> OpenText:
    """The text with its escapes undone, those inside of escapes too."""
    opened = OpenText(source)
    for _ in range(depth):
        if not may_have_escapes(opened.text):
            break
        deeper = _open_once(opened.text)
        if not deeper.marks:
            break
        opened = OpenText(deeper.text, tuple(_join_marks(opened, deeper)))
    return _open_blocks(opened, depth) if depth else opened


def _open_blocks(opened: OpenText, depth: int) -> OpenText:
    pieces: list[str] = []
    blocks: list[Block] = []
    cursor = length = 0
    for encoded in find_encoded(opened.text):
        inner = open_escapes(encoded.text, depth - 1)
        pieces += (opened.text[cursor : encoded.start], inner.text)
        length += encoded.start - cursor
        blocks.append(Block(length, encoded, inner))
        length += len(inner.text)
        cursor = encoded.end
    if not blocks:
        return opened
    return OpenText("".join([*pieces, opened.text[cursor:]]), opened.marks, tuple(blocks), opened.text)


def _join_marks(outer: OpenText, inner: OpenText) -> Iterator[Mark]:
    """The marks of `inner`, the opened text of `outer`, as marks in the source of `outer`."""
    pending = list(reversed(outer.marks))
    shift = 0
    for mark in inner.marks:
        while pending and (pending[-1].at < mark.start or (pending[-1].at == mark.start and not pending[-1].size)):
            earlier = pending.pop()
            yield earlier._replace(at=earlier.at + shift)
        while pending and pending[-1].at < mark.end:
            pending.pop()
        yield Mark(mark.at, mark.size, outer.find_place(mark.start)[0], outer.find_place(mark.end - 1)[1])
        shift = mark.at + mark.size - mark.end
    yield from (later._replace(at=later.at + shift) for later in reversed(pending))


def _open_once(source: str) -> OpenText:
    pieces: list[str] = []
    marks: list[Mark] = []
    cursor = length = 0
    for start, end, text, places in find_escapes(source):
        pieces += (source[cursor:start], text)
        length += start - cursor
        marks += [Mark(length + number, min(len(text), 1), *place) for number, place in enumerate(places)]
        length += len(text)
        cursor = end
    return OpenText("".join([*pieces, source[cursor:]]), tuple(marks))
