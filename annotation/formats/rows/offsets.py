"""Offsets that other programs count in UTF-16 code units (JavaScript, Java): converted to code points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

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


def count_in_units(text: str, spans: Sequence[RawSpan]) -> tuple[RawSpan, ...]:
    """Spans in code points where their values show that offsets count UTF-16 units or UTF-8 bytes; else unchanged."""
    if text.isascii() or _cut_out(text, spans):
        return tuple(spans)
    for encoding, width in (("utf-16-le", 2), ("utf-8", 1)):
        sizes = (len(character.encode(encoding, "surrogatepass")) // width for character in text)
        units = dict(zip(accumulate(sizes, initial=0), range(len(text) + 1), strict=True))
        converted = tuple(
            replace(span, start=units.get(span.start, -1), end=units.get(span.end, -1))
            if span.start is not None and span.end is not None
            else span
            for span in spans
        )
        if _cut_out(text, converted):
            return converted
    return tuple(spans)


def _cut_out(text: str, spans: Sequence[RawSpan]) -> bool:
    """True if every span with offsets and a value cuts its value out of the text."""
    placed = (span for span in spans if span.value is not None and span.start is not None)
    return all((span.start or 0) >= 0 and text[span.start : span.end] == span.value for span in placed)
