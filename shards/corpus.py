"""Deduplicate and split samples over shards: outlines by an engine, groups in one process, results by the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.dedupe import Deduplication, Reason
from goldspan.annotation.corpus.splits import Split
from goldspan.annotation.errors import StateError
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.plan import Shard, list_shards
from goldspan.shards.relations.groups import find_stored_duplicates, split_stored
from goldspan.shards.relations.outlines import read_outlines
from goldspan.shards.relations.table import OutlineTable
from goldspan.shards.report import ShardSummary, find_marker
from goldspan.shards.run import OnReport, run_shards
from goldspan.shards.storage import fetch_plain, open_storage, strip_packing
from goldspan.shards.tasks.select import name_choice

OUTLINES, CHOICES = "_run/outlines", "_run/choices"


@dataclass(frozen=True, slots=True)
class ShardWork:
    """What to work on, where the results go, and with which engine."""

    sources: tuple[str, ...]
    output: str
    engine: str = "local"
    options: EngineOptions = field(default_factory=EngineOptions)
    labels_file: Path | None = None
    on_report: OnReport | None = None

    def run(self, task: str, output: str, settings: Mapping[str, object]) -> ShardSummary:
        """Run a task over the sources.

        Raises:
            StateError: a shard was set aside: the others cannot be compared without it.

        """
        summary = run_shards(
            task,
            self.sources,
            output,
            settings,
            engine=self.engine,
            options=self.options,
            labels_file=self.labels_file,
            on_report=self.on_report,
        )
        if summary.failed:
            name, reason = next(iter(summary.failed.items()))
            raise StateError(f"{len(summary.failed)} shards were set aside, first {name}: {reason}")
        return summary


def dedupe_shards(work: ShardWork, reasons: Sequence[Reason], threshold: float) -> tuple[Deduplication, ShardSummary]:
    """Duplicates over all shards; each shard's remaining samples are in `<output>/<shard>.jsonl`."""
    shards = list_shards(work.sources)
    with _outline(work, shards, related=False, unique=False) as (table, summary):
        found = find_stored_duplicates(table, reasons, threshold)
        kept = np.zeros(len(table), dtype=np.uint8)
        kept[list(found.kept)] = 1
        digest = _write_choices(work, shards, table, kept)
    _select(work, work.output, 1, digest, unique=False)
    return found, summary


def split_shards(
    work: ShardWork, ratios: Mapping[str, float], *, seed: int, threshold: float
) -> tuple[Split, ShardSummary]:
    """A split over all shards; each shard's samples are in `<output>/<split>/<shard>.jsonl`."""
    shards = list_shards(work.sources)
    with _outline(work, shards, related=True, unique=True) as (table, summary):
        made = split_stored(table, ratios, seed=seed, threshold=threshold)
        numbers = {name: number for number, name in enumerate(made.names, start=1)}
        choices = np.array([numbers[name] for name in made.assignment], dtype=np.uint8)
        digest = _write_choices(work, shards, table, choices)
    for name, number in numbers.items():
        _select(work, f"{work.output.rstrip('/')}/{name}", number, digest, unique=True)
    return made, summary


@contextmanager
def _outline(
    work: ShardWork, shards: Sequence[Shard], *, related: bool, unique: bool
) -> Iterator[tuple[OutlineTable, ShardSummary]]:
    """The outlines of every shard, in the order of the shards."""
    folder = f"{work.output.rstrip('/')}/{OUTLINES}"
    summary = work.run("outline", folder, {"related": related, "unique": unique})
    storage = open_storage(folder)
    with ExitStack() as files:
        stored = []
        for shard in shards:
            marker = find_marker(storage, shard.name)
            if marker is None:
                raise StateError(f"{shard.name} has no outlines; run the same command again.")
            stored.append(read_outlines(files.enter_context(fetch_plain(storage, marker.output))))
        yield OutlineTable(stored), summary


def _write_choices(work: ShardWork, shards: Sequence[Shard], table: OutlineTable, choices: NDArray[np.uint8]) -> str:
    """Write which samples of each shard go where; the digest of it all."""
    storage = open_storage(f"{work.output.rstrip('/')}/{CHOICES}")
    for shard, border, stored in zip(shards, table.borders.tolist(), table.shards, strict=False):
        storage.write(name_choice(strip_packing(shard.name)), choices[border : border + len(stored.rows)].tobytes())
    return hashlib.sha256(choices.tobytes()).hexdigest()


def _select(work: ShardWork, output: str, number: int, digest: str, *, unique: bool) -> None:
    folder = f"{work.output.rstrip('/')}/{CHOICES}"
    work.run("select", output, {"choices": folder, "digest": digest, "number": number, "unique": unique})
