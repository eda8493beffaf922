"""Split a long text into parts that people can annotate one at a time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

from goldspan.annotation.identity import identify_sample
from goldspan.annotation.types import Annotation, Entity, Mention, Sample

_BOUNDARIES = (
    re.compile(r"\n\s*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])"),
    re.compile(r"\s+"),
)
"""Where a text may be cut, best first: paragraphs, lines, sentences, words."""

S = TypeVar("S", Entity, Mention)


def split_sample(sample: Sample, size: int) -> tuple[Sample, ...]:
    """The sample in parts of at most `size` characters, whose texts joined are its text; itself if it is short enough.

    A part ends after a paragraph, else a line, a sentence or a word, and never inside a span of any annotation: where
    no boundary fits, it is longer. Parts name their `source_document` and `part` (`2/3`) in the provenance, which
    keeps them in one split; a cluster has the same name in each. What an annotation holds besides spans stays with the
    first part.
    """
    if len(sample.text) <= size:
        return (sample,)
    ends = list(_find_ends(sample, size))
    source = identify_sample(sample)
    parts = []
    for number, (start, end) in enumerate(pairwise([0, *ends]), 1):
        provenance = {**sample.provenance, "source_document": source, "part": f"{number}/{len(ends)}"}
        annotations = tuple(_cut_annotation(a, start, end, keeps_other=number == 1) for a in sample.annotations)
        parts.append(
            replace(
                sample,
                text=sample.text[start:end],
                annotations=annotations,
                provenance=provenance,
                sample_id=f"{source}-part-{number}",
            )
        )
    return tuple(parts)


def _find_ends(sample: Sample, size: int) -> Iterator[int]:
    text, forbidden = sample.text, _merge_spans(sample)
    starts = [start for start, _ in forbidden]

    def is_free(place: int) -> bool:
        index = bisect_right(starts, place - 1) - 1
        return index < 0 or place >= forbidden[index][1]

    ends = [[m.end() for m in boundary.finditer(text) if m.end() < len(text)] for boundary in _BOUNDARIES]
    free = [[place for place in places if is_free(place)] for places in ends]
    start = 0
    while len(text) - start > size:
        fitting = (places[bisect_right(places, start + size) - 1] for places in free if places)
        best = next((place for place in fitting if start + size // 2 < place <= start + size), None)
        if best is None:
            later = [places[i] for places in free if (i := bisect_right(places, start + size // 2)) < len(places)]
            best = min(later, default=len(text))
        if best >= len(text):
            break
        yield best
        start = best
    yield len(text)


def _merge_spans(sample: Sample) -> list[tuple[int, int]]:
    """Ranges that may not be cut, sorted and without overlap."""
    entities = [(e.start, e.end) for annotation in sample.annotations for e in annotation.entities]
    mentions = [(m.start, m.end) for annotation in sample.annotations for m in annotation.mentions]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(entities + mentions):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _cut_annotation(annotation: Annotation, start: int, end: int, *, keeps_other: bool) -> Annotation:
    return replace(
        annotation,
        entities=_cut_spans(annotation.entities, start, end),
        mentions=_cut_spans(annotation.mentions, start, end),
        other=annotation.other if keeps_other else "",
    )


def _cut_spans(spans: Sequence[S], start: int, end: int) -> tuple[S, ...]:
    return tuple(
        replace(span, start=span.start - start, end=span.end - start)
        for span in spans
        if start <= span.start and span.end <= end
    )
