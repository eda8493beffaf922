"""Shards of a few texts, and a plan that runs in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from goldspan.shards.plan import list_shards, make_plan
from goldspan.shards.report import ShardReport
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard

RunHere = Callable[..., list[tuple[ShardReport, bool]]]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Three shards of three texts each."""
    folder = tmp_path / "texts"
    folder.mkdir()
    for number in range(3):
        rows = [{"text": f"Write to anna{number}{row}@example.org.", "language": "en"} for row in range(3)]
        (folder / f"part-{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def run_here() -> RunHere:
    """Run a task over shards in this process."""

    def run(task: str, source: Path | str, output: Path | str, **settings: Any) -> list[tuple[ShardReport, bool]]:
        plan = make_plan(task, settings, list_shards([str(source)]), str(output))
        opened = open_task(plan)
        return [run_shard(plan, opened, shard) for shard in plan.shards]

    return run
