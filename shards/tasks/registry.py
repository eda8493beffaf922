"""Shard tasks by name: those built in, and those of other packages (entry point group `goldspan.shard_tasks`)."""

from __future__ import annotations

from typing import cast

from goldspan.annotation.errors import InputError
from goldspan.annotation.plugins import PluginTable
from goldspan.shards.packing import strip_packing
from goldspan.shards.plan import ShardPlan
from goldspan.shards.tasks.base import ShardTask

GROUP = "goldspan.shard_tasks"
BUILT_IN = {
    "annotate": "goldspan.shards.tasks.annotate:AnnotateTask",
    "check": "goldspan.shards.tasks.check:CheckTask",
    "export": "goldspan.shards.tasks.convert:ExportTask",
    "import": "goldspan.shards.tasks.convert:ImportTask",
    "mask": "goldspan.shards.tasks.mask:MaskTask",
    "outline": "goldspan.shards.tasks.outline:OutlineTask",
    "quality": "goldspan.shards.tasks.quality:QualityTask",
    "select": "goldspan.shards.tasks.select:SelectTask",
}
_TABLE = PluginTable("shard task", GROUP, BUILT_IN)


def open_task(plan: ShardPlan) -> ShardTask:
    """The task of a plan.

    Raises:
        UnknownNameError: there is no such task.
        InputError: the label schema changed since the plan was made, or two shards would have one result.
        ConfigurationError: what the task needs is missing.
    """
    task = cast("ShardTask", _TABLE.load(plan.task)(plan.settings, plan.load_labels()))
    names: dict[str, str] = {}
    for shard in plan.shards:
        result = task.name_output(strip_packing(shard.name))
        if known := names.get(result):
            raise InputError(f"{known} and {shard.name} would have one result, {result}. Rename one of them.")
        names[result] = shard.name
    return task
