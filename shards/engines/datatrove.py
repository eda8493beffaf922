"""The datatrove engine: the same shards as ranks of its executors (local, Slurm, Ray).

Options: `executor=local|slurm|ray`; the others go to the executor, for example `partition=cpu`, `time=02:00:00`,
`mem_per_cpu_gb=4`. The folder of the results, the shards and the model have to be reachable from every node.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.extras import require_packages
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.engines.outcome import list_markers, list_outcomes
from goldspan.shards.plan import ShardPlan, open_output, read_plan
from goldspan.shards.report import ShardReport
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard

LOGS = "_run/datatrove"


def run_datatrove(plan: ShardPlan, options: EngineOptions) -> Iterator[tuple[ShardReport, bool]]:
    """Run a plan with one of datatrove's executors, one rank for each shard; the markers tell what became of each.

    Raises:
        ConfigurationError: datatrove is not installed, or its executor takes no such option.
        InputError: the results go to a remote address, where datatrove's own logs cannot.
    """
    given = dict(one.partition("=")[::2] for one in options.extra)
    name = given.pop("executor", "local")
    executor = _choose_executor(name)
    logs = open_output(plan).local
    if logs is None:
        raise InputError("datatrove writes its logs beside the results: give a folder of a shared file system.")
    step = _make_step(plan.to_json())
    settings: dict[str, Any] = {"tasks": len(plan.shards), "workers": options.workers, "skip_completed": False, **given}
    try:
        runner = executor(pipeline=[step], logging_dir=str(logs / LOGS / plan.fingerprint[:12]), **settings)
    except TypeError as error:
        said = str(error).rpartition("() ")[2]
        raise ConfigurationError(f"--engine-option does not suit datatrove's {name} executor: {said}.") from None
    before = list_markers(plan)
    runner.run()
    yield from list_outcomes(plan, before)


def _make_step(data: bytes) -> Any:
    """A step of a datatrove pipeline that works on the shards of its rank."""
    from datatrove.pipeline.base import PipelineStep

    class ShardStep(PipelineStep):
        """Rank r of n works on shards r, r + n, …."""

        name = "Goldspan shards"

        def run(self, data_: Any = None, rank: int = 0, world_size: int = 1) -> Any:
            """Work on the shards of a rank."""
            plan = read_plan(data)
            task = open_task(plan)
            try:
                for shard in plan.shards[rank::world_size]:
                    report, _ = run_shard(plan, task, shard)
                    self.stat_update("shards", "failed" if report.error else "finished")
            finally:
                task.close()
            return data_

    return ShardStep()


def _choose_executor(name: str) -> Any:
    require_packages("scale", "datatrove")
    from datatrove import executor

    classes = {"local": "LocalPipelineExecutor", "slurm": "SlurmPipelineExecutor", "ray": "RayPipelineExecutor"}
    if name not in classes:
        raise ConfigurationError(f"executor is local, slurm or ray, not {name!r}.")
    found = getattr(executor, classes[name], None)
    if found is None:
        raise ConfigurationError(f"This datatrove has no executor for {name}; it may need a library of its own.")
    return found
