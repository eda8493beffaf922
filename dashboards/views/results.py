"""Evaluation results of the workspace as tables."""

from __future__ import annotations

import polars as pl

from annotation.errors import GoldspanError
from annotation.workspace import Workspace
from evaluation.chart_data import confusion_matrix, error_kinds_by_label, error_positions
from evaluation.result import EvaluationResult, read_result


def load_results(workspace: Workspace) -> dict[str, EvaluationResult]:
    """Results by file name; files that are no result are left out."""
    found = {}
    for path in sorted(workspace.results.glob("*.json")):
        try:
            found[path.stem] = read_result(path)
        except GoldspanError:
            continue
    return found


def tabulate_results(results: dict[str, EvaluationResult]) -> pl.DataFrame:
    """One row a result: model, level, scheme, precision, recall, F1, exact-match accuracy, leakage rate."""
    rows = [
        {
            "result": name,
            "model": result.model_name,
            "level": str(result.level),
            "scheme": str(result.scheme),
            "precision": result.metrics.get("precision"),
            "recall": result.metrics.get("recall"),
            "f1": result.metrics.get("f1_score"),
            "exact match": result.metrics.get("exact_match_accuracy"),
            "leakage rate": result.masking.get("leakage_rate"),
        }
        for name, result in results.items()
    ]
    return pl.DataFrame(rows, infer_schema_length=None)


def tabulate_labels(result: EvaluationResult) -> pl.DataFrame:
    """Precision, recall and F1 of each label."""
    rows = [
        {
            "label": label,
            "precision": values.get("precision"),
            "recall": values.get("recall"),
            "f1": values.get("f1_score"),
            "support": values.get("support"),
        }
        for label, values in sorted(result.per_class_metrics.items())
    ]
    schema = {
        "label": pl.String,
        "precision": pl.Float64,
        "recall": pl.Float64,
        "f1": pl.Float64,
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
        {"label": label, "twentieth": number, "errors": count}
        for label, counts in error_positions(result).items()
        for number, count in enumerate(counts, start=1)
    ]
    return pl.DataFrame(rows, schema={"label": pl.String, "twentieth": pl.Int64, "errors": pl.Int64})


def tabulate_confusion(result: EvaluationResult) -> pl.DataFrame:
    """Pairs by gold and predicted label; cells without pairs are left out."""
    confusion = confusion_matrix(result)
    rows = [
        {"gold": gold, "predicted": predicted, "count": confusion.counts[i][j]}
        for i, gold in enumerate(confusion.labels)
        for j, predicted in enumerate(confusion.labels)
        if confusion.counts[i][j]
    ]
    return pl.DataFrame(rows, schema={"gold": pl.String, "predicted": pl.String, "count": pl.Int64})
