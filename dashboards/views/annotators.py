"""Annotators: volume, pace, edits and agreement per person."""

from __future__ import annotations

import polars as pl

from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.evaluation.people.agreement import AgreementReport
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.wilson import measure_wilson

MIN_SAMPLES = 5
"""Samples below which the agreement of two raters is not reliable."""

MIN_REVIEWS = 20
"""Timed reviews from which a person may stand out."""

_QUICK = {
    "person": pl.String,
    "timed": pl.Int64,
    "unchanged": pl.Float64,
    "quick": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "others": pl.Float64,
    "stands out": pl.Boolean,
}


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


def join_agreement(table: pl.DataFrame, report: AgreementReport) -> pl.DataFrame:
    """Add each person's agreement with the others (a report without models) to the table of annotators."""
    found = [report.by_rater.get(person) for person in table["person"]]
    bounds = [one.interval if one and one.interval else (None, None) for one in found]
    joined = table.drop("suspect").with_columns(
        pl.col("last active").str.slice(0, 10),
        pl.Series("agreement", [one.f1 if one else None for one in found], dtype=pl.Float64),
        pl.Series("compared", [one.samples if one else 0 for one in found], dtype=pl.Int64),
        pl.Series("low", [low for low, _ in bounds], dtype=pl.Float64),
        pl.Series("high", [high for _, high in bounds], dtype=pl.Float64),
    )
    first = ("person", "submitted", "drafts", "skipped", "agreement", "compared", "low", "high")
    return joined.select(*first, pl.exclude(first))


def tabulate_quick_reviews(mirror: Mirror) -> pl.DataFrame:
    """One row per person: how often suggestions were left unchanged faster than anybody can read the text.

    `timed` counts reviews of suggestions with a time. `quick` is their share, with its 95 % interval, `others` that of
    all other people. `stands out` is set where the interval lies above the share of the others and `timed` suffices: a
    reason to look at the samples, no proof, since easy texts are quick for everybody.
    """
    timed = mirror["reviews"].filter(
        (pl.col("status").cast(pl.String) == "submitted")
        & (pl.col("model_version").cast(pl.String) != "")
        & pl.col("lead_time").is_not_null()
    )
    counts = (
        timed.group_by(pl.col("person").cast(pl.String))
        .agg(
            pl.len().cast(pl.Int64).alias("timed"),
            (pl.col("edits") == 0).sum().cast(pl.Int64).alias("unchanged"),
            pl.col("suspect").sum().cast(pl.Int64).alias("quick"),
        )
        .sort("person")
    )
    total, quick = int(counts["timed"].sum()), int(counts["quick"].sum())
    rows = []
    for person, reviews, unchanged, hasty in counts.iter_rows():
        low, high = measure_wilson(hasty, reviews) or (None, None)
        others = (quick - hasty) / (total - reviews) if total > reviews else None
        stands_out = reviews >= MIN_REVIEWS and low is not None and others is not None and low > others
        rows.append((person, reviews, unchanged / reviews, hasty / reviews, low, high, others, stands_out))
    return pl.DataFrame(rows, schema=_QUICK, orient="row")


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
