"""Models: the versions of the workspace, what they scored, and what people did with their predictions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.files import find_json
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.overview import estimate_share
from goldspan.predictors.model.directory import CALIBRATION, MANIFEST, find_served_folder, is_model_directory
from goldspan.training.loop.state import LoopState
from goldspan.training.runs import find_models_folder, list_model_folders

TEST = "test"
"""The gold of an evaluation on the held-out split."""

_VERSIONS = {
    "model": pl.String,
    "serves": pl.String,
    "encoder": pl.String,
    "bundle": pl.String,
    "documents": pl.Int64,
    "F1": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "recall": pl.Float64,
    "not hidden": pl.Float64,
}
_ROUNDS = {
    "round": pl.Int64,
    "model": pl.String,
    "reviews": pl.Int64,
    "verdict": pl.String,
    "F1 before": pl.Float64,
    "F1 new": pl.Float64,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "tested on": pl.Int64,
    "why": pl.String,
}
_KEPT = {
    "version": pl.String,
    "week": pl.String,
    "reviews": pl.Int64,
    "regions": pl.Int64,
    "kept": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model directory: its folder, manifest and calibration as they stand on disk, unverified."""

    folder: Path
    manifest: dict[str, Any]
    calibration: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of the folder."""
        return self.folder.name

    @property
    def scores(self) -> dict[str, Any]:
        """The evaluation of the model alone on the held-out split; empty if there is none."""
        rows = self.manifest.get("metrics", {}).get("evaluations", ())
        found = [row for row in rows if row.get("system") == "model" and row.get("gold") == TEST]
        return dict(found[0]) if found else {}


def list_models(workspace: Workspace) -> list[StoredModel]:
    """List the model directories of the workspace, the newest last; those that cannot be read are left out."""
    folders = filter(is_model_directory, list_model_folders(workspace))
    found = []
    for folder in sorted(folders, key=lambda folder: (folder.stat().st_mtime, folder.name)):
        with suppress(OSError, ValueError, GoldspanError):
            served = find_served_folder(folder)
            manifest = orjson.loads((served / MANIFEST).read_bytes())
            calibration = orjson.loads((served / CALIBRATION).read_bytes())
            if isinstance(manifest, dict) and isinstance(calibration, dict):
                found.append(StoredModel(folder, manifest, calibration))
    return found


def tabulate_versions(models: list[StoredModel], served: set[str]) -> pl.DataFrame:
    """One row per model: what it was made from, and its scores on the held-out split with the 95 % interval of F1.

    `served` are the folders of models that took the place of a predictor of `goldspan serve`.
    """
    rows = []
    for model in models:
        scores, manifest = model.scores, model.manifest
        low, high = scores.get("f1_interval") or (None, None)
        rows.append(
            (
                model.name,
                "yes" if str(model.folder.resolve()) in served else "",
                _read_name(manifest.get("encoder")),
                _read_name(manifest.get("bundle")),
                scores.get("documents"),
                scores.get("f1"),
                low,
                high,
                scores.get("recall"),
                scores.get("missed"),
            )
        )
    return pl.DataFrame(rows, schema=_VERSIONS, orient="row")


def find_served(workspace: Workspace) -> set[str]:
    """The folders of models that `goldspan serve` trained and goes on with."""
    found = find_json(find_models_folder(workspace) / "serving.json")
    return {str(Path(source).resolve()) for source in found.values()}


def tabulate_rounds(state: LoopState) -> pl.DataFrame:
    """One row per round of `goldspan loop retrain`: the model, whether it was promoted, on what figures, and why not.

    The difference in F1 has its 95 % interval.
    """
    rows = []
    for one in state.rounds:
        verdict = one.verdict
        kept = verdict.get("kept") or ()
        why = "; ".join(verdict["reasons"]) or (f"entities of the base stay for {', '.join(kept)}" if kept else "")
        word = "promoted" if one.promoted else "refused"
        delta = verdict.get("delta") or {}
        change = (delta.get(name) for name in ("delta", "low", "high"))
        scores = (verdict["incumbent_f1"], verdict["candidate_f1"], *change, verdict["documents"])
        rows.append((one.number, one.model, one.trained_on, word, *scores, why))
    return pl.DataFrame(rows, schema=_ROUNDS, orient="row")


def tabulate_curve(model: StoredModel) -> pl.DataFrame:
    """Precision and recall on the validation split by recall bias: bias, precision, recall."""
    schema = {"bias": pl.Float64, "precision": pl.Float64, "recall": pl.Float64}
    return pl.DataFrame(model.calibration.get("curve", []), schema=schema, orient="row").sort("recall")


def tabulate_kept(mirror: Mirror) -> pl.DataFrame:
    """One row per model version and week: reviews, suggested regions, and the share that people left unchanged.

    A week is named by its Monday. The 95 % interval takes a review as a document. A version that is kept less from
    week to week meets other texts than before, or other people.
    """
    day = pl.col("updated_at").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    reviews = (
        mirror["reviews"]
        .filter(pl.col("status").cast(pl.String) == "submitted")
        .select(
            "sample",
            pl.col("person").cast(pl.String),
            pl.col("model_version").cast(pl.String),
            day.dt.truncate("1w").cast(pl.String).fill_null("").alias("week"),
        )
        .filter(pl.col("model_version") != "")
    )
    decisions = mirror["decisions"].select("sample", *[pl.col(n).cast(pl.String) for n in ("person", "outcome")])
    suggested = (
        decisions.filter(pl.col("outcome") != "added")
        .group_by("sample", "person")
        .agg((pl.col("outcome") == "accepted").sum().cast(pl.Int64).alias("kept"), pl.len().alias("regions"))
    )
    joined = reviews.join(suggested, on=["sample", "person"], how="left").fill_null(0)
    rows = []
    for version, week, number, kept, regions in (
        joined.group_by("model_version", "week")
        .agg(pl.len().cast(pl.Int64), "kept", "regions")
        .sort("model_version", "week")
        .iter_rows()
    ):
        share = estimate_share(kept, regions)
        rows.append((version, week, number, share.cases, share.value, *(share.interval or (None, None))))
    return pl.DataFrame(rows, schema=_KEPT, orient="row")


def _read_name(part: Any) -> str:
    return str(part.get("name", "")) if isinstance(part, dict) else ""
