"""The outlines of all shards as one table, in a given order of the samples; rows are read as they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.minhash import HASHES, Signatures
from goldspan.shards.relations.outlines import StoredOutlines

Numbers = NDArray[np.int64]


class OutlineTable:
    """Samples of all shards. `order[i]` is the place of sample i among all samples, shard by shard."""

    def __init__(self, shards: Sequence[StoredOutlines], order: Numbers | None = None) -> None:
        self.shards = tuple(shards)
        self.borders = np.cumsum([0, *(len(shard.rows) for shard in self.shards)])
        self.order = np.arange(self.borders[-1]) if order is None else order

    def __len__(self) -> int:
        """How many samples."""
        return len(self.order)

    def read_field(self, name: str) -> NDArray[Any]:
        """A field of every row, in order."""
        parts = [np.asarray(shard.rows[name]) for shard in self.shards]
        found: NDArray[Any] = np.concatenate(parts)[self.order] if parts else np.empty(0)
        return found

    def list_ids(self) -> list[str]:
        """The sample ids, in order."""
        names = [name for shard in self.shards for name in shard.ids]
        return [names[place] for place in self.order.tolist()]

    def sort_by_id(self) -> OutlineTable:
        """The same samples in the order of their ids; of equal ids, by the digest of the text."""
        names = [name for shard in self.shards for name in shard.ids]
        texts = OutlineTable(self.shards).read_field("text").tolist()
        return OutlineTable(self.shards, np.array(sorted(range(len(names)), key=lambda n: (names[n], texts[n])), int))

    def locate(self, numbers: Numbers) -> tuple[Numbers, Numbers]:
        """The shard and the row there of some samples."""
        places = self.order[numbers]
        shards = np.searchsorted(self.borders, places, side="right") - 1
        return shards, places - self.borders[shards]

    def list_keys(self, kind: int) -> tuple[Numbers, NDArray[np.uint64]]:
        """Keys of a kind: the number of the sample, and the hash."""
        rank = np.empty_like(self.order)
        rank[self.order] = np.arange(len(self.order))
        numbers: list[Numbers] = [np.empty(0, np.int64)]
        hashes: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        for border, shard in zip(self.borders.tolist(), self.shards, strict=False):
            chosen = np.asarray(shard.keys[shard.keys["kind"] == kind])
            numbers.append(rank[border + chosen["row"].astype(np.int64)])
            hashes.append(chosen["hash"])
        return np.concatenate(numbers), np.concatenate(hashes)


class StoredSignatures:
    """The signatures of a table's texts or skeletons, as `find_pairs` indexes them."""

    def __init__(self, table: OutlineTable, layer: str) -> None:
        self._table = table
        self._stored: list[Signatures] = [getattr(shard, f"{layer}_signatures") for shard in table.shards]

    def __len__(self) -> int:
        """How many samples."""
        return len(self._table)

    def __getitem__(self, index: Any) -> Signatures:
        """Some rows by number, or `[:, a:b]`: some columns of every row."""
        if isinstance(index, tuple):
            parts = [np.asarray(signatures[:, index[1]]) for signatures in self._stored]
            columns: Signatures = np.concatenate(parts)[self._table.order]
            return columns
        shards, rows = self._table.locate(np.asarray(index))
        found = np.empty((len(rows), HASHES), np.uint32)
        for shard in np.unique(shards).tolist():
            mine = shards == shard
            found[mine] = self._stored[shard][rows[mine]]
        return found


class StoredShingles:
    """The shingles of some samples of a table, as `pair_contained` asks for them."""

    def __init__(self, table: OutlineTable, layer: str, chosen: Numbers) -> None:
        self._codes = [getattr(shard, f"{layer}s") for shard in table.shards]
        self._sizes = table.read_field(f"{layer}_shingles")[chosen].astype(np.int64)
        self._starts = [np.cumsum([0, *shard.rows[f"{layer}_shingles"].tolist()]) for shard in table.shards]
        self._shards, self._rows = table.locate(chosen)

    @property
    def sizes(self) -> Numbers:
        """Distinct shingles of each chosen sample."""
        return self._sizes

    def sample(self, step: int) -> tuple[NDArray[np.uint64], Numbers]:
        """The shingles that are divisible by `step`, with the number of the chosen sample."""
        codes: list[NDArray[np.uint64]] = [np.empty(0, np.uint64)]
        owners: list[Numbers] = [np.empty(0, np.int64)]
        for shard, starts in enumerate(self._starts):
            mine = np.flatnonzero(self._shards == shard)
            ranks = np.full(len(starts) - 1, -1, dtype=np.int64)
            ranks[self._rows[mine]] = mine
            holders = np.repeat(ranks, np.diff(starts))
            kept = (holders >= 0) & (self._codes[shard] % np.uint64(step) == 0)
            codes.append(self._codes[shard][kept])
            owners.append(holders[kept])
        all_codes, all_owners = np.concatenate(codes), np.concatenate(owners)
        order = np.argsort(all_owners, kind="stable")
        return all_codes[order], all_owners[order]

    def load(self, text: int) -> NDArray[np.uint64]:
        """The shingles of one chosen sample."""
        shard, row = int(self._shards[text]), int(self._rows[text])
        starts = self._starts[shard]
        return np.asarray(self._codes[shard][starts[row] : starts[row + 1]])
