"""What each method was measured to do: figures of the evaluation results in the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goldspan.annotation.errors import RecordError
from goldspan.evaluation.results.result import EvaluationResult, read_result


def find_figures(folder: Path, model_version: str) -> dict[str, Any]:
    """The figures of the newest result of a model version; empty if it was never measured.

    Rates are 0 to 1 with their 95 % intervals where the result has them, `milliseconds` is the median per document.
    """
    newest: tuple[str, EvaluationResult] | None = None
    for path in folder.rglob("*.json") if folder.is_dir() else ():
        try:
            result = read_result(path)
        except RecordError:
            continue
        if result.model_name == model_version and (newest is None or result.created_at > newest[0]):
            newest = (result.created_at, result)
    return _select(newest[1]) if newest else {}


def _select(result: EvaluationResult) -> dict[str, Any]:
    masking, metrics = result.masking, result.metrics
    seconds = (result.timing or {}).get("latency_p50_seconds")
    return {
        "experiment": result.experiment_name,
        "created_at": result.created_at,
        "documents": len(result.documents.get("sample_id", ())),
        "recall": masking.get("recall"),
        "recall_interval": masking.get("ci95", {}).get("recall"),
        "leakage_rate": masking.get("leakage_rate"),
        "zero_leak_rate": masking.get("zero_leak_rate"),
        "over_masking_rate": masking.get("over_masking_rate"),
        "f1_score": metrics.get("f1_score"),
        "f1_interval": metrics.get("ci95", {}).get("f1_score"),
        "milliseconds": round(1000 * seconds, 1) if seconds is not None else None,
    }
