"""Tables of the evaluation results in the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.views.explore import NONE
from goldspan.evaluation.results.chart_data import NOTHING, confusion_matrix, error_kinds_by_label, error_positions
from goldspan.evaluation.results.compare import Comparison
from goldspan.evaluation.results.result import EvaluationResult, read_result

Stamp = tuple[tuple[str, int], ...]
"""Paths and modification times (nanoseconds) of the results; a cache key."""


def stamp_results(workspace: Workspace) -> Stamp:
    """Stamp the results in the workspace."""
    found = []
    for path in sorted(workspace.results.glob("*.json")):
        with suppress(OSError):
            found.append((str(path), path.stat().st_mtime_ns))
    return tuple(found)


def load_results(stamp: Stamp) -> dict[str, EvaluationResult]:
    """Load results by file name; other files are skipped."""
    found = {}
    for name, _ in stamp:
        with suppress(GoldspanError, OSError):
            found[Path(name).stem] = read_result(Path(name))
    return found


def tabulate_results(results: dict[str, EvaluationResult]) -> pl.DataFrame:
    """One row per result: model, level, scheme, documents, rates, and F1 with its 95 % interval."""
    rows = [
        {
            "result": name,
            "model": result.model_name,
            "level": str(result.level),
            "scheme": str(result.scheme),
            "documents": len(result.documents.get("sample_id", ())) or None,
            "precision": result.metrics.get("precision"),
            "recall": result.metrics.get("recall"),
            "f1": result.metrics.get("f1_score"),
            **_read_interval(result.metrics),
            "exact match": result.metrics.get("exact_match_accuracy"),
            "leakage rate": result.masking.get("leakage_rate"),
        }
        for name, result in results.items()
    ]
    texts = dict.fromkeys(("result", "model", "level", "scheme"), pl.String)
    rates = ("precision", "recall", "f1", "low", "high", "exact match", "leakage rate")
    schema = texts | {"documents": pl.Int64} | dict.fromkeys(rates, pl.Float64)
    return pl.DataFrame(rows, schema=schema, strict=False)


def _read_interval(values: Mapping[str, Any]) -> dict[str, float | None]:
    """The 95 % interval of F1 as the columns `low` and `high`."""
    low, high = (values.get("ci95") or {}).get("f1_score") or (None, None)
    return {"low": low, "high": high}


def tabulate_labels(result: EvaluationResult) -> pl.DataFrame:
    """Precision, recall and F1 of each label, F1 with its 95 % interval."""
    rows = [
        {
            "label": label,
            "precision": values.get("precision"),
            "recall": values.get("recall"),
            "f1": values.get("f1_score"),
            **_read_interval(values),
            "support": values.get("support"),
        }
        for label, values in sorted(result.per_class_metrics.items())
    ]
    schema = {
        "label": pl.String,
        "precision": pl.Float64,
        "recall": pl.Float64,
        "f1": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "support": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema)


def tabulate_error_kinds(result: EvaluationResult) -> pl.DataFrame:
    """Errors by label and kind."""
    rows = [
        {"label": label, "kind": kind, "errors": count}
        for label, kinds in error_kinds_by_label(result).items()
        for kind, count in kinds.items()
        if count
    ]
    return pl.DataFrame(rows, schema={"label": pl.String, "kind": pl.String, "errors": pl.Int64})


def tabulate_error_positions(result: EvaluationResult) -> pl.DataFrame:
    """Errors by label and twentieth of the text, the first being 1."""
    rows = [
        {"label": label, "twentieth of the text": number, "errors": count}
        for label, counts in error_positions(result).items()
        for number, count in enumerate(counts, start=1)
    ]
    return pl.DataFrame(rows, schema={"label": pl.String, "twentieth of the text": pl.Int64, "errors": pl.Int64})


def tabulate_confusion(result: EvaluationResult) -> pl.DataFrame:
    """Pairs by gold and predicted label, `(none)` for no partner; empty cells are left out."""
    confusion = confusion_matrix(result)
    rows = [
        {"gold": _name_none(gold), "predicted": _name_none(predicted), "count": confusion.counts[i][j]}
        for i, gold in enumerate(confusion.labels)
        for j, predicted in enumerate(confusion.labels)
        if confusion.counts[i][j]
    ]
    return pl.DataFrame(rows, schema={"gold": pl.String, "predicted": pl.String, "count": pl.Int64})


def _name_none(label: str) -> str:
    return NONE if label == NOTHING else label


def tabulate_comparison(comparison: Comparison) -> pl.DataFrame:
    """One row per system; difference in F1 to the first one, with its 95 % interval and p-value."""
    rows = []
    for row in comparison.rows:
        delta = row.deltas.get("f1_score")
        rows.append(
            {
                "system": row.name,
                "precision": row.precision,
                "recall": row.recall,
                "f1": row.f1_score,
                "difference": delta.delta if delta else None,
                "low": delta.low if delta else None,
                "high": delta.high if delta else None,
                "p": delta.p_value if delta else None,
                "leakage rate": row.leakage_rate,
            }
        )
    numbers = ("precision", "recall", "f1", "difference", "low", "high", "p", "leakage rate")
    return pl.DataFrame(rows, schema={"system": pl.String} | dict.fromkeys(numbers, pl.Float64))
