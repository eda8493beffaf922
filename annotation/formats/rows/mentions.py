"""Locate the mentions of a row: most data sets give surfaces without offsets.

A surface that one cluster claims is taken wherever it stands alone, the longest surface first. A surface that
several clusters claim ("he") cannot be placed without guessing: it is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from goldspan.annotation.formats.rows.raw import RawCluster
from goldspan.annotation.labels.schema import MENTION_KINDS
from goldspan.annotation.text.pronouns import guess_mention_kind
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.text.words import find_occurrences
from goldspan.annotation.types import Entity, Mention, sort_spans


class PlacedMentions(NamedTuple):
    """Mentions of clusters, and the number of surfaces that could not be located."""

    mentions: tuple[Mention, ...]
    doubts: int


def place_clusters(
    text: str, clusters: Sequence[RawCluster], entities: Sequence[Entity], language: str
) -> PlacedMentions:
    """Mentions with their clusters named `1`, `2` … in the order of the row."""
    doubts = 0
    places: dict[tuple[int, int], int] = {}
    kinds: dict[tuple[int, int], str] = {}
    for number, cluster in enumerate(clusters):
        for start, end, kind in cluster.places:
            if 0 <= start < end <= len(text) and (start, end) not in places:
                places[start, end] = number
                kinds[start, end] = kind if kind in MENTION_KINDS else ""
            else:
                doubts += 1
    claims: dict[str, set[int]] = {}
    for number, cluster in enumerate(clusters):
        for surface in () if cluster.places else cluster.mentions:
            claims.setdefault(surface, set()).add(number)
    taken = bytearray(len(text))
    for surface in sorted(claims, key=lambda surface: (-len(surface), surface)):
        claimed = claims[surface]
        free = [place for place in find_occurrences(text, surface.strip()) if not is_taken(taken, *place)]
        for start, end in free:
            take_range(taken, start, end)
        if len(claimed) > 1 or not free:
            doubts += 1
            continue
        places |= {place: min(claimed) for place in free if place not in places}
    sizes = Counter(places.values())
    kept = {place: number for place, number in places.items() if sizes[number] > 1 or clusters[number].places}
    numbers = {number: str(rank) for rank, number in enumerate(sorted(set(kept.values())), start=1)}
    mentions = [
        Mention(
            start, end, kinds.get((start, end)) or _guess_kind(text, start, end, entities, language), numbers[number]
        )
        for (start, end), number in kept.items()
    ]
    return PlacedMentions(sort_spans(mentions), doubts)


def _guess_kind(text: str, start: int, end: int, entities: Sequence[Entity], language: str) -> str:
    has_entity = any(start <= entity.start and entity.end <= end for entity in entities)
    return guess_mention_kind(text[start:end], has_entity, language)
