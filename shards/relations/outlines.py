"""Outlines of the samples of a shard as arrays in one file, which are mapped into memory and not read whole.

The file is five NumPy arrays one after the other (`.npy` format, no pickles):

    rows       one record a sample: digests of text and skeleton, reviewed, sizes, and two MinHash signatures (1 kB)
    keys       (row, kind, hash) of links and identifiers
    texts      distinct shingles of every text, 8 bytes each, in the order of the rows
    skeletons  the same of skeletons
    ids        a JSON list of sample ids, as bytes
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from goldspan.annotation.corpus.containment import index_shingles
from goldspan.annotation.corpus.minhash import HASHES, compute_signatures
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.errors import StateError

LINK, IDENTIFIER = 0, 1
ROW = np.dtype(
    [
        ("text", "<u8"),
        ("skeleton", "<u8"),
        ("reviewed", "?"),
        ("text_shingles", "<u4"),
        ("skeleton_shingles", "<u4"),
        ("text_signature", "<u4", HASHES),
        ("skeleton_signature", "<u4", HASHES),
    ]
)
_FORMAT: Any = np.lib.format
KEY = np.dtype([("row", "<u4"), ("kind", "u1"), ("hash", "<u8")])


class StoredOutlines(NamedTuple):
    """The arrays of one file."""

    rows: NDArray[Any]
    keys: NDArray[Any]
    texts: NDArray[np.uint64]
    skeletons: NDArray[np.uint64]
    ids: tuple[str, ...]


def write_outlines(path: Path, outlines: Sequence[Outline], *, related: bool) -> None:
    """Write the outlines of a shard; `related`: with keys and shingles, which splits need and duplicates do not."""
    texts, skeletons = [one.text for one in outlines], [one.skeleton for one in outlines]
    rows = np.zeros(len(outlines), dtype=ROW)
    rows["text"], rows["skeleton"] = [_hash(one) for one in texts], [_hash(one) for one in skeletons]
    rows["reviewed"] = [one.reviewed for one in outlines]
    rows["text_signature"], rows["skeleton_signature"] = compute_signatures(texts), compute_signatures(skeletons)
    codes: dict[str, NDArray[np.uint64]] = {layer: np.empty(0, np.uint64) for layer in ("text", "skeleton")}
    keys: NDArray[Any] = np.empty(0, dtype=KEY)
    if related:
        for name, given in (("text", texts), ("skeleton", skeletons)):
            codes[name], owners = index_shingles(given)
            rows[f"{name}_shingles"] = np.bincount(owners, minlength=len(outlines))
        keys = np.array([*_list_keys(outlines)], dtype=KEY)
    ids = np.frombuffer(orjson.dumps([one.sample_id for one in outlines]), dtype=np.uint8)
    with path.open("wb") as stream:
        for array in (rows, keys, codes["text"], codes["skeleton"], ids):
            _FORMAT.write_array(stream, array, allow_pickle=False)


def read_outlines(path: Path) -> StoredOutlines:
    """The outlines of a shard, mapped from the file.

    Raises:
        StateError: the file is broken.

    """
    try:
        with path.open("rb") as stream:
            rows, keys, texts, skeletons, ids = (_map_array(path, stream) for _ in range(5))
        names = tuple(orjson.loads(ids.tobytes()))
    except (OSError, ValueError, TypeError) as error:
        raise StateError(f"{path} holds no outlines ({type(error).__name__}).") from None
    if rows.dtype != ROW or keys.dtype != KEY or len(names) != len(rows):
        raise StateError(f"{path} holds no outlines of this version.")
    return StoredOutlines(rows, keys, texts, skeletons, names)


def _list_keys(outlines: Sequence[Outline]) -> Iterable[tuple[int, int, int]]:
    for number, outline in enumerate(outlines):
        yield from ((number, LINK, _hash(link)) for link in outline.links)
        yield from ((number, IDENTIFIER, _hash(value)) for value in outline.identifiers)


def _map_array(path: Path, stream: IO[bytes]) -> NDArray[Any]:
    version = _FORMAT.read_magic(stream)
    read = _FORMAT.read_array_header_1_0 if version == (1, 0) else _FORMAT.read_array_header_2_0
    shape, _, dtype = read(stream)
    begin = stream.tell()
    size = int(np.prod(shape)) * dtype.itemsize
    stream.seek(begin + size)
    if not size:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype=dtype, mode="r", offset=begin, shape=shape)


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")
