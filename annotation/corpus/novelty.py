"""How new a text is against everything that came before: near-duplicates and repeated phrases, in constant memory.

Both are measured on skeletons, so that other values do not make a text new. Phrases are five words in a row; those
that were seen are kept in a Bloom filter (Bloom 1970): three bits of 2^28 for each, 32 MB in all, which takes at most
2 % of new phrases for known ones up to 25 million phrases (some 250,000 documents). Near-duplicates are found by the 25
MinHash bands of `goldspan.annotation.corpus.minhash`, kept in the same filter: at a similarity of 0.7, four or more of
them are known with a probability of 0.6, at 0.8 of 0.98, at 0.5 of 0.01 (binomial, 25 draws at J^5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.minhash import BANDS, Words, compute_bands, iter_shingles, mix
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.types import Entity

MIN_SHARE = 0.2
"""Share of new phrases below which a text repeats what is known."""
FEWEST = 12
"""Phrases that a text must have for their share to mean something."""
_KNOWN_BANDS = 4
_BITS = 28
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Novelty:
    """The share of a text's phrases that are new (1 if it has too few of them), and whether it is a near-duplicate."""

    share: float
    is_near_duplicate: bool

    def is_enough(self, least: float) -> bool:
        """True unless the text is a near-duplicate or has a smaller share of new phrases than `least`."""
        return not self.is_near_duplicate and self.share >= least


class NoveltyIndex:
    """What is known; texts are added one by one or many at once."""

    def __init__(self) -> None:
        self._bits = np.zeros(1 << (_BITS - 3), dtype=np.uint8)
        self.size = 0

    def add(self, text: str, entities: Sequence[Entity] = ()) -> None:
        """Make a text known."""
        for hashed in _hash_skeleton(make_skeleton(text, entities)):
            self._note(hashed)
        self.size += 1

    def add_many(self, documents: Iterable[tuple[str, Sequence[Entity]]]) -> None:
        """Make texts with their entities known, in constant memory."""
        iterator = iter(documents)
        while chunk := [make_skeleton(text, entities) for text, entities in islice(iterator, _CHUNK)]:
            phrases = [phrase for phrase in _iter_phrases(chunk) if len(phrase)]
            for hashed in (*phrases, _name_bands(chunk).ravel()):
                self._note(hashed)
            self.size += len(chunk)

    def _note(self, hashed: Words) -> None:
        places, masks = _locate(hashed)
        np.bitwise_or.at(self._bits, places.ravel(), masks.ravel())

    def measure(self, text: str, entities: Sequence[Entity] = ()) -> Novelty:
        """How new a text is against everything that was added."""
        phrases, bands = _hash_skeleton(make_skeleton(text, entities))
        known = self._knows(phrases)
        share = 1 - float(known.mean()) if len(phrases) >= FEWEST else 1.0
        return Novelty(share, int(self._knows(bands).sum()) >= _KNOWN_BANDS)

    def _knows(self, hashed: Words) -> NDArray[np.bool_]:
        places, masks = _locate(hashed)
        known: NDArray[np.bool_] = np.all((self._bits[places] & masks) > 0, axis=1)
        return known


def _locate(hashed: Words) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """The bytes and bits of the filter that stand for each value, shape (values, 3)."""
    bits = (mix(hashed)[:, None] * _FACTORS) >> np.uint64(64 - _BITS)
    return (bits >> np.uint64(3)).astype(np.int64), (np.uint8(1) << (bits & np.uint64(7)).astype(np.uint8))


@lru_cache(maxsize=2)
def _hash_skeleton(skeleton: str) -> tuple[Words, Words]:
    """Phrases and bands of one text; a text is measured before it is added."""
    return next(_iter_phrases([skeleton])), _name_bands([skeleton])[0]


def _iter_phrases(texts: Sequence[str]) -> Iterator[Words]:
    """The hashed five-word phrases of each text; three-word shingles that overlap in a word make one."""
    for shingles, starts in iter_shingles(texts):
        for start, end in zip(starts, [*starts[1:], len(shingles)], strict=True):
            one = shingles[start:end]
            yield mix(one[:-2]) + one[2:]


def _name_bands(texts: Sequence[str]) -> Words:
    """The bands of each text with their numbers mixed in, shape (texts, 25)."""
    numbers = np.arange(1, BANDS + 1, dtype=np.uint64) << np.uint64(32)
    return compute_bands(texts).astype(np.uint64) + numbers
