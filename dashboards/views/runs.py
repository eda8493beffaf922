"""Runs: what their journals say."""

from __future__ import annotations

import polars as pl

from annotation.store import read_records
from annotation.workspace import Workspace, check_file_name
from generators.runs import list_runs

_COLUMNS = {
    "run": pl.String,
    "state": pl.String,
    "samples": pl.Int64,
    "done": pl.Int64,
    "dead": pl.Int64,
    "pending": pl.Int64,
    "submitted": pl.Int64,
    "refused": pl.Int64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "cost": pl.Float64,
}


def tabulate_runs(workspace: Workspace) -> pl.DataFrame:
    """One row a run, the newest first."""
    rows = [{name: getattr(progress, name) for name in _COLUMNS} for progress in list_runs(workspace)]
    return pl.DataFrame(rows, schema=_COLUMNS)


def tabulate_stages(workspace: Workspace, run: str) -> pl.DataFrame:
    """Rows of one run by stage and state."""
    rows = [
        {"stage": stage, "state": state, "rows": count}
        for progress in list_runs(workspace)
        if progress.run == run
        for stage, states in progress.by_stage.items()
        for state, count in states.items()
    ]
    return pl.DataFrame(rows, schema={"stage": pl.String, "state": pl.String, "rows": pl.Int64})


def list_dead_letters(workspace: Workspace, run: str, most: int = 200) -> pl.DataFrame:
    """Items given up, with the stage and reason; no text of theirs."""
    path = workspace.runs / check_file_name(run) / "dead_letters.jsonl"
    schema = {"item": pl.Int64, "stage": pl.String, "reason": pl.String}
    if not path.exists():
        return pl.DataFrame(schema=schema)
    rows = []
    for record in read_records(path, lambda error: None):
        rows.append({name: record.value.get(name) for name in schema})
        if len(rows) == most:
            break
    return pl.DataFrame(rows, schema=schema, strict=False)
