"""Word boundaries, in any script.

A border is *inside a word* when the characters on both sides of it belong together: two letters or digits of a
script that puts spaces between words, or the parts of one visible character (accents, emoji sequences). Invisible
characters that only join (soft hyphen, zero-width non-joiner and joiner, word joiner) belong to their word.
Underscores at the edge of a word are marks of emphasis (`_Ann_`), those inside belong to it (`first_name`).
Scripts written without spaces (Han, Kana, Thai …) and Hangul, which attaches particles, have no such borders.
Unicode's word rules (UAX #29) are followed in letting apostrophes and hyphens divide words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

import regex

_JOINERS = "\u00ad\u200c\u200d\u2060"
_WORD = regex.compile(rf"[\p{{L}}\p{{M}}\p{{N}}_]+(?:[{_JOINERS}]+[\p{{L}}\p{{M}}\p{{N}}_]+)*")
_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\u30fc]"
)
_REACH = 8
"""Characters that are looked at beyond a joiner."""

_MOST_SCANNED = 500_000_000
_KATAKANA = regex.compile(r"[\p{Katakana}\u30fc\uff70]")
_EXTENDS = regex.compile(r"[\p{M}\p{Emoji_Modifier}\u200d\ufe00-\ufe0f\U000e0020-\U000e007f]")
_REGIONAL = regex.compile(r"[\U0001F1E6-\U0001F1FF]")
_ASCII = frozenset(map(chr, range(128)))
_ASCII_WORD = frozenset(character for character in _ASCII if character.isalnum() or character == "_")
_ASCII_BREAK = _ASCII - _ASCII_WORD
_CONNECTORS = "-\u2010\u2011.@"


@lru_cache(maxsize=8192)
def _joins_words(character: str) -> bool:
    return bool(_WORD.match(character)) and not _UNSPACED.match(character)


def splits_word_at(text: str, border: int) -> bool:
    """True if cutting the text at this offset cuts a word or a visible character in two."""
    if not 0 < border < len(text):
        return False
    left, right = text[border - 1], text[border]
    if left in _ASCII and right in _ASCII:
        if "_" in (left, right):
            return _joins_over_underscores(text, border)
        return (left in _ASCII_WORD and right in _ASCII_WORD) or (left, right) == ("\r", "\n")
    if _EXTENDS.match(right) or left == "\u200d":
        return True
    if _REGIONAL.match(left) and _REGIONAL.match(right):
        return (_count_regional(text, border) % 2) == 1
    if left in _JOINERS or right in _JOINERS:
        left = text[max(0, border - _REACH) : border].rstrip(_JOINERS)[-1:]
        right = text[border : border + _REACH].lstrip(_JOINERS)[:1]
    if "_" in (left, right):
        return _joins_over_underscores(text, border)
    return _joins_words(left) and _joins_words(right)


def _joins_over_underscores(text: str, border: int) -> bool:
    """True if the nearest characters on both sides that are no underscores belong to words."""
    before, after = border - 1, border
    while before >= 0 and text[before] == "_":
        before -= 1
    while after < len(text) and text[after] == "_":
        after += 1
    return before >= 0 and after < len(text) and _joins_words(text[before]) and _joins_words(text[after])


def _count_regional(text: str, border: int) -> int:
    count = 0
    while border - count > 0 and _REGIONAL.match(text[border - count - 1]):
        count += 1
    return count


def splits_word(text: str, start: int, end: int) -> bool:
    """True if the span begins or ends inside a word."""
    return splits_word_at(text, start) or splits_word_at(text, end)


def stands_alone(text: str, start: int, end: int) -> bool:
    """True for most spans, and quickly: ASCII word characters at both edges, and ASCII breaks or nothing around."""
    return (
        text[start] in _ASCII_WORD
        and text[end - 1] in _ASCII_WORD
        and (start == 0 or text[start - 1] in _ASCII_BREAK)
        and (end == len(text) or text[end] in _ASCII_BREAK)
    )


def joins_compound(text: str, start: int, end: int) -> bool:
    """True if more of a word follows: `Jean` in `Jean-Luc`, `ann` in `ann@mail.net`, `マリア` in `マリアン`."""
    if _continues_katakana(text, start) or _continues_katakana(text, end):
        return True
    before = start >= 2 and text[start - 1] in _CONNECTORS and _joins_words(text[start - 2])
    after = end + 1 < len(text) and text[end] in _CONNECTORS and _joins_words(text[end + 1])
    return before or after


def _continues_katakana(text: str, border: int) -> bool:
    return 0 < border < len(text) and all(_KATAKANA.match(character) for character in text[border - 1 : border + 1])


def trim_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its edges; empty (`start == end`) if there is nothing else."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def snap_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The nearest span with clean borders: white space trimmed, then each edge moved to a word border.

    An edge moves the shorter way; on a tie, and where the span would become empty, outwards.
    """
    start, end = trim_span(text, start, end)
    if start == end:
        return start, end
    snapped_start = _nearest_border(text, start, outwards=-1)
    snapped_end = _nearest_border(text, end, outwards=1)
    if snapped_start >= snapped_end:
        snapped_start, snapped_end = _walk(text, start, -1), _walk(text, end, 1)
    return trim_span(text, snapped_start, snapped_end)


def _walk(text: str, border: int, step: int) -> int:
    while splits_word_at(text, border):
        border += step
    return border


def _nearest_border(text: str, border: int, outwards: int) -> int:
    outer, inner = _walk(text, border, outwards), _walk(text, border, -outwards)
    return outer if abs(outer - border) <= abs(inner - border) else inner


def find_occurrences(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Every word-bounded place where the value stands verbatim; places do not overlap."""
    position = text.find(value) if value else -1
    while position >= 0:
        end = position + len(value)
        if splits_word(text, position, end):
            position = text.find(value, position + 1)
        else:
            yield position, end
            position = text.find(value, end)


def find_all_occurrences(text: str, values: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """`find_occurrences` of many values in one pass over the text, as start, end and value, in no certain order.

    Values that begin in a script without spaces are searched one by one, and at most `_MOST_SCANNED` characters are
    read for them.
    """
    by_word: dict[str, dict[tuple[int, int], set[str]]] = {}
    budget = _MOST_SCANNED
    for value in values:
        first = _WORD.search(value)
        if first and not _UNSPACED.search(first[0]):
            by_word.setdefault(first[0], {}).setdefault((first.start(), len(value)), set()).add(value)
        elif budget > 0:
            budget -= len(text)
            yield from ((start, end, value) for start, end in find_occurrences(text, value))
    reached: dict[str, int] = {}
    for match in _WORD.finditer(text) if by_word else ():
        for (lead, length), wanted in by_word.get(match[0], {}).items():
            start = match.start() - lead
            value = text[start : start + length] if start >= 0 else ""
            if value in wanted and start >= reached.get(value, 0) and not splits_word(text, start, start + length):
                reached[value] = start + length
                yield start, start + length, value


def fold(text: str) -> str:
    """For comparing, never for storing: canonical composition, case folded."""
    return unicodedata.normalize("NFC", text).casefold()
