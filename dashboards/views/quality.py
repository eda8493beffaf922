"""Quality: what people did with pre-annotations, and what the checks found."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dashboards.mirror import Mirror
from dashboards.views.coverage import filter_languages

VERDICTS = ("accepted", "relabelled", "resized", "rejected", "added")
MISSED, SPURIOUS = "(missed)", "(spurious)"


def tabulate_acceptance(mirror: Mirror, by: Sequence[str] = ("label",), languages: Sequence[str] = ()) -> pl.DataFrame:
    """Verdicts by label, model version, person or language, with precision, recall and touch rate.

    A verdict counts for the predicted label, an added region for the label that it was given, as in
    `evaluation.acceptance`.
    """
    decisions = filter_languages(mirror["decisions"], languages)
    marked = decisions.with_columns(
        pl.when(pl.col("predicted_label") != "")
        .then(pl.col("predicted_label"))
        .otherwise(pl.col("annotated_label"))
        .alias("label")
    )
    keys = list(by)
    counts = marked.group_by(keys).agg(
        *[(pl.col("verdict") == verdict).sum().cast(pl.Int64).alias(verdict) for verdict in VERDICTS],
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
    """Predicted label against the label people gave: predicted, annotated, count; with missed and spurious."""
    decisions = filter_languages(mirror["decisions"], languages)
    named = decisions.select(
        pl.when(pl.col("predicted_label") == "").then(pl.lit(MISSED)).otherwise("predicted_label").alias("predicted"),
        pl.when(pl.col("annotated_label") == "").then(pl.lit(SPURIOUS)).otherwise("annotated_label").alias("annotated"),
    )
    return named.group_by("predicted", "annotated").len("count").sort("count", "predicted", descending=[True, False])


def list_confused(confusion: pl.DataFrame, most: int = 10) -> pl.DataFrame:
    """The most frequent pairs of different labels."""
    real = ~pl.col("predicted").eq(MISSED) & ~pl.col("annotated").eq(SPURIOUS)
    return confusion.filter(real & (pl.col("predicted") != pl.col("annotated"))).head(most)


def tabulate_issues(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Issues by code and severity: how many, in how many samples."""
    issues = filter_languages(mirror["issues"], languages)
    return (
        issues.group_by("severity", "code")
        .agg(pl.col("count").sum().alias("issues"), pl.col("sample_id").n_unique().alias("samples"))
        .sort("severity", "issues", descending=[False, True])
    )


def list_repeated_skeletons(mirror: Mirror, most: int = 20) -> pl.DataFrame:
    """Skeletons that more than one sample has: how often, its share of all samples, one of the samples."""
    samples = mirror["samples"]
    repeated = samples.group_by("skeleton").agg(
        pl.len().alias("samples"), pl.col("sample_id").min().alias("example"), pl.col("language").first()
    )
    total = max(samples.height, 1)
    return (
        repeated.filter(pl.col("samples") > 1)
        .with_columns((pl.col("samples") / total).alias("share"))
        .sort("samples", "skeleton", descending=[True, False])
        .head(most)
    )


def tabulate_models(mirror: Mirror) -> pl.DataFrame:
    """Pre-annotated samples by model version, with the mean score."""
    predicted = mirror["samples"].filter(pl.col("predicted"))
    return (
        predicted.group_by("model_version")
        .agg(pl.len().alias("samples"), pl.col("score").mean().alias("mean score"))
        .sort("model_version")
    )
