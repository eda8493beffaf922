"""The Metaflow engine's flow: one task of a `foreach` for each shard.

    python shards/flow.py --datastore s3 run --plan plan.json --with kubernetes

Shards and results need addresses that every task reaches, for example `s3://…`; the label schema travels in the image.
"""

from __future__ import annotations

import os

os.environ.setdefault("METAFLOW_USER", "goldspan")

from metaflow import FlowSpec, IncludeFile, step

from goldspan.shards.plan import read_plan
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard


class ShardFlow(FlowSpec):
    """Run a plan of shards."""

    plan = IncludeFile("plan", is_text=False, required=True, help="The plan, as JSON")

    @step
    def start(self) -> None:
        """List the shards."""
        self.numbers = list(range(len(read_plan(self.plan).shards)))
        self.next(self.work, foreach="numbers")

    @step
    def work(self) -> None:
        """Work on one shard."""
        plan = read_plan(self.plan)
        task = open_task(plan)
        report, self.skipped = run_shard(plan, task, plan.shards[self.input])
        task.close()
        self.report = report.to_json()
        self.next(self.join)

    @step
    def join(self, inputs: object) -> None:
        """Collect the reports."""
        self.reports = [(one.report, one.skipped) for one in inputs]  # type: ignore[attr-defined]
        self.next(self.end)

    @step
    def end(self) -> None:
        """Done."""


if __name__ == "__main__":
    ShardFlow()
