"""What a shard task is: a pure function from a file to a file, with counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.shards.report import ShardCounts


class ShardTask(ABC):
    """Works on one shard after the other; opened once in each process, with the settings of the plan.

    The same input, settings and label schema give the same bytes, so any engine may run a shard twice.
    """

    def __init__(self, settings: Mapping[str, Any], labels: LabelSchema) -> None:
        self.settings, self.labels = settings, labels

    @abstractmethod
    def name_output(self, name: str) -> str:
        """The name of a shard's result, given the name of the shard without `.gz` or `.zst`."""

    @abstractmethod
    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Read `source`, the unpacked shard of that name, and write `target`.

        Raises:
            GoldspanError: the shard cannot be worked on; it is set aside with the message.
        """

    def close(self) -> None:  # noqa: B027
        """Release what the task holds."""


def replace_ending(name: str, ending: str) -> str:
    """The name with another ending, in the same folder: `a/b.csv` → `a/b.jsonl`."""
    stem, dot, _ = name.rpartition(".")
    return (stem if dot and "/" not in name[len(stem) :] else name) + ending
