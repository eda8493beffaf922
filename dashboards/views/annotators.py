"""Annotators: volume, pace, edits and agreement per person."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.evaluation.people.agreement import AgreementReport
from goldspan.evaluation.scores.spans import SpanCounts

MIN_SAMPLES = 5
"""Samples below which the agreement of two raters is not reliable."""


def tabulate_annotators(mirror: Mirror) -> pl.DataFrame:
    """One row per person: submitted, drafts, skipped, pace, edits, boundary issues, suspect reviews."""
    reviews = mirror["reviews"]
    submitted = pl.col("status") == "submitted"
    minutes = pl.col("lead_time").filter(submitted).sum() / 60
    timed_spans = pl.col("spans").filter(submitted & pl.col("lead_time").is_not_null()).sum()
    return (
        reviews.group_by(pl.col("person").cast(pl.String))
        .agg(
            submitted.sum().cast(pl.Int64).alias("submitted"),
            (pl.col("status") == "draft").sum().cast(pl.Int64).alias("drafts"),
            (pl.col("status") == "cancelled").sum().cast(pl.Int64).alias("skipped"),
            pl.col("lead_time").filter(submitted).median().alias("median seconds"),
            pl.when(minutes > 0).then(timed_spans / minutes).alias("spans per minute"),
            pl.col("edits").filter(submitted).mean().alias("edits per sample"),
            pl.col("lint").filter(submitted).sum().alias("boundary issues"),
            pl.col("suspect").sum().cast(pl.Int64).alias("suspect"),
            pl.col("updated_at").max().alias("last active"),
        )
        .sort("person")
    )


def find_shared(mirror: Mirror, *, models: bool) -> pl.DataFrame:
    """Find the samples with at least two annotations to compare; `models` includes predictions."""
    enough = pl.col("reviews") > 1
    if models:
        enough |= (pl.col("reviews") > 0) & pl.col("predicted")
    return mirror["samples"].filter(enough)


def measure_each_person(report: AgreementReport) -> dict[str, float | None]:
    """Measure the exact F1 of each person against all other people."""
    sums: dict[str, SpanCounts] = {}
    for pair in report.pairs:
        if not is_model(pair.first) and not is_model(pair.second):
            for name in (pair.first, pair.second):
                sums[name] = sums.get(name, SpanCounts()) + pair.exact
    return {name: counts.measure_f() for name, counts in sums.items()}


def is_model(rater: str) -> bool:
    """Return whether a rater of an agreement report is a model."""
    return rater.startswith("model:")


def join_agreement(table: pl.DataFrame, rates: Mapping[str, float | None]) -> pl.DataFrame:
    """Add each person's agreement with the others to the table of annotators."""
    return table.with_columns(
        pl.Series("agreement", [rates.get(person) for person in table["person"]], dtype=pl.Float64)
    )


def tabulate_pairs(report: AgreementReport, label: str = "") -> pl.DataFrame:
    """Exact F1 (of one label, or of all) and B³ of each pair of raters, in both orders for a matrix."""
    rows = [
        {
            "first": a,
            "second": b,
            "samples": pair.samples,
            "f1": (pair.by_label.get(label, SpanCounts()) if label else pair.exact).measure_f(),
            "b_cubed": pair.b_cubed.f1,
        }
        for pair in report.pairs
        for a, b in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    schema = {"first": pl.String, "second": pl.String, "samples": pl.Int64, "f1": pl.Float64, "b_cubed": pl.Float64}
    return pl.DataFrame(rows, schema=schema)
