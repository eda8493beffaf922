"""Check the samples of a shard, as `goldspan samples check` does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from goldspan.annotation.corpus.inspection import inspect_files
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask, replace_ending

ENDING = ".ids"


class CheckTask(ShardTask):
    """No settings. The result is the hashes of the sample ids, by which ids that stand in two shards are found."""

    def name_output(self, name: str) -> str:
        """Hashes of ids, 8 bytes each, sorted."""
        return replace_ending(name, ENDING)

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Count the issues by code."""
        counts = ShardCounts()
        report = inspect_files([source], self.labels, counts.refuse)
        counts.counts.update(samples=report.samples, errors=report.errors, warnings=report.warnings)
        counts.tally("codes").update(report.counts)
        hashes = np.sort(np.array([hash_id(name) for name in report.ids], dtype=np.uint64))
        target.write_bytes(hashes.tobytes())
        return counts


def hash_id(sample_id: str) -> int:
    """64 bits of BLAKE2b of an id."""
    data = sample_id.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")


def count_repeated_ids(contents: Mapping[str, bytes]) -> dict[str, int]:
    """How many ids of a shard stand in an earlier one, given the results of all shards by name."""
    hashes = [np.frombuffer(data, dtype=np.uint64) for data in contents.values()]
    if not hashes:
        return {}
    repeated = np.ones(sum(map(len, hashes)), dtype=bool)
    repeated[np.unique(np.concatenate(hashes), return_index=True)[1]] = False
    owners = np.repeat(np.arange(len(hashes)), [len(one) for one in hashes])
    counts = np.bincount(owners[repeated], minlength=len(hashes))
    return {name: int(count) for name, count in zip(contents, counts, strict=True) if count}
