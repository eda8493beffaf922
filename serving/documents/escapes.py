r"""A text as a reader sees it: entities, percent signs, escapes of JSON and JavaScript, inline tags, base64 undone.

Documents of every format hold addresses, code and markup in their texts, in which `Müller` stands as `M%C3%BCller`,
`M&uuml;ller`, `M\u00fcller` or `<b>Mül</b>ler`. Only what is read is undone: what is not masked stays as it was.
"""

from __future__ import annotations

import html
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple
from urllib.parse import unquote

import regex

from goldspan.serving.documents.encoded import WORD, EncodedText, find_encoded

_MAX_DEPTH = 3
"""How often the escapes of escapes are undone."""

_INVISIBLE = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
"""Soft hyphens, zero-width spaces, marks of direction."""

_SIGNS = frozenset(
    "%&=\\<\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_ESCAPE = regex.compile(
    rf"(?P<word>{WORD})"
    r"|(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<quoted>(?:=[0-9A-Fa-f]{2})+|=[ \t]*\r?\n)"
    r"|(?P<octal>(?:\\[0-3][0-7]{2})+)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<code>(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}(?![0-9A-Fa-f]{8})|\\u\{[0-9A-Fa-f]{1,6}\}|\\U[0-9A-Fa-f]{8})+)"
    r"|(?P<control>\\[nrt](?<!(?:\b[A-Za-z]:|\\)\\[^\s\"'<>|]*))"
    r"|(?P<punctuation>\\[!-/:-@\[-`{-~])"
    r"|(?P<tag></?(?P<name>a|abbr|b|bdi|big|code|em|font|i|mark|s|small|span|strong|sub|sup|u|wbr)\s*/?>)"
    rf"|(?P<invisible>[{_INVISIBLE}]|(?<=[\p{{Latin}}\p{{N}}])[\u200c\u200d](?=[\p{{Latin}}\p{{N}}]))"
)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_CODE = regex.compile(r"\\U([0-9A-Fa-f]{8})|\\u\{([0-9A-Fa-f]+)\}|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")

_QUOTED = regex.compile(r"(?i)quoted-printable|=[CDE][0-9A-F]=[89AB][0-9A-F]|=3D[\"']|=20\r?\n")
"""What tells that a text is quoted-printable, or holds such a part: its name, or escapes that nothing else writes."""

_BASIC = 0xFFFF
"""The last character that is one UTF-16 unit."""

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

    Offsets of marks are of the text with the base64 as it stood.
    """

    text: str
    marks: tuple[Mark, ...] = ()
    blocks: tuple[Block, ...] = ()

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
        """Edits of this text as edits of the text with its base64; an edit over a border is shared out."""
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
                else:
                    inside.setdefault(place, []).append((begin - block.at, stop - block.at, part))
        found += [self.blocks[place].write(changes) for place, changes in inside.items()]
        return sorted(found)


def open_escapes(source: str, depth: int = _MAX_DEPTH) -> OpenText:
    """The text with its escapes undone, those inside of escapes too."""
    opened = OpenText(source)
    for _ in range(depth):
        if _SIGNS.isdisjoint(opened.text):
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
    return OpenText("".join([*pieces, opened.text[cursor:]]), opened.marks, tuple(blocks))


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
    quoted = _QUOTED.search(source) is not None
    for match in _ESCAPE.finditer(source):
        found = _read(match, quoted=quoted)
        if found is None:
            continue
        pieces += (source[cursor : match.start()], found)
        length += match.start() - cursor
        places = _find_places(match, found) if found else [match.span()]
        marks += [Mark(length + n, min(len(found), 1), *place) for n, place in enumerate(places)]
        length += len(found)
        cursor = match.end()
    return OpenText("".join([*pieces, source[cursor:]]), tuple(marks))


def _read(match: regex.Match[str], *, quoted: bool) -> str | None:
    """What an escape stands for; None where it is none, or is an encoded word, which is read as a whole."""
    raw: str = match.group()
    if match["word"]:
        return None
    if match["quoted"]:
        return _read_quoted(raw) if quoted else None
    if match["octal"]:
        data = bytes(int(one, 8) for one in raw[1:].split("\\"))
        return data.decode() if len(data) > 1 and not data.isascii() and _is_utf8(data) else None
    if match["percent"]:
        text = unquote(raw) if _is_utf8(bytes.fromhex(raw.replace("%", ""))) else None
        return text if text and text.isprintable() else None
    if match["entity"]:
        text = html.unescape(raw)
        return None if text == raw else text
    if match["code"]:
        return _read_code(raw)
    if match["control"]:
        return _CONTROLS[raw[1]]
    if match["tag"] and match["name"] != "wbr" and f"</{match['name']}>" not in match.string:
        return None
    return raw[1:] if match["punctuation"] else ""


def _read_quoted(raw: str) -> str | None:
    """Quoted-printable (RFC 2045, 6.7); what is no UTF-8 is read as Windows' Latin letters."""
    if raw[1] in " \t\r\n":
        return ""
    data = bytes.fromhex(raw.replace("=", ""))
    text = data.decode("utf-8" if _is_utf8(data) else "cp1252", "replace")
    return text if all(character.isprintable() or character in "\t\r\n" for character in text) else None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_code(raw: str) -> str | None:
    units = [int(next(filter(None, match.groups())), 16) for match in _CODE.finditer(raw)]
    if any(unit > 0x10FFFF for unit in units):
        return None
    text = "".join(map(chr, units))
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _find_places(match: regex.Match[str], found: str) -> list[tuple[int, int]]:
    """The stretch of the source of each character of an escape, or of several in a row."""
    start, end = match.span()
    if len(found) <= 1:
        return [(start, end)] * len(found)
    if match["percent"] or match["quoted"] or match["octal"]:
        size = 4 if match["octal"] else 3
        single = len(found) * size == end - start
        widths = [size * (1 if single else len(character.encode())) for character in found]
    elif match["code"]:
        units = iter(len(unit.group()) for unit in _CODE.finditer(match.group()))
        braced = "{" in match.group()
        widths = [next(units) + (next(units) if ord(c) > _BASIC and not braced else 0) for c in found]
    else:
        return [(start, end)] * len(found)
    ends = list(accumulate(widths, initial=start))
    return list(pairwise(ends))
