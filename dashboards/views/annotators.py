"""Annotators: who did what, how fast, how carefully, and how far they agree."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from goldspan.dashboards.mirror.follow import Mirror
from goldspan.evaluation.people.agreement import AgreementReport
from goldspan.evaluation.scores.spans import SpanCounts

ENOUGH = 5
"""Samples below which the agreement of two raters says little."""


def tabulate_annotators(mirror: Mirror) -> pl.DataFrame:
    """One row a person: submitted, drafts, skipped, median lead time, spans a minute, edits, lint, suspicion."""
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
            pl.when(minutes > 0).then(timed_spans / minutes).alias("spans a minute"),
            pl.col("edits").filter(submitted).mean().alias("edits a sample"),
            pl.col("lint").filter(submitted).sum().alias("boundary lint"),
            pl.col("suspect").sum().cast(pl.Int64).alias("suspect"),
            pl.col("updated_at").max().alias("last active"),
        )
        .sort("person")
    )


def find_shared(mirror: Mirror, *, models: bool) -> pl.DataFrame:
    """The samples with at least two readings to compare; with `models`, pre-annotations are readings too."""
    enough = pl.col("reviews") > 1
    if models:
        enough |= (pl.col("reviews") > 0) & pl.col("predicted")
    return mirror["samples"].filter(enough)


def rate_people(report: AgreementReport) -> dict[str, float | None]:
    """Exact F1 of each person with all other people."""
    sums: dict[str, SpanCounts] = {}
    for pair in report.pairs:
        if not is_model(pair.first) and not is_model(pair.second):
            for name in (pair.first, pair.second):
                sums[name] = sums.get(name, SpanCounts()) + pair.exact
    return {name: counts.measure_f() for name, counts in sums.items()}


def is_model(rater: str) -> bool:
    """True for a model version among the raters of an agreement report."""
    return rater.startswith("model:")


def join_agreement(table: pl.DataFrame, rates: Mapping[str, float | None]) -> pl.DataFrame:
    """The table of annotators with each one's agreement with the others."""
    return table.with_columns(
        pl.Series("agreement", [rates.get(person) for person in table["person"]], dtype=pl.Float64)
    )


def tabulate_pairs(report: AgreementReport, label: str = "") -> pl.DataFrame:
    """Exact F1 (of one label, or of all) and B³ of each pair of raters, both ways round for a matrix."""
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
