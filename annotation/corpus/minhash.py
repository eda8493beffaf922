"""Near-duplicate texts by MinHash and locality-sensitive hashing, on numpy arrays.

A text is its set of word shingles (3 words in a row; in scripts without spaces a character counts as a word), in
composed Unicode (NFC) and without case.
Two texts are near-duplicates when the Jaccard similarity J of these sets reaches a threshold (Broder 1997).
125 hash functions estimate J with a standard error of sqrt(J(1-J)/125), 0.041 at J = 0.7. They are cut into
25 bands of 5: two texts meet in a band with probability 1-(1-J^5)^25, which is 0.99 at J = 0.7 and 0.55 at J = 0.5;
whatever meets is then checked against the estimate. The time grows with the number of shingles, not of pairs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.text.words import fold

BANDS = 25
ROWS = 5
HASHES = BANDS * ROWS
SHINGLE = 3
THRESHOLD = 0.7

_WIDE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(rf"[{_WIDE}]|[^\W{_WIDE}]+")
_CHUNK = 1 << 17
_AT_ONCE = 1 << 16
"""Values of hash functions that are computed in one step."""
_COMPARE = 1 << 15

Words = NDArray[np.uint64]
Signatures = NDArray[np.uint32]
Groups = NDArray[np.int64]


class SignatureTable(Protocol):
    """Signatures by row: an array of shape (texts, 125), or one that is read from files as it is indexed."""

    def __len__(self) -> int:
        """How many texts."""

    def __getitem__(self, index: Any, /) -> Signatures:
        """Some rows, or some columns of every row."""


def group_near_duplicates(texts: Sequence[str], threshold: float = THRESHOLD) -> Groups:
    """The number of each text's group; near-duplicates, and chains of them, share a number.

    The number of a group is the index of its first text. `threshold` is the estimated Jaccard similarity that
    makes two texts near-duplicates. Texts with the same words are always together; a text without a word is alone
    unless another is equal to it.
    """
    first, inverse = _collapse_equal(texts)
    distinct = [texts[index] for index in first]
    if len(distinct) < 2:
        return first[inverse]
    signatures = compute_signatures(distinct)
    components = connect(len(distinct), find_pairs(signatures, threshold))
    return first[components][inverse]


def compute_signatures(texts: Sequence[str]) -> Signatures:
    """MinHash signatures, one row of 125 values for each text."""
    signatures = np.empty((len(texts), HASHES), dtype=np.uint32)
    begin = 0
    for shingles, starts in iter_shingles(texts):
        end = begin + len(starts)
        signatures[begin:end] = sign_shingles(shingles, starts)
        begin = end
    return signatures


def sign_shingles(shingles: Words, starts: Groups) -> Signatures:
    """The signatures of texts whose hashed shingles stand in one array, each text's from its start on."""
    signatures = np.empty((len(starts), HASHES), dtype=np.uint32)
    factors, offsets = _draw_hashes()
    step = max(1, _AT_ONCE // len(shingles))
    for first in range(0, HASHES, step):
        some = slice(first, first + step)
        hashed = ((shingles * factors[some, None] + offsets[some, None]) >> np.uint64(32)).astype(np.uint32)
        signatures[:, some] = np.minimum.reduceat(hashed, starts, axis=1).T
    return signatures


@cache
def _draw_hashes() -> tuple[Words, Words]:
    """Factors and offsets of the hash functions, the same in every process."""
    generator = np.random.default_rng(20_231)
    factors = generator.integers(0, 1 << 63, HASHES, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    return factors, generator.integers(0, 1 << 63, HASHES, dtype=np.uint64)


def compute_bands(texts: Sequence[str]) -> Signatures:
    """Hashes of the 25 bands of each text's signature, shape (texts, 25): equal bands mark candidates.

    The number of equal bands of two texts is binomial, with 25 draws at J^5.
    """
    return hash_bands(compute_signatures(texts))


def hash_bands(signatures: Signatures) -> Signatures:
    """Hashes of the 25 bands of each signature, shape (texts, 25)."""
    rows = signatures.reshape(len(signatures), BANDS, ROWS)
    hashed: Words = np.zeros((len(signatures), BANDS), dtype=np.uint64)
    for row in range(ROWS):
        hashed = mix(hashed + rows[:, :, row])
    return (hashed >> np.uint64(32)).astype(np.uint32)


def find_pairs(signatures: SignatureTable, threshold: float) -> NDArray[np.int64]:
    """Pairs of rows, shape (pairs, 2), whose estimated similarity reaches the threshold.

    Each bucket links its members to a leader instead of to each other: enough to find the groups.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    for band in range(BANDS):
        members: Groups = np.arange(len(signatures), dtype=np.int64)
        buckets = _number_equal(_hash_band(signatures[:, band * ROWS : (band + 1) * ROWS]))
        while True:
            shared = np.bincount(buckets)[buckets] > 1
            members, buckets = members[shared], buckets[shared]
            if not len(members):
                break
            leaders = _find_leaders(members, buckets)
            near = _estimate(signatures, leaders, members) >= threshold
            follows = near & (leaders != members)
            found.append(np.stack((leaders[follows], members[follows]), axis=1))
            members, buckets = members[~near], buckets[~near]
    return np.concatenate(found)


def connect(size: int, pairs: NDArray[np.int64]) -> Groups:
    """Union of all pairs: for each of `size` items the smallest index in its connected component.

    Every item points to a smaller one of its component; pointers are lowered along the pairs and shortened
    until nothing changes (Shiloach and Vishkin 1982).
    """
    parent: Groups = np.arange(size, dtype=np.int64)
    left, right = pairs[:, 0], pairs[:, 1]
    while True:
        lowest = np.minimum(parent[left], parent[right])
        lowered = parent.copy()
        for ends in (left, right, parent[left], parent[right]):
            np.minimum.at(lowered, ends, lowest)
        lowered = lowered[lowered]
        if np.array_equal(lowered, parent):
            return parent
        parent = lowered


def _hash_band(columns: Signatures) -> Words:
    hashed: Words = np.zeros(len(columns), dtype=np.uint64)
    for column in columns.T:
        hashed = mix(hashed + column)
    return hashed


def _number_equal(values: NDArray[np.generic]) -> Groups:
    numbers: Groups = np.unique(values, return_inverse=True)[1].astype(np.int64)
    return numbers


def _collapse_equal(texts: Sequence[str]) -> tuple[Groups, Groups]:
    seen: dict[str, int] = {}
    inverse = np.fromiter((seen.setdefault(text, len(seen)) for text in texts), dtype=np.int64, count=len(texts))
    return np.unique(inverse, return_index=True)[1].astype(np.int64), inverse


def _find_leaders(members: Groups, buckets: Groups) -> Groups:
    _, first, inverse = np.unique(buckets, return_index=True, return_inverse=True)
    leaders: Groups = members[first][inverse]
    return leaders


def _estimate(signatures: SignatureTable, left: Groups, right: Groups) -> NDArray[np.float64]:
    similarity = np.empty(len(left))
    for begin in range(0, len(left), _COMPARE):
        part = slice(begin, begin + _COMPARE)
        similarity[part] = (signatures[left[part]] == signatures[right[part]]).mean(axis=1)
    return similarity


def iter_shingles(texts: Sequence[str]) -> Iterator[tuple[Words, Groups]]:
    """Hashed shingles of some texts in one array, and where each text's begin."""
    hashes = _WordHashes()
    codes: list[int] = []
    lengths: list[int] = []
    for text in texts:
        words = _WORD.findall(fold(text)) or [text]
        words += [""] * (SHINGLE - len(words))
        codes += map(hashes.__getitem__, words)
        lengths.append(len(words))
        if len(codes) >= _CHUNK:
            yield _hash_shingles(codes, lengths)
            codes, lengths = [], []
    if codes:
        yield _hash_shingles(codes, lengths)


class _WordHashes(dict[str, int]):
    """The hash of each word, computed when it is first asked for."""

    def __missing__(self, word: str) -> int:
        digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self[word] = code = int.from_bytes(digest, "little")
        return code


def _hash_shingles(codes: list[int], lengths: list[int]) -> tuple[Words, Groups]:
    words = np.array(codes, dtype=np.uint64)
    sizes = np.array(lengths, dtype=np.int64)
    combined = words[: len(words) - SHINGLE + 1].copy()
    for place in range(1, SHINGLE):
        combined = mix(combined) + words[place : len(words) - SHINGLE + 1 + place]
    ends = np.cumsum(sizes)
    crosses = np.zeros(len(combined), dtype=bool)
    for place in range(1, SHINGLE):
        border = ends[:-1] - place
        crosses[border[border < len(combined)]] = True
    starts = np.concatenate(([0], np.cumsum(sizes - SHINGLE + 1)[:-1]))
    return mix(combined[~crosses]), starts


def mix(values: Words) -> Words:
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
