"""Disagreement: where two people's reviews of a sample differ."""

from __future__ import annotations

import polars as pl

from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.explore import name_pairs


def tabulate_label_pairs(mirror: Mirror) -> pl.DataFrame:
    """One row per pair of labels: regions, samples, and how the regions differ; the most frequent first."""
    missed = pl.col("kind").cast(pl.String).is_in(["missed by first", "missed by second"])
    return (
        mirror["disagreements"]
        .group_by(name_pairs().alias("labels"))
        .agg(
            pl.len().cast(pl.Int64).alias("regions"),
            pl.col("sample").n_unique().cast(pl.Int64).alias("samples"),
            (pl.col("kind") == "label").sum().cast(pl.Int64).alias("another label"),
            (pl.col("kind") == "boundary").sum().cast(pl.Int64).alias("other boundaries"),
            missed.sum().cast(pl.Int64).alias("missed by one"),
        )
        .sort("regions", "labels", descending=[True, False])
    )


def list_people(mirror: Mirror) -> list[str]:
    """List the people whose reviews differ from another person's."""
    table = mirror["disagreements"]
    return sorted({*table["first"].cast(pl.String), *table["second"].cast(pl.String)})


def count_decided(mirror: Mirror) -> int:
    """Count the samples on which people differ and one annotation is marked as ground truth."""
    decided = mirror["samples"].filter(pl.col("decided")).select("sample")
    return decided.join(mirror["disagreements"].select("sample").unique(), on="sample", how="semi").height


def list_samples(mirror: Mirror, pair: str = "", person: str = "", *, decided: bool = False) -> pl.DataFrame:
    """One row per sample, most disagreements first: sample_id, language, people, disagreements, file, offset.

    Samples with an annotation that is marked as ground truth are left out unless `decided`.
    """
    table = mirror["disagreements"]
    if pair:
        table = table.filter(name_pairs() == pair)
    if person:
        table = table.filter((pl.col("first") == person) | (pl.col("second") == person))
    names = pl.concat_list(pl.col("first").cast(pl.String), pl.col("second").cast(pl.String))
    counts = (
        table.with_columns(names.alias("names"))
        .group_by("sample")
        .agg(pl.len().cast(pl.Int64).alias("disagreements"), pl.col("names").explode().unique().sort().alias("names"))
    )
    columns = [pl.col(name).cast(pl.String) for name in ("sample_id", "language", "file")]
    rows = mirror["samples"] if decided else mirror["samples"].filter(~pl.col("decided"))
    samples = rows.select("sample", "offset", *columns)
    return (
        counts.join(samples, on="sample")
        .sort("disagreements", "sample_id", descending=[True, False])
        .select(
            "sample_id", "language", pl.col("names").list.join(", ").alias("people"), "disagreements", "file", "offset"
        )
    )
