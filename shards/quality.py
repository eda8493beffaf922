"""Quality checks over shards: counts are merged, and checks that compare texts see a random part of them."""

from __future__ import annotations

from heapq import nsmallest
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.corpus.quality.counts import QualityCounts, QualityTexts
from goldspan.annotation.corpus.quality.measure import QualityReport, report_quality
from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.codec import read_task
from goldspan.shards.report import ShardSummary, find_marker
from goldspan.shards.run import ShardWork
from goldspan.shards.storage import fetch_plain, open_storage

SAMPLE = 5_000
"""Samples drawn for the checks that compare texts with each other."""


class ShardQuality(NamedTuple):
    """The report; `drawn` samples were seen by the checks that compare texts, all of them by the others."""

    report: QualityReport
    drawn: int
    summary: ShardSummary


def measure_shards(work: ShardWork, sample: int = SAMPLE, seed: int = 0) -> ShardQuality:
    """Quality checks over all shards.

    Those of the groups alignment, values, consistency and balance, and `skeleton_uniqueness`, `largest_skeleton_share`,
    `opening_share` and `value_concentration`, equal those of one machine. The others (`near_duplicate_rate`,
    `skeleton_gzip_ratio`, `distinct_3`, `vendi`, variety) see `sample` samples, drawn by a hash of their ids.

    Raises:
        StateError: a shard was set aside.
    """
    summary = work.run_all("quality", {"sample": sample, "seed": seed})
    labels, storage = load_labels(work.labels_file), open_storage(work.output)
    counts, drawn = QualityCounts(), list[tuple[str, int, int, str]]()
    for number, shard in enumerate(work.shards):
        marker = find_marker(storage, shard.name)
        if marker is None:
            raise StateError(f"{shard.name} has no counts; run the same command again.")
        with fetch_plain(storage, marker.output) as plain, plain.open("rb") as lines:
            counts.merge(QualityCounts.from_dict(orjson.loads(next(lines))))
            drawn += ((rank, number, place, record) for rank, place, record in map(orjson.loads, lines))
        drawn = nsmallest(sample, drawn)
    texts = QualityTexts(labels)
    for _, _, _, record in sorted(drawn, key=lambda one: one[1:3]):
        value: dict[str, Any] = orjson.loads(record)
        texts.add(read_task(value, labels).sample)
    return ShardQuality(report_quality(counts, texts, labels, decoding=True), len(drawn), summary)
