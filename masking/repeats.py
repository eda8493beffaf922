"""Where masked values stand again: verbatim, in capitals, in identifiers, numbers in other groups."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain

import regex

from goldspan.annotation.text.words import find_occurrences, splits_word, splits_word_at
from goldspan.masking.persons import spell_plainly
from goldspan.masking.result import FoundSpan

IDENTIFIER = "identifier"
"""The source of a stretch that is a name for machines and holds a masked value."""

_MIN_LETTERS, _MIN_DIGITS = 3, 5
"""A value is looked for elsewhere when it has a letter and 3 characters, or 5 digits: `12` or `US` say too little."""

_CAPITALS = 4
"""Letters of a value from which it is also looked for in capitals, and in any case in identifiers."""

_NUMBER = regex.compile(r"[A-Za-z0-9\p{Zs}+./()-]+")
TRUNK = "(0)"
"""What stands in a telephone number for calls from inside the country: no digit of the number."""

_NUMBER_DIGITS = 7
"""A value of so many digits, at least half of its letters and digits, is a number that may be grouped otherwise."""

_LOCAL_DIGITS = 8
"""Digits of a number without the code of its country from which it is looked for with and without one."""

_BEFORE_NUMBER = 20
"""Characters before the digits of a number in which the code of its country stands."""

_BEFORE, _AFTER = frozenset("@#=/\\"), frozenset("@/\\")
"""Signs of addresses, tags, paths and queries beside a name."""

_BETWEEN = r"[\p{Zs}./()-]{0,3}"


def is_telling(value: str) -> bool:
    """True for a value that is looked for elsewhere: long enough not to be any word or number."""
    letters = any(character.isalpha() for character in value)
    return (letters and len(value) >= _MIN_LETTERS) or sum(c.isdigit() for c in value) >= _MIN_DIGITS


def is_verifiable(value: str, source: str) -> bool:
    """True for a masked value that must stand nowhere else: what an identifier holds may be a word elsewhere."""
    return is_telling(value) and source not in ("reference", "literal", IDENTIFIER)


class RepeatFinder:
    """Finds where masked values stand again in one text; each value is looked for once."""

    def __init__(self, text: str) -> None:
        self._text, self._lowered = text, _lower(text)
        self._searched: set[str] = set()

    def find(self, spans: Sequence[FoundSpan], known: Mapping[str, FoundSpan]) -> list[FoundSpan]:
        """Occurrences of values, verbatim, respelled or in identifiers, that are not masked whole by the spans yet.

        The values are those known and those of the spans, but for those that an earlier call looked for.
        """
        standing = ((self._text[span.start : span.end], span) for span in spans if span.source != IDENTIFIER)
        values: dict[str, FoundSpan] = {}
        for value, span in chain(known.items(), standing):
            if value not in self._searched and is_telling(value):
                values.setdefault(value, span)
        self._searched |= values.keys()
        starts = [span.start for span in spans]
        return [
            repeat
            for value, span in values.items()
            for repeat in self._find_value(value, span)
            if not _is_covered(repeat, spans, starts)
        ]

    def _find_value(self, value: str, span: FoundSpan) -> Iterator[FoundSpan]:
        text = self._text
        for start, end in chain(_find_cased(text, self._lowered, value), self._find_regrouped(value)):
            yield replace(span, start=start, end=end, source="repeat", named="")
        for start, end in _find_in_identifiers(text, self._lowered, value):
            yield replace(span, start=start, end=end, source=IDENTIFIER, named=value)

    def _find_regrouped(self, value: str) -> Iterator[tuple[int, int]]:
        """Where a number stands in other groups, with or without the code of its country.

        `tel:+49301234567` and `(030) 123 45 67` beside `+49 30 1234567`. Only places that have its digits are read.
        """
        if not is_number(value):
            return
        pattern, signs = _compile_number(value)
        letters, places = self._signs
        for wanted in signs:
            at = letters.find(wanted)
            while at >= 0:
                last = places[at + len(wanted) - 1]
                for match in pattern.finditer(self._text, max(places[at] - _BEFORE_NUMBER, 0), last + 2):
                    yield match.span()
                at = letters.find(wanted, at + 1)

    @cached_property
    def _signs(self) -> tuple[str, list[int]]:
        """The letters and digits of the text in lower case, and where each stands."""
        places = [place for place, character in enumerate(self._lowered) if character.isalnum()]
        return "".join(map(self._lowered.__getitem__, places)), places


def _is_covered(repeat: FoundSpan, spans: Sequence[FoundSpan], starts: Sequence[int]) -> bool:
    place = bisect_right(starts, repeat.start) - 1
    return place >= 0 and repeat.end <= spans[place].end


def _find_cased(text: str, lowered: str, value: str) -> Iterator[tuple[int, int]]:
    """Where a value stands verbatim or in capitals, a value in capitals with one; addresses and codes in any case."""
    if "@" in value or (not value.isalpha() and any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return find_occurrences(lowered, _lower(value))
    forms = {value} if len(value) < _CAPITALS else {value, value.upper(), value.title() if value.isupper() else value}
    if len(value) >= _CAPITALS and not value.isascii():
        forms |= {plain for form in forms for plain in spell_plainly(form)}
    return chain.from_iterable(find_occurrences(text, form) for form in forms)


def _find_in_identifiers(text: str, lowered: str, value: str) -> Iterator[tuple[int, int]]:
    """Names for machines that hold a word: `Ann_1`, `AnnLee`, `lee.pdf`, `lee` of `@lee` or a path.

    All of each, but only the next part on either side of those with many: `by_ann_lee` of `news_by_ann_lee_today`.
    """
    if not value.isalpha():
        return
    wanted, start = _lower(value), -1
    while (start := lowered.find(wanted, start + 1)) >= 0:
        end = start + len(value)
        verbatim = text[start:end] == value
        if verbatim or len(value) >= _CAPITALS:
            grown = _grow(text, start, end, verbatim=verbatim)
            if grown:
                yield grown


def _grow(text: str, start: int, end: int, *, verbatim: bool) -> tuple[int, int] | None:
    """The name for machines around a word; None where there is none: a word alone, or part of another word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if splits_word(text, start, end):
        left = before == "_" or before.isdigit() or (verbatim and before.islower() and text[start].isupper())
        right = after == "_" or after.isdigit() or (verbatim and after.isupper() and text[end - 1].islower())
        if (left or not splits_word_at(text, start)) and (right or not splits_word_at(text, end)):
            return _reach(text, start, -1), _reach(text, end, 1)
        return None
    if not text[start:end].islower():
        return None
    begin = _reach(text, start - 2, -1) if before == "." and text[start - 2 : start - 1].isalnum() else start
    stop = _reach(text, end + 2, 1) if after == "." and text[end + 1 : end + 2].isalnum() else end
    return (begin, stop) if (begin, stop) != (start, end) or before in _BEFORE or after in _AFTER else None


def _reach(text: str, border: int, step: int) -> int:
    """The end of the word that a border lies in, or of the next of the parts that underscores join."""
    crossed = False
    while splits_word_at(text, border):
        ahead, behind = (text[border], text[border - 1])[::step]
        if ahead == "_" != behind:
            if crossed:
                break
            crossed = True
        border += step
    return border


def _lower(text: str) -> str:
    """The text in lower case, character by character."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(map(_lower_character, text))


def _lower_character(character: str) -> str:
    lowered = character.lower()
    return lowered if len(lowered) == 1 else character


def is_number(value: str) -> bool:
    """True for a number that may be grouped otherwise: of a phone, an account, a card."""
    digits = sum(character.isdigit() for character in value)
    signs = sum(character.isalnum() for character in value)
    return digits >= _NUMBER_DIGITS and 2 * digits >= signs and _NUMBER.fullmatch(value) is not None


@lru_cache(maxsize=256)
def _compile_number(value: str) -> tuple[regex.Pattern[str], tuple[str, ...]]:
    """The pattern of a number in any groups, and the letters and digits of which a match has one in a row."""
    signs = "".join(filter(str.isalnum, value))
    wanted, forms = [_lower(signs)], [_BETWEEN.join(signs)]
    if signs.isdigit():
        code = "" if not value.startswith(("+", "00")) else signs.removeprefix("00")
        local = [code[digits:] for digits in (1, 2, 3)] if code else [signs.removeprefix("0")]
        wanted += [one for one in local if len(one) >= _LOCAL_DIGITS]
        if any_local := "|".join(map(_BETWEEN.join, wanted[1:])):
            forms.append(rf"(?:(?:\+|00)\d{{1,3}}{_BETWEEN}(?:\(0\){_BETWEEN})?|\(?0)?(?:{any_local})")
    pattern = regex.compile(rf"(?i)(?<![\p{{L}}\p{{N}}])(?:{'|'.join(forms)})(?![\p{{L}}\p{{N}}])")
    return pattern, tuple(wanted)
