"""Outline the samples of a shard, so that those of all shards can be compared."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.corpus.outline import outline_content, outline_sample
from goldspan.annotation.tasks.store import read_samples
from goldspan.shards.relations.outlines import write_outlines
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask, replace_ending


class OutlineTask(ShardTask):
    """Settings: `layers`, what is compared; `related`, with what splits need; `unique`, as in `read_samples`."""

    def name_output(self, name: str) -> str:
        """Outlines of a shard."""
        return replace_ending(name, ".outlines")

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Write the outlines."""
        counts = ShardCounts()
        samples = read_samples([source], self.labels, counts.refuse, unique=self.settings["unique"])
        layers, related = self.settings["layers"], self.settings["related"]
        outlines = [outline_sample(one, self.labels) if related else outline_content(one) for one in samples]
        write_outlines(target, outlines, layers, related=related)
        counts.counts["samples"] = len(outlines)
        return counts
