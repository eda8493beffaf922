"""Which stretches of a text are masked: model, recognisers, deny and allow lists, thresholds, repeats, overlaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.text.words import find_occurrences, fold, splits_word
from goldspan.annotation.types import Entity
from goldspan.masking.policy import Policy, Recogniser, Rule
from goldspan.masking.repeats import IDENTIFIER, RepeatFinder
from goldspan.masking.result import FoundSpan
from goldspan.masking.visible import show_text

PATTERN_SECONDS = 5.0
"""A recogniser that takes longer on one text is an error: a pattern must not stop a server."""

EMBEDDED = "EMBEDDED"
"""The label of what a document holds and nobody can read: a file in base64, a certificate. It is always masked."""

_FOUND_AGAIN = frozenset({"repeat", IDENTIFIER})


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
    finder = RepeatFinder(text) if policy.sweep else None
    while finder and (repeats := finder.find(spans, known)):
        spans = unite_spans([*spans, *repeats])
    return Detection(spans, below)


def _move(span: FoundSpan, start: int, end: int) -> FoundSpan:
    return replace(span, start=start, end=end)


def unite_spans(spans: Iterable[FoundSpan]) -> tuple[FoundSpan, ...]:
    """Stretches that overlap as one stretch, with label, score and source of the longest, then of the higher score."""
    united: list[FoundSpan] = []
    strongest: list[FoundSpan] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end, one.source in _FOUND_AGAIN, one.label)):
        if united and span.start < united[-1].end:
            strongest[-1] = max(strongest[-1], span, key=_rank)
            end = max(united[-1].end, span.end)
            united[-1] = replace(strongest[-1], start=united[-1].start, end=end)
        else:
            united.append(span)
            strongest.append(span)
    return tuple(united)


def _rank(span: FoundSpan) -> tuple[int, float, bool]:
    return span.end - span.start, 1.0 if span.score is None else span.score, span.source not in _FOUND_AGAIN


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
