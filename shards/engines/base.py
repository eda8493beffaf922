"""What an engine does: run every shard of a plan, at least once each, and tell of each as it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from goldspan.annotation.plugins import PluginTable
from goldspan.shards.plan import ShardPlan
from goldspan.shards.report import ShardReport

GROUP = "goldspan.shard_engines"
BUILT_IN = {
    "local": "goldspan.shards.engines.local:run_local",
    "datatrove": "goldspan.shards.engines.datatrove:run_datatrove",
    "metaflow": "goldspan.shards.engines.metaflow:run_metaflow",
}
ENGINES = PluginTable("engine", GROUP, BUILT_IN)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`workers`: shards worked on at a time. `extra`: the engine's own options, `name=value`."""

    workers: int = 1
    extra: tuple[str, ...] = field(default=())


Engine = Callable[[ShardPlan, EngineOptions], Iterator[tuple[ShardReport, bool]]]
"""Yields each shard's report and whether it was skipped."""
