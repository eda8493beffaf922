"""Offsets that other programs count in UTF-16 units, bytes or lines without their second character: code points."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from goldspan.annotation.formats.rows.raw import Code, RawCluster, RawSpan, RowError


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


def read_utf16_clusters(text: str, clusters: Sequence[RawCluster]) -> tuple[RawCluster, ...]:
    """Clusters with places in code points.

    Raises:
        RowError: as `read_utf16_spans`.
    """
    converted = []
    for cluster in clusters:
        spans = read_utf16_spans(text, [RawSpan((kind,), start, end) for start, end, kind in cluster.places])
        places = tuple((span.start or 0, span.end or 0, span.labels[0]) for span in spans)
        converted.append(replace(cluster, places=places))
    return tuple(converted)


def count_by_values(text: str, spans: Sequence[RawSpan]) -> tuple[RawSpan, ...]:
    """Spans in code points where their values show how offsets are counted; else unchanged.

    Offsets may count UTF-16 units, UTF-8 bytes, or line ends of two characters and a byte order mark as Windows
    programs do, also where the text has lost the second character; the end may be that of the last character, and the
    first character may be number 1.
    """
    if _cut_out(text, spans):
        return tuple(spans)
    lost = (1 + (character == "\n") for character in text)
    for sizes in (_count_characters(text), _count_units(text, "utf-16-le", 2), _count_units(text, "utf-8", 1), lost):
        places = dict(zip(accumulate(sizes, initial=0), range(len(text) + 1), strict=True))
        for first, last in ((0, 0), (0, 1), (-1, 0), (-1, -1)):
            converted = tuple(_move(span, places, first, last) for span in spans)
            if _cut_out(text, converted) and not ((first or last) and _has_edges(text, converted)):
                return converted
    return tuple(spans)


def join_parts(text: str, parts: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Start and end of a span of several parts; None if something else than white space lies between two of them."""
    if any(one[1] > other[0] or text[one[1] : other[0]].strip() for one, other in pairwise(parts)):
        return None
    return parts[0][0], parts[-1][1]


def agrees(value: str, seen: str) -> bool:
    """True if a value is what stands in the text but for white space and the Unicode form."""
    return value == seen or _fold(value) == _fold(seen) != ""


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _count_characters(text: str) -> Iterator[int]:
    """1 for each character; 0 for the second character of a line end, and for a byte order mark."""
    return (int(one != "\ufeff" and (before, one) != ("\r", "\n")) for before, one in pairwise(f" {text}"))


def _count_units(text: str, encoding: str, width: int) -> Iterator[int]:
    return (len(character.encode(encoding, "surrogatepass")) // width for character in text)


def _move(span: RawSpan, places: Mapping[int, int], first: int, last: int) -> RawSpan:
    if span.start is None or span.end is None:
        return span
    return replace(span, start=places.get(span.start + first, -1), end=places.get(span.end + last, -1))


def _has_edges(text: str, spans: Sequence[RawSpan]) -> bool:
    """True if a span begins or ends with white space: what is moved has to fit exactly."""
    seen = (text[span.start : span.end] for span in spans if span.start is not None)
    return any(words != words.strip() for words in seen)


def _cut_out(text: str, spans: Sequence[RawSpan]) -> bool:
    """True if every span with offsets and a value cuts its value out of the text."""
    placed = [span for span in spans if span.value is not None and span.start is not None]
    return all((span.start or 0) >= 0 and agrees(span.value or "", text[span.start : span.end]) for span in placed)
