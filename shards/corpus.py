"""Deduplicate and split samples over shards: outlines by an engine, groups in one process, results by the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.dedupe import Deduplication, Reason
from goldspan.annotation.corpus.splits import Split
from goldspan.annotation.errors import StateError
from goldspan.shards.packing import strip_packing
from goldspan.shards.relations.groups import LAYER_OF, find_stored_duplicates, split_stored
from goldspan.shards.relations.outlines import LAYERS, read_outlines
from goldspan.shards.relations.table import OutlineTable
from goldspan.shards.report import ShardSummary, find_marker
from goldspan.shards.run import ShardWork
from goldspan.shards.storage import fetch_plain, open_storage
from goldspan.shards.tasks.select import name_choice

OUTLINES, CHOICES = "_run/outlines", "_run/choices"


def dedupe_shards(work: ShardWork, reasons: Sequence[Reason], threshold: float) -> tuple[Deduplication, ShardSummary]:
    """Duplicates over all shards; each shard's remaining samples are in `<output>/<shard>.jsonl`."""
    layers = sorted({LAYER_OF[reason] for reason in reasons})
    with _outline(work, layers, related=False, unique=False) as (table, summary):
        found = find_stored_duplicates(table, reasons, threshold)
        kept = np.zeros(len(table), dtype=np.uint8)
        kept[list(found.kept)] = 1
        digest = _write_choices(work, table, kept)
    _select(work, work.output, 1, digest, unique=False)
    return found, summary


def split_shards(
    work: ShardWork, ratios: Mapping[str, float], *, seed: int, threshold: float
) -> tuple[Split, ShardSummary]:
    """A split over all shards; each shard's samples are in `<output>/<split>/<shard>.jsonl`."""
    with _outline(work, LAYERS, related=True, unique=True) as (table, summary):
        made = split_stored(table, ratios, seed=seed, threshold=threshold)
        numbers = {name: number for number, name in enumerate(made.names, start=1)}
        choices = np.array([numbers[name] for name in made.assignment], dtype=np.uint8)
        digest = _write_choices(work, table, choices)
    for name, number in numbers.items():
        _select(work, f"{work.output.rstrip('/')}/{name}", number, digest, unique=True)
    return made, summary


@contextmanager
def _outline(
    work: ShardWork, layers: Sequence[str], *, related: bool, unique: bool
) -> Iterator[tuple[OutlineTable, ShardSummary]]:
    """The outlines of every shard, in the order of the shards."""
    folder = f"{work.output.rstrip('/')}/{OUTLINES}"
    summary = work.run_all("outline", {"layers": list(layers), "related": related, "unique": unique}, folder)
    storage = open_storage(folder)
    with ExitStack() as files:
        stored = []
        for shard in work.shards:
            marker = find_marker(storage, shard.name)
            if marker is None:
                raise StateError(f"{shard.name} has no outlines; run the same command again.")
            stored.append(read_outlines(files.enter_context(fetch_plain(storage, marker.output))))
        yield OutlineTable(stored), summary


def _write_choices(work: ShardWork, table: OutlineTable, choices: NDArray[np.uint8]) -> str:
    """Write which samples of each shard go where; the digest of it all."""
    storage = open_storage(f"{work.output.rstrip('/')}/{CHOICES}")
    for shard, border, stored in zip(work.shards, table.borders.tolist(), table.shards, strict=False):
        storage.write(name_choice(strip_packing(shard.name)), choices[border : border + len(stored.rows)].tobytes())
    return hashlib.sha256(choices.tobytes()).hexdigest()


def _select(work: ShardWork, output: str, number: int, digest: str, *, unique: bool) -> None:
    folder = f"{work.output.rstrip('/')}/{CHOICES}"
    work.run_all("select", {"choices": folder, "digest": digest, "number": number, "unique": unique}, output)
