"""Tables of the generation runs, from their journals."""

from __future__ import annotations

import sqlite3

import polars as pl

from goldspan.annotation.corpus.coverage import JUDGE_BOUND
from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.workspace import Workspace, check_file_name
from goldspan.generators.journal.journal import Journal
from goldspan.generators.runs.progress import Progress
from goldspan.generators.stages.judging import SCORES

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
_LETTER = {"item": pl.Int64, "language": pl.String, "stage": pl.String, "attempts": pl.Int64, "reason": pl.String}
_SCORE = {"score": pl.String, "texts": pl.Int64, "mean": pl.Float64, "below 3": pl.Int64}


def tabulate_runs(runs: list[Progress]) -> pl.DataFrame:
    """One row per run."""
    rows = [{name: getattr(progress, name) for name in _COLUMNS} for progress in runs]
    return pl.DataFrame(rows, schema=_COLUMNS)


def tabulate_stages(progress: Progress) -> pl.DataFrame:
    """Count the rows of one run by stage and state."""
    rows = [
        {"stage": stage, "state": state, "rows": count}
        for stage, states in progress.by_stage.items()
        for state, count in states.items()
    ]
    return pl.DataFrame(rows, schema={"stage": pl.String, "state": pl.String, "rows": pl.Int64})


def list_dead_letters(workspace: Workspace, run: str, most: int = 500) -> pl.DataFrame:
    """List the failed items with stage and reason, without their texts."""
    rows = []
    try:
        with Journal(workspace.runs / check_file_name(run)) as journal:
            for item in journal.iter_items("dead"):
                language = str((item.spec or {}).get("language", ""))
                rows.append((item.item, language, item.stage, len(journal.rows_of_item(item.item)), item.reason))
                if len(rows) == most:
                    break
    except (StateError, sqlite3.Error):
        rows.clear()
    return pl.DataFrame(rows, schema=_LETTER, orient="row")


def tabulate_scores(workspace: Workspace, run: str) -> pl.DataFrame:
    """Average the scores of the judge stage of a run, and count the texts below the bound of `--fill-gaps`."""
    found: dict[str, list[int]] = {name: [] for name in SCORES}
    try:
        with Journal(workspace.runs / check_file_name(run)) as journal:
            for result in journal.iter_results("judge"):
                for name in SCORES:
                    found[name].append(int(result["judge"][name]))
    except (StateError, sqlite3.Error):
        found = {}
    rows = [
        (name, len(scores), sum(scores) / len(scores), sum(score < JUDGE_BOUND for score in scores))
        for name, scores in found.items()
        if scores
    ]
    return pl.DataFrame(rows, schema=_SCORE, orient="row")


def tabulate_reasons(letters: pl.DataFrame) -> pl.DataFrame:
    """Count dead letters by stage and reason."""
    return (
        letters.group_by("stage", "reason")
        .agg(pl.len().cast(pl.Int64).alias("items"))
        .sort("items", "stage", "reason", descending=[True, False, False])
    )
