"""A text as a reader sees it: without invisible characters, accents composed, letters of other widths and styles plain.

`Mu\u0308ller`, `Mül\u00adler`, `Ｍüller`, `𝐌üller`, `M ü l l e r` and `Müller` with a Cyrillic М all read `Müller`: so
they are given to predictors and searched for repeats, and so they are masked. Nothing of the text itself is changed.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import fold
from goldspan.annotation.types import Entity

_INVISIBLE = r"\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Soft hyphens, zero-width spaces, joiners of graphemes and words, marks of direction, invisible operators."""

_SELECTORS = r"\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors, which change no letter."""

_TAGS = 0xE0000
"""Tag characters (U+E0020 to U+E007E) are invisible and spell ASCII at this distance."""

_ALIKE = str.maketrans("АВЕЅІЈКМНОРСТХУаеѕіјорсухԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTXYaesijopcyxdqwABEZHIKMNOPTYXo")
"""Letters of Cyrillic and Greek that look like one of Latin, which they are in a word whose others are all Latin."""

_ALIKES = "".join(map(chr, _ALIKE))

_STYLED = {
    **dict(zip(map(ord, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ"), "ABCDEFGHIJKLMNOPRSTUVWYZ", strict=True)),
    **{first + n: chr(ord("A") + n) for first in (0x1F150, 0x1F170) for n in range(26)},
}
"""Small capitals, and white letters in black circles and squares, which Unicode does not decompose."""

_OVERLAYS = regex.compile(r"[\u0305\u0332-\u0338]")
"""Lines through, under and over a letter."""

_SIGNS = regex.compile(
    rf"(?P<invisible>[{_INVISIBLE}]+|(?<=[\p{{L}}\p{{N}}\p{{P}}])[{_SELECTORS}]+|(?<=[\p{{Latin}}\p{{N}}])[\u200c\u200d]+(?=[\p{{Latin}}\p{{N}}]))"
    r"|(?P<styled>[\u00a0\u02b0-\u02b8\u02e1-\u02e3\u1d2c-\u1d6a\u2000-\u200a\u202f\u205f\u2071\u207f\u2090-\u209c\u24b6-\u24e9"
    rf"\u3000\ufb00-\ufb06\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f130-\U0001f149{''.join(map(chr, _STYLED))}])"
    r"|(?P<tag>[\U000e0020-\U000e007e])"
    rf"|(?P<alike>(?<!\p{{L}})(?=\p{{Latin}}*[{_ALIKES}])(?=[{_ALIKES}]*\p{{Latin}})"
    rf"[\p{{Latin}}{_ALIKES}]+(?![\p{{L}}\p{{M}}]))"
    r"|(?P<digit>[^\P{Nd}0-9])"
    rf"|(?P<marked>\P{{M}}(?:(?![{_INVISIBLE}{_SELECTORS}])\p{{M}})+)"
)

_LEAST, _LEAST_DIGITS = 4, 8
"""Letters and digits, or digits alone, in a row that are read as a word: texts have fewer, tables shorter rows."""

_MARKS = ".·‐‑–-"
_ROW = re.compile(
    rf"\b[^\W_](?=[ {_MARKS}])"
    rf"(?:(?: {{1,4}}\S)+ {{1,4}}[^\W_]|(?P<by>[{_MARKS}])(?:(?!(?P=by))[\w.@](?P=by))+[^\W_])(?!\w)"
)
"""Characters written apart: by blanks, with wider gaps between words, or by marks."""

_GAP = regex.compile(r"(?<! ) (?! )(?!(?<=[,;:] )\p{L})(?!(?<=[\p{Ll}.,;:] )\p{Lu} \p{Ll})")
"""A blank between characters of one word; the next word begins with a capital, or after a mark."""

_DIVIDED = regex.compile(r"(?<=\p{L})[-\u2010]\r?\n[ \t]*(?=\p{Ll})")


@dataclass(frozen=True, slots=True)
class VisibleText:
    """What a reader sees of a source: character `n` of `text` stands at `[starts[n], ends[n])` of the source."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the source of a stretch of the text that is not empty.

        Raises:
            MaskingError: it lies outside the text.
        """
        if not 0 <= start < end <= len(self.text):
            raise MaskingError(f"There is no span {start}–{end} in a text of {len(self.text)} visible characters.")
        return self.starts[start], self.ends[end - 1]

    def find(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the text that a stretch of the source touches; empty where it is invisible."""
        first = bisect_right(self.ends, start)
        return first, max(first, bisect_left(self.starts, end))

    def locate_entities(self, entities: Iterable[Entity]) -> list[Entity]:
        """Entities of the text as entities of the source."""
        places = ((entity, self.locate(entity.start, entity.end)) for entity in entities)
        return [replace(entity, start=start, end=end) for entity, (start, end) in places]


def show_text(source: str) -> VisibleText | None:
    """The visible text of a source; None where it is the source itself."""
    shown = None if source.isascii() else _apply(source, _show_signs(source))
    joined = _apply(shown.text if shown else source, _join_rows(shown.text if shown else source))
    if shown is None or joined is None:
        return shown or joined
    starts, ends = (shown.starts[start] for start in joined.starts), (shown.ends[end - 1] for end in joined.ends)
    return VisibleText(joined.text, tuple(starts), tuple(ends))


def fold_visible(text: str) -> str:
    """For comparing, never for storing: what a reader sees, case folded; a word that is divided at a line is whole."""
    shown = show_text(text)
    return fold(_DIVIDED.sub("", shown.text if shown else text))


def _apply(source: str, edits: Iterable[tuple[int, int, str]]) -> VisibleText | None:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    cursor = 0
    for start, end, shown in edits:
        pieces += (source[cursor:start], shown)
        starts += [*range(cursor, start), *([start] * len(shown))]
        ends += [*range(cursor + 1, start + 1), *([end] * len(shown))]
        cursor = end
    if not pieces:
        return None
    starts += range(cursor, len(source))
    ends += range(cursor + 1, len(source) + 1)
    return VisibleText("".join([*pieces, source[cursor:]]), tuple(starts), tuple(ends))


def _show_signs(source: str) -> Iterator[tuple[int, int, str]]:
    for match in _SIGNS.finditer(source):
        shown = _show(match)
        if shown != match.group():
            yield *match.span(), shown


def _join_rows(source: str) -> Iterator[tuple[int, int, str]]:
    for match in _ROW.finditer(source):
        row = match.group()
        if sum(map(str.isalnum, row)) < (_LEAST if any(map(str.isalpha, row)) else _LEAST_DIGITS):
            continue
        if match["by"]:
            yield from ((at, at + 1, "") for at in range(*match.span()) if source[at] == match["by"])
        else:
            yield from ((*gap.span(), "") for gap in _GAP.finditer(source, *match.span()))


def _show(match: regex.Match[str]) -> str:
    raw: str = match.group()
    if match["invisible"]:
        return ""
    if match["tag"]:
        return chr(ord(raw) - _TAGS)
    if match["alike"]:
        return raw.translate(_ALIKE)
    if match["digit"]:
        return str(unicodedata.decimal(raw, raw))
    if match["styled"]:
        return unicodedata.normalize("NFKC", raw.translate(_STYLED))
    return unicodedata.normalize("NFC", _OVERLAYS.sub("", raw))
