"""Which stretches of a text are masked: model, recognisers, deny and allow lists, thresholds, repeats, overlaps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.text.words import find_occurrences, fold, splits_word, splits_word_at
from goldspan.annotation.types import Entity
from goldspan.masking.policy import Policy, Recogniser, Rule
from goldspan.masking.visible import show_text

PATTERN_SECONDS = 5.0
"""A recogniser that takes longer on one text is an error: a pattern must not stop a server."""

EMBEDDED = "EMBEDDED"
"""The label of what a document holds and nobody can read: a file in base64, a certificate. It is always masked."""

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

_BEFORE, _AFTER = frozenset("@#/\\"), frozenset("@/\\")
"""Signs of addresses, tags and paths beside a name."""

_BETWEEN = r"[\p{Zs}./()-]{0,3}"


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """A stretch that is masked; `source` as in `Replacement`."""

    start: int
    end: int
    label: str
    score: float | None = None
    source: str = "model"


class Detection(NamedTuple):
    """The stretches to mask, in text order and without overlap, and how many entities were below their threshold."""

    spans: tuple[FoundSpan, ...]
    below_threshold: int


def find_spans(
    text: str,
    entities: Iterable[Entity],
    policy: Policy,
    schema: LabelSchema,
    country: str = "",
    known: Mapping[str, FoundSpan] = MappingProxyType({}),
) -> Detection:
    """The stretches of a text that the policy masks.

    Where stretches overlap, all of them is masked as one, with the label of the longest (then of the higher score).
    No stretch begins or ends inside a visible character. Lists, recognisers and repeats see the text and what a
    reader sees of it. `known`
    are values that were masked elsewhere: where the policy sweeps, they are looked for as repeats are.

    Raises:
        MaskingError: an entity lies outside the text, or a recogniser took too long.
    """
    given = list(_read_entities(text, entities))
    found = _find_spans(text, given, policy, schema, country, known)
    shown = show_text(text)
    if shown is None:
        return found
    places = [shown.find(span.start, span.end) for span in given]
    seen = [_move(span, *place) for span, place in zip(given, places, strict=True) if place[0] < place[1]]
    spans = _find_spans(shown.text, seen, policy, schema, country, known).spans
    moved = [_move(span, *shown.locate(span.start, span.end)) for span in spans]
    return Detection(unite_spans([*found.spans, *moved]), found.below_threshold)


def _find_spans(
    text: str,
    given: Sequence[FoundSpan],
    policy: Policy,
    schema: LabelSchema,
    country: str,
    known: Mapping[str, FoundSpan],
) -> Detection:
    found = [*given, *_run_recognisers(text, policy.recognisers, country)]
    allowed = {fold(term) for term in policy.allow}
    kept: list[FoundSpan] = []
    below = 0
    for span in found:
        rule = Rule("replace") if span.label == EMBEDDED else policy.find_rule(span.label, schema)
        if rule.operator == "keep" or fold(text[span.start : span.end]) in allowed:
            continue
        if span.score is not None and span.score < rule.threshold:
            below += 1
        else:
            kept.append(span)
    kept += _find_denied(text, policy)
    spans = unite_spans(_widen(text, span) for span in kept)
    while policy.sweep and (repeats := _find_repeats(text, spans, known)):
        spans = unite_spans([*spans, *repeats])
    return Detection(spans, below)


def _move(span: FoundSpan, start: int, end: int) -> FoundSpan:
    return replace(span, start=start, end=end)


def unite_spans(spans: Iterable[FoundSpan]) -> tuple[FoundSpan, ...]:
    """Stretches that overlap as one stretch, with label, score and source of the longest, then of the higher score."""
    united: list[FoundSpan] = []
    strongest: list[FoundSpan] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end, one.source == "repeat", one.label)):
        if united and span.start < united[-1].end:
            strongest[-1] = max(strongest[-1], span, key=_rank)
            end = max(united[-1].end, span.end)
            united[-1] = replace(strongest[-1], start=united[-1].start, end=end)
        else:
            united.append(span)
            strongest.append(span)
    return tuple(united)


def is_telling(value: str) -> bool:
    """True for a value that is looked for elsewhere: long enough not to be any word or number."""
    letters = any(character.isalpha() for character in value)
    return (letters and len(value) >= _MIN_LETTERS) or sum(c.isdigit() for c in value) >= _MIN_DIGITS


def _rank(span: FoundSpan) -> tuple[int, float, bool]:
    return span.end - span.start, 1.0 if span.score is None else span.score, span.source != "repeat"


def _read_entities(text: str, entities: Iterable[Entity]) -> Iterator[FoundSpan]:
    for entity in entities:
        if not 0 <= entity.start < entity.end <= len(text):
            raise MaskingError(
                f"The predictor gave the span {entity.start}–{entity.end} for a text of {len(text)} characters."
            )
        yield FoundSpan(entity.start, entity.end, entity.label, entity.score)


def _run_recognisers(text: str, recognisers: Sequence[Recogniser], country: str) -> Iterator[FoundSpan]:
    for recogniser in recognisers:
        pattern = _compile(recogniser.pattern)
        try:
            matches = pattern.finditer(text, timeout=PATTERN_SECONDS, concurrent=True)
            places = [match.span(1 if pattern.groups else 0) for match in matches]
        except TimeoutError:
            raise MaskingError(
                f"The recogniser of {recogniser.label} took more than {PATTERN_SECONDS:.0f} s; simplify its pattern."
            ) from None
        for start, end in places:
            if start < end and _accepts(text, start, end, recogniser, country):
                yield FoundSpan(start, end, recogniser.label, recogniser.score, "recogniser")


@lru_cache(maxsize=256)
def _compile(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


def _accepts(text: str, start: int, end: int, recogniser: Recogniser, country: str) -> bool:
    if recogniser.validator and not check_value(recogniser.validator, text[start:end], country):
        return False
    if not recogniser.context:
        return True
    around = fold(text[max(0, start - recogniser.window) : start] + " " + text[end : end + recogniser.window])
    return any(next(find_occurrences(around, fold(word)), None) for word in recogniser.context)


def _find_denied(text: str, policy: Policy) -> Iterator[FoundSpan]:
    for term in policy.deny:
        for match in _compile(f"(?i){regex.escape(term.text)}").finditer(text):
            if not splits_word(text, *match.span()):
                yield FoundSpan(*match.span(), term.label, 1.0, "deny")


def _widen(text: str, span: FoundSpan) -> FoundSpan:
    """The span grown to whole visible characters (extended grapheme clusters, UAX #29)."""
    start, end = span.start, span.end
    if _cuts_grapheme(text, start):
        start = _find_boundaries(text, start)[0]
    if _cuts_grapheme(text, end):
        end = _find_boundaries(text, end)[1]
    return span if (start, end) == (span.start, span.end) else replace(span, start=start, end=end)


def _cuts_grapheme(text: str, border: int) -> bool:
    if not 0 < border < len(text):
        return False
    left, right = text[border - 1], text[border]
    if left.isascii() and right.isascii():
        return left == "\r" and right == "\n"
    before, after = _find_boundaries(text, border)
    return before < border < after


def _find_boundaries(text: str, border: int) -> tuple[int, int]:
    """Begin and end of the visible character around an offset; both are the offset where it cuts none."""
    begin = text.rfind("\n", 0, border - 1) + 1 if border > 1 else 0
    for match in regex.compile(r"\X").finditer(text, begin):
        if match.end() > border:
            return (match.start(), match.end()) if match.start() < border else (border, border)
        if match.end() == border:
            return border, border
    return border, border


def _find_repeats(text: str, spans: Sequence[FoundSpan], known: Mapping[str, FoundSpan]) -> list[FoundSpan]:
    """Occurrences of each masked value, verbatim or respelled, that are not masked whole yet."""
    standing = ((text[span.start : span.end], span) for span in spans)
    values: dict[str, FoundSpan] = {}
    for value, span in chain(known.items(), standing):
        if is_telling(value):
            values.setdefault(value, span)
    starts = [span.start for span in spans]
    lowered = _lower(text)
    return [
        replace(span, start=start, end=end, source="repeat")
        for value, span in values.items()
        for start, end in chain(
            _find_cased(text, value), _find_respelled(text, value), _find_in_identifiers(text, lowered, value)
        )
        if not spans or spans[max(bisect_right(starts, start) - 1, 0)].end < end or start < starts[0]
    ]


def _find_cased(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Where a value stands verbatim or in capitals, a value in capitals with one; addresses and codes in any case."""
    if "@" in value or (not value.isalpha() and any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        pattern = _compile(f"(?i){regex.escape(value)}")
        return (match.span() for match in pattern.finditer(text) if not splits_word(text, *match.span()))
    forms = {value} if len(value) < _CAPITALS else {value, value.upper(), value.title() if value.isupper() else value}
    return chain.from_iterable(find_occurrences(text, form) for form in forms)


def _find_respelled(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Where a number stands in other groups, with or without the code of its country.

    `tel:+49301234567` and `(030) 123 45 67` beside `+49 30 1234567`.
    """
    pattern = _compile_number(value)
    if pattern is not None:
        yield from (match.span() for match in pattern.finditer(text))


def _find_in_identifiers(text: str, lowered: str, value: str) -> Iterator[tuple[int, int]]:
    """Where a word is part of a name for machines: `Ann_1`, `AnnLee`, `lee.pdf`, `@lee`, `/lee` of a path, all of it.

    With its signs it is no word that could stand elsewhere, as `will` of `will.lee` could.
    """
    if not value.isalpha():
        return
    wanted, start = _lower(value), -1
    while (start := lowered.find(wanted, start + 1)) >= 0:
        end = start + len(value)
        verbatim = text[start:end] == value
        if verbatim or len(value) >= _CAPITALS:
            grown = _grow(text, start, end, verbatim=verbatim)
            if grown[1] - grown[0] > len(value):
                yield grown


def _grow(text: str, start: int, end: int, *, verbatim: bool) -> tuple[int, int]:
    """The name for machines around a word; the word itself where it is none, or only part of another word."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if splits_word(text, start, end):
        left = before == "_" or before.isdigit() or (verbatim and before.islower() and text[start].isupper())
        right = after == "_" or after.isdigit() or (verbatim and after.isupper() and text[end - 1].islower())
        if (left or not splits_word_at(text, start)) and (right or not splits_word_at(text, end)):
            return _reach(text, start, -1), _reach(text, end, 1)
        return start, end
    if not text[start:end].islower():
        return start, end
    begin = start - 1 if before in _BEFORE else start
    if before == "." and text[start - 2 : start - 1].isalnum():
        begin = _reach(text, start - 2, -1)
    if after == "." and text[end + 1 : end + 2].isalnum():
        return begin, _reach(text, end + 2, 1)
    return begin, end + 1 if after in _AFTER else end


def _reach(text: str, border: int, step: int) -> int:
    """The end of the word that a border lies in."""
    while splits_word_at(text, border):
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
def _compile_number(value: str) -> regex.Pattern[str] | None:
    if not is_number(value):
        return None
    signs = "".join(filter(str.isalnum, value))
    forms = [_BETWEEN.join(signs)]
    if signs.isdigit():
        code = "" if not value.startswith(("+", "00")) else signs.removeprefix("00")
        local = [code[digits:] for digits in (1, 2, 3)] if code else [signs.removeprefix("0")]
        local = [_BETWEEN.join(one) for one in local if len(one) >= _LOCAL_DIGITS]
        if local:
            forms.append(rf"(?:(?:\+|00)\d{{1,3}}{_BETWEEN}(?:\(0\){_BETWEEN})?|\(?0)?(?:{'|'.join(local)})")
    return regex.compile(rf"(?i)(?<![\p{{L}}\p{{N}}])(?:{'|'.join(forms)})(?![\p{{L}}\p{{N}}])")
