"""Queue: the samples to label next, and progress measured on the random reserve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import polars as pl

from goldspan.annotation.corpus.queue import LabelQueue, QueueCandidate, build_queue, is_reserved
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.overview import ShareEstimate, measure_first_pass, measure_kept


def plan_queue(
    mirror: Mirror, labels: LabelSchema, *, size: int, seed: int, exclude: Collection[str] = ()
) -> LabelQueue:
    """Choose the samples to label next, as `goldspan queue` does."""
    targets = {label.code: label.target for label in labels.entities}
    return build_queue(_list_candidates(mirror, exclude), targets, _count_reviewed(mirror), size=size, seed=seed)


def _list_candidates(mirror: Mirror, exclude: Collection[str]) -> list[QueueCandidate]:
    pushed = pl.Series(sorted(exclude), dtype=pl.String).implode()
    waiting = mirror["samples"].filter((pl.col("reviews") == 0) & (pl.col("drafts") == 0))
    waiting = waiting.filter(~pl.col("sample_id").is_in(pushed))
    predicted = mirror["entities"].filter(pl.col("side") == "predicted")
    labels = predicted.group_by("sample").agg(pl.col("label").cast(pl.String))
    words = [pl.col(name).cast(pl.String) for name in ("language", "document_type", "model_version")]
    table = waiting.join(labels, on="sample", how="left").select(
        "sample_id",
        *words,
        "tokens",
        "label",
        "uncertainty",
        "conflict",
        "skeleton",
        pl.col("cancelled") > 0,
    )
    return [
        QueueCandidate(sample_id, language, kind, model, tokens, tuple(found or ()), unsure, conflict, group, skip)
        for sample_id, language, kind, model, tokens, found, unsure, conflict, group, skip in table.iter_rows()
    ]


def _count_reviewed(mirror: Mirror) -> Counter[str]:
    reviewed = mirror["entities"].filter(pl.col("side") == "annotated")
    return Counter(dict(reviewed.group_by(pl.col("label").cast(pl.String)).len().iter_rows()))


def tabulate_queue(queue: LabelQueue, pushed: set[str]) -> pl.DataFrame:
    """One row per entry, in the order to label them."""
    rows = [
        (
            number,
            "; ".join(entry.reasons),
            entry.priority,
            round(entry.seconds),
            entry.language,
            entry.document_type,
            entry.sample_id,
            entry.sample_id in pushed,
        )
        for number, entry in enumerate(queue.entries, start=1)
    ]
    schema = {
        "number": pl.Int64,
        "reason": pl.String,
        "priority": pl.Float64,
        "seconds": pl.Int64,
        "language": pl.String,
        "document_type": pl.String,
        "sample_id": pl.String,
        "pushed": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def tabulate_gain(mirror: Mirror, labels: LabelSchema, queue: LabelQueue) -> pl.DataFrame:
    """Labels below their target that the batch has predicted entities of: label, reviewed, target, in the batch."""
    ids = [entry.sample_id for entry in queue.entries]
    batch = mirror["samples"].filter(pl.col("sample_id").is_in(ids)).select("sample")
    predicted = mirror["entities"].filter(pl.col("side") == "predicted").join(batch, on="sample", how="semi")
    expected = Counter(dict(predicted.group_by(pl.col("label").cast(pl.String)).len().iter_rows()))
    reviewed = _count_reviewed(mirror)
    rows = [
        (label.code, reviewed[label.code], label.target, expected[label.code])
        for label in labels.entities
        if reviewed[label.code] < label.target and expected[label.code]
    ]
    schema = {"label": pl.String, "reviewed": pl.Int64, "target": pl.Int64, "in this batch": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("in this batch", descending=True)


def measure_reserve(mirror: Mirror, seed: int) -> tuple[int, ShareEstimate, ShareEstimate]:
    """Measure progress on the random reserve: its reviewed samples, first-pass acceptance, share of regions kept."""
    reviewed = mirror["samples"].filter((pl.col("reviews") > 0) & ~pl.col("control"))
    chosen = reviewed.filter(pl.Series([is_reserved(name, seed) for name in reviewed["sample_id"]], dtype=pl.Boolean))
    reviews = mirror["reviews"].join(chosen.select("sample"), on="sample", how="semi")
    decisions = mirror["decisions"].join(chosen.select("sample"), on="sample", how="semi")
    return chosen.height, measure_first_pass(reviews), measure_kept(decisions)
