"""Write the samples of a shard that were chosen: what a deduplication keeps, or one split."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.shards.report import ShardCounts
from goldspan.shards.storage import open_storage
from goldspan.shards.tasks.base import ShardTask, replace_ending


class SelectTask(ShardTask):
    """Settings: `choices`, the folder with a file of one byte a sample for each shard, and their `digest`; `number`,
    the byte to keep; `unique`, as in `read_samples`.
    """

    def name_output(self, name: str) -> str:
        """Samples are JSONL."""
        return replace_ending(name, ".jsonl")

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Write the chosen samples, in their order."""
        counts = ShardCounts()
        choices = open_storage(self.settings["choices"]).read(name_choice(name))
        if choices is None:
            raise StateError(f"There is no {name_choice(name)} beside the results.")
        samples = list(read_samples([source], self.labels, counts.refuse, unique=self.settings["unique"]))
        if len(samples) != len(choices):
            raise StateError("The shard has another number of samples than when it was compared.")
        chosen = (one for one, choice in zip(samples, choices, strict=True) if choice == self.settings["number"])
        counts.counts["samples"] = write_samples(target, chosen, self.labels, counts.refuse)
        return counts


def name_choice(name: str) -> str:
    """The file of a shard's choices."""
    return replace_ending(name, ".choice")
