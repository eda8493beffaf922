"""Outlines of the samples of a shard as arrays in one file, which are mapped into memory and not read whole.

The file is seven NumPy arrays one after the other (`.npy` format, no pickles). What nobody asked for is empty:

    rows                 one record a sample: digests of text and skeleton, reviewed, numbers of shingles
    keys                 (row, kind, hash) of links, identifiers and phrase families
    text_signatures      MinHash signature of every text (500 bytes)
    skeleton_signatures  the same of skeletons
    texts                distinct shingles of every text, 8 bytes each, in the order of the rows
    skeletons            the same of skeletons
    ids                  a JSON list of sample ids, as bytes
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from goldspan.annotation.corpus.containment import index_shingles
from goldspan.annotation.corpus.minhash import Signatures, compute_signatures
from goldspan.annotation.corpus.outline import Outline, find_family
from goldspan.annotation.errors import StateError

Layer = Literal["text", "skeleton"]
LAYERS: tuple[Layer, ...] = ("text", "skeleton")
LINK, IDENTIFIER, FAMILY = 0, 1, 2
ROW = np.dtype(
    [
        ("text", "<u8"),
        ("skeleton", "<u8"),
        ("reviewed", "?"),
        ("text_shingles", "<u4"),
        ("skeleton_shingles", "<u4"),
    ]
)
_FORMAT: Any = np.lib.format
KEY = np.dtype([("row", "<u4"), ("kind", "u1"), ("hash", "<u8")])


class StoredOutlines(NamedTuple):
    """The arrays of one file."""

    rows: NDArray[Any]
    keys: NDArray[Any]
    text_signatures: Signatures
    skeleton_signatures: Signatures
    texts: NDArray[np.uint64]
    skeletons: NDArray[np.uint64]
    ids: tuple[str, ...]


def write_outlines(path: Path, outlines: Sequence[Outline], layers: Sequence[str], *, related: bool) -> None:
    """Write the outlines of a shard.

    Args:
        path: the file.
        outlines: of the samples, in their order.
        layers: `text`, `skeleton` or both: what is compared, and has signatures.
        related: with keys and shingles, which splits need and duplicates do not.
    """
    given = {"text": [one.text for one in outlines], "skeleton": [one.skeleton for one in outlines]}
    rows = np.zeros(len(outlines), dtype=ROW)
    rows["reviewed"] = [one.reviewed for one in outlines]
    signatures, codes = [], []
    for layer, texts in given.items():
        rows[layer] = [_hash(text) for text in texts]
        signatures.append(compute_signatures(texts if layer in layers else []))
        shingles, owners = index_shingles(texts if related else [])
        rows[f"{layer}_shingles"] = np.bincount(owners, minlength=len(outlines))
        codes.append(shingles)
    keys: NDArray[Any] = np.array([*_list_keys(outlines)] if related else [], dtype=KEY)
    ids = np.frombuffer(orjson.dumps([one.sample_id for one in outlines]), dtype=np.uint8)
    with path.open("wb") as stream:
        for array in (rows, keys, *signatures, *codes, ids):
            _FORMAT.write_array(stream, array, allow_pickle=False)


def read_outlines(path: Path) -> StoredOutlines:
    """The outlines of a shard, mapped from the file.

    Raises:
        StateError: the file is broken.
    """
    try:
        with path.open("rb") as stream:
            *arrays, ids = (_map_array(path, stream) for _ in StoredOutlines._fields)
        stored = StoredOutlines._make([*arrays, tuple(orjson.loads(ids.tobytes()))])
    except (OSError, ValueError, TypeError) as error:
        raise StateError(f"{path} holds no outlines ({type(error).__name__}).") from None
    if stored.rows.dtype != ROW or stored.keys.dtype != KEY or len(stored.ids) != len(stored.rows):
        raise StateError(f"{path} holds no outlines of this version.")
    return stored


def _list_keys(outlines: Sequence[Outline]) -> Iterable[tuple[int, int, int]]:
    for number, outline in enumerate(outlines):
        yield from ((number, LINK, _hash(link)) for link in outline.links)
        yield from ((number, IDENTIFIER, _hash(value)) for value in outline.identifiers)
        if family := find_family(outline):
            yield number, FAMILY, _hash(family)


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
