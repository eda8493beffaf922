"""Offset-preserving folding: compare texts that differ in typography only, and know where each character came from.

Folded away are Unicode form (NFKC), kinds of quotes, dashes and spaces, runs of white space, invisible characters
(soft hyphen, zero-width characters, direction marks), a hyphen at a line's end, and on request letter case.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import regex

_QUOTES = dict.fromkeys("‘’‚‛′ʼʹ`´＇ꞌ", "'") | dict.fromkeys("“”„‟«»″＂〝〞〟", '"')
_DASHES = dict.fromkeys("‐‑‒–—―−﹘﹣－⁃˗", "-")
_PLAIN = _QUOTES | _DASHES
_INVISIBLE = r"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u061c"
_PIECE = regex.compile(
    rf"(?P<hyphen>(?<=\p{{L}})[-\u2010\u00ad][^\S\n]*\r?\n[^\S\n]*(?=\p{{L}}))"
    rf"|(?P<space>(?:[\s\u3164][{_INVISIBLE}]*)+)|(?P<hidden>[{_INVISIBLE}]+)|(?P<plain>(?:[\x21-\x2c\x2e-\x7e]|-(?![^\S\n]*\r?\n))+(?!\p{{M}}))|(?P<other>\X)"
)
_SIMPLE = regex.compile(r" ?(?:[\x21-\x5f\x61-\x7e]+ )*+[\x21-\x5f\x61-\x7e]*+\Z")


@dataclass(frozen=True, slots=True)
class FoldedText:
    """A folded text; `starts` and `ends` give the source offsets (code points) of each of its characters."""

    text: str
    starts: tuple[int, ...] | range
    ends: tuple[int, ...] | range

    def locate(self, start: int, end: int) -> tuple[int, int] | None:
        """The source span of a span of the folded text; None if it would cut a source character in two."""
        if start >= end:
            return None
        if start and self.starts[start - 1] == self.starts[start]:
            return None
        if end < len(self.text) and self.starts[end] == self.starts[end - 1]:
            return None
        return self.starts[start], self.ends[end - 1]

    def find(self, start: int, end: int) -> tuple[int, int]:
        """The span of the folded text that covers a span of the source."""
        return bisect_left(self.starts, start), bisect_left(self.starts, end)


def fold_text(text: str, *, case: bool = False, joined: bool = True) -> FoldedText:
    """Fold a text; `case` folds capitals too, `joined` drops the hyphen of a word divided at a line's end."""
    if is_plain(text):
        return FoldedText(text.lower() if case else text, range(len(text)), range(1, len(text) + 1))
    folded: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for piece, start, end in _fold_pieces(text, joined=joined):
        if case:
            piece = piece.casefold().replace("i\u0307", "i")
        folded.append(piece)
        if len(piece) == end - start and piece.isascii():
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
        else:
            starts.extend([start] * len(piece))
            ends.extend([end] * len(piece))
    return FoldedText("".join(folded), tuple(starts), tuple(ends))


def is_plain(text: str) -> bool:
    """True if folding changes nothing but letter case."""
    return _SIMPLE.match(text) is not None


def fold_value(value: str, *, case: bool = False, joined: bool = True) -> str:
    """The folded form of a value."""
    return fold_text(value, case=case, joined=joined).text


def _fold_pieces(text: str, *, joined: bool) -> Iterator[tuple[str, int, int]]:
    for match in _PIECE.finditer(text):
        kind, (start, end) = match.lastgroup, match.span()
        if kind == "plain":
            yield match[0].translate({0x60: "'"}), start, end
        elif kind == "space":
            yield " ", start, end
        elif kind == "hyphen":
            if not joined:
                yield "-", start, end
        elif kind == "other":
            piece = "".join(_PLAIN.get(c, c) for c in unicodedata.normalize("NFKC", match[0]))
            yield regex.sub(rf"[{_INVISIBLE}]", "", "".join(_PLAIN.get(c, c) for c in piece)), start, end
