"""Offsets that other programs count in UTF-16 code units (JavaScript, Java): converted to code points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from goldspan.annotation.formats.rows.raw import Code, RawSpan, RowError


def read_utf16_spans(text: str, spans: Sequence[RawSpan]) -> tuple[RawSpan, ...]:
    """Spans with offsets in code points.

    Raises:
        RowError: an offset lies outside the text or inside a surrogate pair.

    """
    if text.isascii():
        return tuple(spans)
    units = dict(zip(accumulate((1 + (c > "\uffff") for c in text), initial=0), range(len(text) + 1), strict=True))
    converted = []
    for span in spans:
        if span.start is None or span.end is None:
            converted.append(span)
            continue
        if span.start not in units or span.end not in units:
            raise RowError(Code.OFFSETS, f"{span.start}–{span.end} is no place of the text in UTF-16 units")
        converted.append(replace(span, start=units[span.start], end=units[span.end]))
    return tuple(converted)


def count_utf16(text: str) -> list[int]:
    """The UTF-16 offset of each code point of a text, and of its end."""
    return list(accumulate((1 + (c > "\uffff") for c in text), initial=0))
