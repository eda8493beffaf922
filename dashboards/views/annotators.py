"""Annotators: who did what, how fast, how carefully."""

from __future__ import annotations

import polars as pl

from annotation.labels import LabelSchema
from annotation.tasks import read_task
from annotation.types import Sample
from annotation.workspace import Workspace
from dashboards.mirror import Mirror, find_record
from evaluation.agreement import AgreementReport, measure_agreement


def tabulate_annotators(mirror: Mirror) -> pl.DataFrame:
    """One row a person: submitted, drafts, skipped, median lead time, spans a minute, edits, lint, suspicion."""
    reviews = mirror["reviews"]
    submitted = pl.col("status") == "submitted"
    minutes = pl.col("lead_time").filter(submitted).sum() / 60
    timed_spans = pl.col("spans").filter(submitted & pl.col("lead_time").is_not_null()).sum()
    return (
        reviews.group_by("person")
        .agg(
            submitted.sum().cast(pl.Int64).alias("submitted"),
            (pl.col("status") == "draft").sum().cast(pl.Int64).alias("drafts"),
            (pl.col("status") == "cancelled").sum().cast(pl.Int64).alias("skipped"),
            pl.col("lead_time").filter(submitted).median().alias("median seconds"),
            pl.when(minutes > 0).then(timed_spans / minutes).alias("spans a minute"),
            pl.col("edits").filter(submitted).mean().alias("edits a sample"),
            pl.col("lint").filter(submitted).sum().alias("boundary lint"),
            pl.col("suspect").sum().cast(pl.Int64).alias("suspect"),
            pl.col("updated_at").max().alias("last active"),
        )
        .sort("person")
    )


def load_shared_samples(mirror: Mirror, workspace: Workspace, labels: LabelSchema) -> list[Sample]:
    """The reviewed samples that at least two people read, or that a model pre-annotated, from their files."""
    shared = mirror["samples"].filter((pl.col("raters") > 1) | ((pl.col("raters") > 0) & pl.col("predicted")))
    places = shared.select("file", "sample_id", "offset").iter_rows()
    records = (find_record(workspace, *place) for place in places)
    return [read_task(record, labels).sample for record in records if record is not None]


def measure_raters(samples: list[Sample], *, models: bool = True) -> AgreementReport:
    """Agreement of all raters; with `models`, model versions are raters too."""
    return measure_agreement(samples, models=models)


def tabulate_pairs(report: AgreementReport) -> pl.DataFrame:
    """Exact F1 and B³ of each pair of raters, with the samples behind it, both ways round for a matrix."""
    rows = [
        {"first": a, "second": b, "samples": pair.samples, "f1": pair.exact.measure_f(), "b_cubed": pair.b_cubed.f1}
        for pair in report.pairs
        for a, b in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    schema = {"first": pl.String, "second": pl.String, "samples": pl.Int64, "f1": pl.Float64, "b_cubed": pl.Float64}
    return pl.DataFrame(rows, schema=schema)
