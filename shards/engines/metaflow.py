"""The Metaflow engine: a `foreach` over the shards, on this machine, Kubernetes or AWS Batch.

Options go to Metaflow as they are: `with=kubernetes`, `datastore=s3`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.errors import StateError
from goldspan.annotation.extras import require_packages
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.engines.outcome import list_markers, list_outcomes
from goldspan.shards.plan import ShardPlan
from goldspan.shards.report import ShardReport

_GLOBAL = ("datastore", "metadata", "environment", "with")


def run_metaflow(plan: ShardPlan, options: EngineOptions) -> Iterator[tuple[ShardReport, bool]]:
    """Run a plan as a Metaflow flow; the markers tell what became of each shard.

    Raises:
        ConfigurationError: Metaflow is not installed.
        StateError: the flow failed.
    """
    require_packages("train", "metaflow")
    flow = Path(__file__).parents[1] / "flow.py"
    given = [f"--{one}" for one in options.extra]
    first = [one for one in given if one.removeprefix("--").partition("=")[0] in _GLOBAL]
    before = list_markers(plan)
    with tempfile.TemporaryDirectory(prefix="goldspan-plan-") as folder:
        file = Path(folder) / "plan.json"
        file.write_bytes(plan.to_json())
        command = [sys.executable, str(flow), "--quiet", "--no-pylint", *first, "run", f"--plan={file}"]
        command += [f"--max-workers={options.workers}", f"--max-num-splits={len(plan.shards) + 1}"]
        command += [one for one in given if one not in first]
        environment = os.environ | {"METAFLOW_USER": os.environ.get("METAFLOW_USER", "goldspan")}
        done = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=False)
    yield from list_outcomes(plan, before)
    if done.returncode:
        raise StateError("The flow failed; its messages are above. Run the same command again to go on.")
