"""Carriers: sentences with their entities masked, which a model can learn by heart whatever the values are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple

from goldspan.annotation.text.words import fold
from goldspan.annotation.types import Entity, sort_spans

MIN_LENGTH = 20
"""Characters of a sentence that is long enough to be a carrier, masked entities included."""
_MASK = "\ufffc"
_BREAK = re.compile(r"(?<=[.!?。！？।])\s+|(?<=[。！？])|\n+")


class Carrier(NamedTuple):
    """A masked sentence as a 64-bit hash, and the labels of its entities in text order."""

    key: int
    labels: tuple[str, ...]


def find_carriers(text: str, entities: Iterable[Entity]) -> tuple[Carrier, ...]:
    """The carriers of a text, in order; of overlapping entities the outermost counts."""
    pieces: list[str] = []
    labels: list[str] = []
    cursor = 0
    for entity in sort_spans(entities):
        if entity.start >= cursor:
            pieces += (text[cursor : entity.start].replace(_MASK, " "), _MASK)
            labels.append(entity.label)
            cursor = entity.end
    pieces.append(text[cursor:].replace(_MASK, " "))
    carriers: list[Carrier] = []
    taken = 0
    for sentence in _BREAK.split("".join(pieces)):
        count = sentence.count(_MASK)
        words = " ".join(sentence.split())
        if len(words) >= MIN_LENGTH:
            carriers.append(Carrier(_hash(words), tuple(labels[taken : taken + count])))
        taken += count
    return tuple(carriers)


def _hash(sentence: str) -> int:
    encoded = fold(sentence).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(encoded, digest_size=8).digest(), "little")
