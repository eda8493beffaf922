"""Quality: acceptance of pre-annotations, and issues found by checks."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from goldspan.annotation.corpus.quality.measure import QualityReport
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.coverage import filter_languages
from goldspan.dashboards.views.explore import NONE
from goldspan.dashboards.views.overview import estimate_share
from goldspan.evaluation.audit.ledger import AuditLedger, AuditStatus

OUTCOMES = ("accepted", "relabelled", "resized", "rejected", "added")


def tabulate_suspected(ledger: AuditLedger) -> pl.DataFrame:
    """The audited samples that nobody has decided on, those with most findings first; drawn: by chance, not found."""
    rows = [
        (name, entry.findings, "drawn at random" if entry.random else "found", entry.auditor, entry.audited_at[:10])
        for name, entry in ledger.entries.items()
        if entry.status is AuditStatus.OPEN
    ]
    schema: dict[str, type[pl.DataType]] = {"sample id": pl.String, "doubtful spans": pl.Int64}
    schema |= dict.fromkeys(("why", "auditor", "audited"), pl.String)
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.sort("doubtful spans", "sample id", descending=[True, False])


def tabulate_acceptance(mirror: Mirror, by: Sequence[str] = ("label",), languages: Sequence[str] = ()) -> pl.DataFrame:
    """Outcomes by label, model version, person or language, with precision, recall and touch rate.

    An outcome counts for the predicted label, an added region for the label it was given, as in
    `goldspan.evaluation.people.acceptance`.
    """
    decisions = filter_languages(mirror["decisions"], languages).with_columns(pl.col(pl.Categorical).cast(pl.String))
    marked = decisions.with_columns(
        pl.when(pl.col("predicted_label") != "")
        .then(pl.col("predicted_label"))
        .otherwise(pl.col("annotated_label"))
        .alias("label")
    )
    keys = list(by)
    counts = marked.group_by(keys).agg(
        *[(pl.col("outcome") == outcome).sum().cast(pl.Int64).alias(outcome) for outcome in OUTCOMES],
        (pl.col("predicted_label") != "").sum().cast(pl.Int64).alias("predicted"),
    )
    given = decisions.filter(pl.col("annotated_label") != "").with_columns(pl.col("annotated_label").alias("label"))
    annotated = given.group_by(keys).agg(pl.len().cast(pl.Int64).alias("annotated"))
    table = counts.join(annotated, on=keys, how="full", coalesce=True).fill_null(0)
    return table.with_columns(
        _divide("accepted", "predicted").alias("precision"),
        _divide("accepted", "annotated").alias("recall"),
        (1 - _divide("accepted", "predicted")).alias("touch rate"),
    ).sort(keys)


def _divide(part: str, whole: str) -> pl.Expr:
    return pl.when(pl.col(whole) > 0).then(pl.col(part) / pl.col(whole))


def tabulate_confusion(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Predicted label against annotated label: predicted, annotated, count; `(none)` for no partner."""
    decisions = filter_languages(mirror["decisions"], languages)
    predicted, annotated = pl.col("predicted_label").cast(pl.String), pl.col("annotated_label").cast(pl.String)
    named = decisions.select(
        pl.when(predicted == "").then(pl.lit(NONE)).otherwise(predicted).alias("predicted"),
        pl.when(annotated == "").then(pl.lit(NONE)).otherwise(annotated).alias("annotated"),
    )
    return (
        named.group_by("predicted", "annotated")
        .agg(pl.len().cast(pl.Int64).alias("count"))
        .sort("count", "predicted", "annotated", descending=[True, False, False])
    )


def list_confused(confusion: pl.DataFrame, most: int = 10) -> pl.DataFrame:
    """List the most frequent pairs of different labels."""
    real = ~pl.col("predicted").eq(NONE) & ~pl.col("annotated").eq(NONE)
    return confusion.filter(real & (pl.col("predicted") != pl.col("annotated"))).head(most)


def tabulate_weeks(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """First-pass acceptance by week of review: week, reviews, share, 95 % interval (low, high)."""
    reviews = filter_languages(mirror["reviews"], languages)
    compared = reviews.filter((pl.col("status") == "submitted") & pl.col("edits").is_not_null())
    day = pl.col("updated_at").str.slice(0, 10).str.to_date(strict=False)
    counts = (
        compared.with_columns(day.dt.truncate("1w").alias("week"))
        .drop_nulls("week")
        .group_by("week")
        .agg((pl.col("edits") == 0).cast(pl.Int64))
        .sort("week")
    )
    rows = []
    for week, unchanged in counts.iter_rows():
        share = estimate_share(unchanged, [1] * len(unchanged))
        rows.append((str(week), share.cases, share.value, *(share.interval or (None, None))))
    schema = {"week": pl.String, "reviews": pl.Int64, "share": pl.Float64, "low": pl.Float64, "high": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def tabulate_issues(
    mirror: Mirror, languages: Sequence[str] = (), by: Sequence[str] = ("severity", "code")
) -> pl.DataFrame:
    """Count issues and samples by severity and code, or by label or author. All annotations count."""
    issues = filter_languages(mirror["issues"], languages)
    return (
        issues.group_by([pl.col(name).cast(pl.String) for name in by])
        .agg(pl.col("count").sum().alias("issues"), pl.col("sample").n_unique().cast(pl.Int64).alias("samples"))
        .sort("issues", *by, descending=[True, *([False] * len(by))])
    )


def tabulate_invalid_values(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Count values that fail their validator (check digits, format, range): label, issues, samples."""
    issues = filter_languages(mirror["issues"], languages).filter(pl.col("code") == "invalid_value")
    return tabulate_issues(Mirror({"issues": issues}, mirror.version), by=["label"])


def list_repeated_skeletons(mirror: Mirror, languages: Sequence[str] = (), most: int = 20) -> pl.DataFrame:
    """List skeletons shared by several samples: an example, its language, frequency, share of all samples."""
    samples = filter_languages(mirror["samples"], languages)
    repeated = samples.group_by("skeleton").agg(
        pl.col("sample_id").min().alias("example"),
        pl.col("language").first().cast(pl.String),
        pl.len().cast(pl.Int64).alias("samples"),
    )
    return (
        repeated.filter(pl.col("samples") > 1)
        .with_columns((pl.col("samples") / max(samples.height, 1)).alias("share"))
        .sort("samples", "example", descending=[True, False])
        .drop("skeleton")
        .head(most)
    )


def count_repeated(mirror: Mirror, languages: Sequence[str] = ()) -> int:
    """Count samples that share their skeleton with another sample."""
    return int(filter_languages(mirror["samples"], languages)["skeleton"].is_duplicated().sum())


def tabulate_models(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Count pre-annotated samples by model version, with the mean score."""
    predicted = filter_languages(mirror["samples"], languages).filter(pl.col("predicted"))
    return (
        predicted.group_by(pl.col("model_version").cast(pl.String))
        .agg(pl.len().cast(pl.Int64).alias("samples"), pl.col("score").mean().alias("mean score"))
        .sort("model_version")
    )


def tabulate_quality(report: QualityReport) -> pl.DataFrame:
    """One row per check: flagged for review, group, name, score (1 is best), findings."""
    rows = [
        {"flagged": check.flag, "group": check.group, "check": check.code, "score": check.score, "found": check.summary}
        for check in report.checks
    ]
    schema = {"flagged": pl.Boolean, "group": pl.String, "check": pl.String, "score": pl.Float64, "found": pl.String}
    return pl.DataFrame(rows, schema=schema)


def tabulate_conflicts(report: QualityReport) -> pl.DataFrame:
    """Count surface forms with more than one label, by their labels."""
    found = next((check.info for check in report.checks if check.code == "label_conflict"), {})
    pairs = found.get("surfaces_by_labels", {})
    return pl.DataFrame(
        {"labels": list(pairs), "surfaces": list(pairs.values())},
        schema={"labels": pl.String, "surfaces": pl.Int64},
    )
