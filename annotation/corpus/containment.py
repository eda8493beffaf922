"""Texts that stand in other texts, or share half of their words with them: a quoted mail, a common passage.

The containment of two texts is |A∩B| / min(|A|, |B|) over their word shingles (Broder 1997). Unlike the Jaccard
similarity it stays high when a short text is quoted in a long one. Candidates share rare shingles, those of at most
`MAX_HOLDERS` texts, so that boilerplate relates nothing by itself; the containment counts all shingles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.minhash import iter_shingles

CONTAINMENT = 0.4
"""Below one half, so that short texts that share half of their words reach it: shingles across the border are lost."""
MAX_HOLDERS = 30
_MIN_SHARED = 4
_MIN_RARE_SHARE = 0.3
_MAX_ENTRIES = 4_000_000

Pairs = NDArray[np.int64]
Codes = NDArray[np.uint64]


def find_contained(texts: Sequence[str]) -> Pairs:
    """Pairs of indices, shape (pairs, 2), of texts whose containment reaches `CONTAINMENT`; each text given once."""
    if len(texts) < 2:
        return np.empty((0, 2), dtype=np.int64)
    return pair_contained(_ShinglesInMemory(*index_shingles(texts), len(texts)), CONTAINMENT)


class ShingleTable(Protocol):
    """The distinct shingles of each text: in memory, or read from files as they are asked for."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Distinct shingles of each text."""

    def sample(self, step: int) -> tuple[Codes, Pairs]:
        """The shingles that are divisible by `step`, and the text of each, sorted by text, then shingle."""

    def load(self, text: int) -> Codes:
        """The shingles of one text."""


@dataclass(frozen=True, slots=True)
class _ShinglesInMemory:
    codes: Codes
    owners: Pairs
    texts: int

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.bincount(self.owners, minlength=self.texts)

    def sample(self, step: int) -> tuple[Codes, Pairs]:
        if step == 1:
            return self.codes, self.owners
        sampled = self.codes % np.uint64(step) == 0
        return self.codes[sampled], self.owners[sampled]

    def load(self, text: int) -> Codes:
        begin, end = np.searchsorted(self.owners, [text, text + 1])
        return self.codes[begin:end]


def pair_contained(table: ShingleTable, threshold: float = CONTAINMENT) -> Pairs:
    """`find_contained` over the shingles of texts; in large corpora a sample of the shingles finds the candidates."""
    sizes = table.sizes
    entries = int(sizes.sum())
    step = entries // _MAX_ENTRIES + 1 if entries > _MAX_ENTRIES else 1
    pairs = _find_candidates(*table.sample(step), len(sizes))
    shared = _count_shared(table, pairs)
    contained = (shared >= _MIN_SHARED) & (shared >= threshold * sizes[pairs].min(axis=1))
    return np.asarray(pairs[contained])


def index_shingles(texts: Sequence[str]) -> tuple[Codes, Pairs]:
    """Distinct shingles of each text and the text that holds them, sorted by text, then shingle."""
    if not texts:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    codes: list[Codes] = []
    owners: list[Pairs] = []
    begin = 0
    for shingles, starts in iter_shingles(texts):
        lengths = np.diff(np.append(starts, len(shingles)))
        codes.append(shingles)
        owners.append(np.repeat(np.arange(begin, begin + len(starts)), lengths))
        begin += len(starts)
    all_codes, all_owners = np.concatenate(codes), np.concatenate(owners)
    order = np.lexsort((all_codes, all_owners))
    all_codes, all_owners = all_codes[order], all_owners[order]
    first = np.append(True, (np.diff(all_codes) != 0) | (np.diff(all_owners) != 0))
    return all_codes[first], all_owners[first]


def _find_candidates(codes: Codes, owners: Pairs, size: int) -> Pairs:
    """Pairs of texts that share enough of their rare shingles."""
    order = np.argsort(codes, kind="stable")
    codes, owners = codes[order], owners[order]
    _, inverse, holders = np.unique(codes, return_inverse=True, return_counts=True)
    rare = holders[inverse] <= MAX_HOLDERS
    rarities = np.bincount(owners[rare], minlength=size)
    shared = (holders[inverse] > 1) & rare
    codes, owners = codes[shared], owners[shared]
    keys = [
        owners[:-step][same] * size + owners[step:][same]
        for step in range(1, min(MAX_HOLDERS, len(codes)))
        if (same := codes[:-step] == codes[step:]).any()
    ]
    if not keys:
        return np.empty((0, 2), dtype=np.int64)
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    pairs = np.stack(np.divmod(found, size), axis=1)
    return np.asarray(pairs[(counts >= 2) & (counts >= _MIN_RARE_SHARE * rarities[pairs].min(axis=1))])


def _count_shared(table: ShingleTable, pairs: Pairs) -> NDArray[np.int64]:
    sets: dict[int, frozenset[int]] = {}

    def load(text: int) -> frozenset[int]:
        if text not in sets:
            sets[text] = frozenset(table.load(text).tolist())
        return sets[text]

    return np.array([len(load(one) & load(other)) for one, other in pairs.tolist()], dtype=np.int64)
