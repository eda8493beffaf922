"""Texts that stand in other texts, or share half of their words with them: a quoted mail, a common passage.

The containment of two texts is |A∩B| / min(|A|, |B|) over their word shingles (Broder 1997). Unlike the Jaccard
similarity it stays high when a short text is quoted in a long one. Candidates share rare shingles, those of at most
`MAX_HOLDERS` texts, so that boilerplate relates nothing by itself; the containment counts all shingles.
"""

from __future__ import annotations

from collections.abc import Sequence

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


def find_contained(texts: Sequence[str], threshold: float = CONTAINMENT) -> Pairs:
    """Pairs of indices, shape (pairs, 2), of texts whose containment reaches the threshold; each text given once."""
    if len(texts) < 2:
        return np.empty((0, 2), dtype=np.int64)
    codes, owners = _index_shingles(texts)
    sizes = np.bincount(owners, minlength=len(texts))
    pairs = _find_candidates(codes, owners, len(texts))
    shared = _count_shared(codes, owners, pairs)
    contained = (shared >= _MIN_SHARED) & (shared >= threshold * sizes[pairs].min(axis=1))
    return np.asarray(pairs[contained])


def _index_shingles(texts: Sequence[str]) -> tuple[Codes, Pairs]:
    """Distinct shingles of each text and the text that holds them, sorted by text, then shingle."""
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
    """Pairs of texts that share enough of their rare shingles; in large corpora a sample of the shingles decides."""
    if len(codes) > _MAX_ENTRIES:
        sampled = codes % np.uint64(len(codes) // _MAX_ENTRIES + 1) == 0
        codes, owners = codes[sampled], owners[sampled]
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


def _count_shared(codes: Codes, owners: Pairs, pairs: Pairs) -> NDArray[np.int64]:
    borders = np.searchsorted(owners, [pairs, pairs + 1])
    sets: dict[int, frozenset[int]] = {}

    def load(text: int, begin: int, end: int) -> frozenset[int]:
        if text not in sets:
            sets[text] = frozenset(codes[begin:end].tolist())
        return sets[text]

    return np.array(
        [
            len(load(one, b1, e1) & load(other, b2, e2))
            for (one, other), (b1, b2), (e1, e2) in zip(
                pairs.tolist(), borders[0].tolist(), borders[1].tolist(), strict=True
            )
        ],
        dtype=np.int64,
    )
