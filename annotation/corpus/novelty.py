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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.minhash import BANDS, hash_bands, iter_shingles, mix, sign_shingles
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.types import Entity

FEWEST = 12
"""Phrases that a text must have for their share to mean something."""
_KNOWN_BANDS = 4
_BITS = 28
_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_BAND_NUMBERS = np.arange(1, BANDS + 1, dtype=np.uint64) << np.uint64(32)
"""Added to the bands, so that equal values of different bands differ."""
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
        self._note(_locate_text(make_skeleton(text, entities)))

    def add_many(self, documents: Iterable[tuple[str, Sequence[Entity]]]) -> None:
        """Make texts with their entities known, in constant memory."""
        iterator = iter(documents)
        while chunk := [make_skeleton(text, entities) for text, entities in islice(iterator, _CHUNK)]:
            for bits in _iter_bits(chunk):
                self._note(bits)

    def _note(self, bits: _Bits) -> None:
        np.bitwise_or.at(self._bits, bits.places.ravel(), bits.masks.ravel())
        self.size += 1

    def measure(self, text: str, entities: Sequence[Entity] = ()) -> Novelty:
        """How new a text is against everything that was added."""
        bits = _locate_text(make_skeleton(text, entities))
        known: NDArray[np.bool_] = np.all((self._bits[bits.places] & bits.masks) > 0, axis=1)
        phrases = known[:-BANDS]
        share = 1 - float(phrases.mean()) if len(phrases) >= FEWEST else 1.0
        return Novelty(share, int(known[-BANDS:].sum()) >= _KNOWN_BANDS)


class _Bits(NamedTuple):
    """Bytes and bits of the filter that stand for the phrases of a text, then for its bands; shape (values, 3)."""

    places: NDArray[np.int64]
    masks: NDArray[np.uint8]


@lru_cache(maxsize=2)
def _locate_text(skeleton: str) -> _Bits:
    """The bits of one text; a text is measured before it is added."""
    return next(_iter_bits([skeleton]))


def _iter_bits(skeletons: Sequence[str]) -> Iterator[_Bits]:
    """The bits of each text: hashed five-word phrases (two three-word shingles that overlap in a word), and bands."""
    for shingles, starts in iter_shingles(skeletons):
        bands = hash_bands(sign_shingles(shingles, starts)) + _BAND_NUMBERS
        for row, (start, end) in enumerate(zip(starts, [*starts[1:], len(shingles)], strict=True)):
            one = shingles[start:end]
            hashed = np.concatenate((mix(one[:-2]) + one[2:], bands[row]))
            bits = (mix(hashed)[:, None] * _FACTORS) >> np.uint64(64 - _BITS)
            masks = np.uint8(1) << (bits & np.uint64(7)).astype(np.uint8)
            yield _Bits((bits >> np.uint64(3)).astype(np.int64), masks)
