"""Coreference: clusters, kinds of mention, and agreement between models and people."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.evaluation.scores.coreference import RatioCounts


@dataclass(frozen=True, slots=True)
class Clusters:
    """Totals over the best annotations.

    `b_cubed` compares reviews with their pre-annotations; it is empty where no pre-annotation has a cluster.
    """

    samples: int
    clusters: int
    mentions: int
    unclustered: int
    b_cubed: RatioCounts


def count_clusters(mirror: Mirror) -> Clusters:
    """Count totals over all samples."""
    samples, reviews = mirror["samples"], mirror["reviews"]
    names = ("recall_part", "recall_whole", "precision_part", "precision_whole")
    b_cubed = RatioCounts(*(float(reviews[name].sum()) for name in names))
    return Clusters(
        samples.height,
        int(samples["clusters"].sum()),
        int(samples["mentions"].sum()),
        int(samples["unclustered"].sum()),
        b_cubed if b_cubed.precision_whole else RatioCounts(),
    )


def tabulate_clusters(mirror: Mirror) -> pl.DataFrame:
    """Count samples by number of clusters and language."""
    keys = ["clusters", pl.col("language").cast(pl.String)]
    return mirror["samples"].group_by(keys).len("samples").sort("clusters", "language")


def tabulate_kinds(mirror: Mirror) -> pl.DataFrame:
    """Count mentions by kind, side and language."""
    keys = [pl.col(name).cast(pl.String) for name in ("kind", "side", "language")]
    return mirror["mentions"].group_by(keys).len("mentions").sort("kind", "side", "language")
