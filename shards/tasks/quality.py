"""Count what the quality checks of a shard need, and draw samples of it."""

from __future__ import annotations

import json
from heapq import nsmallest
from pathlib import Path

import orjson

from goldspan.annotation.corpus.quality.counts import QualityCounts
from goldspan.annotation.identity import hash_briefly, identify_sample
from goldspan.annotation.tasks.store import read_tasks
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask, replace_ending

_LARGEST = "g"
"""Greater than every hash in hexadecimal."""


class QualityTask(ShardTask):
    """Settings: `sample`, how many samples are drawn at most, and `seed`.

    The result is a file of lines: the counts (hashes, ids and labels), then the drawn records with the smallest hash of
    seed and sample id. The smallest of all shards are therefore the same however the samples are cut into shards.
    """

    def name_output(self, name: str) -> str:
        """Counts and drawn records of a shard."""
        return replace_ending(name, ".quality")

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Count all samples and write the drawn ones."""
        reported, counts = ShardCounts(), QualityCounts()
        size, largest = int(self.settings["sample"]), _LARGEST
        drawn: list[tuple[str, int, str]] = []
        for place, (record, (sample, issues)) in enumerate(read_tasks([source], self.labels, reported.refuse)):
            counts.add(sample, issues, self.labels)
            sample_id = identify_sample(sample)
            rank = hash_briefly(f"{self.settings['seed']}\n{sample_id}")
            if rank <= largest:
                drawn.append((rank, place, json.dumps(record.value)))
            if len(drawn) >= 2 * size:
                drawn = nsmallest(size, drawn)
                largest = drawn[-1][0]
        with target.open("wb") as stream:
            for value in (counts.to_dict(), *nsmallest(size, drawn)):
                stream.write(orjson.dumps(value) + b"\n")
        reported.counts.update(samples=counts.balance.samples, entities=counts.values.entities.total())
        return reported
