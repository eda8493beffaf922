"""Coverage: entities per label, against the targets."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.training.gate.commands import Commands

POSITION_BINS = 10


def filter_languages(frame: pl.DataFrame, languages: Sequence[str]) -> pl.DataFrame:
    """Keep the rows in these languages; all rows if none is given."""
    return frame.filter(pl.col("language").is_in(list(languages))) if languages else frame


def find_reviewed(mirror: Mirror) -> pl.DataFrame:
    """Find the entities of the reviews (one per sample)."""
    return mirror["entities"].filter(pl.col("side") == "annotated")


def find_unreviewed(mirror: Mirror) -> pl.DataFrame:
    """Find the entities of the last predictions of unreviewed samples."""
    waiting = mirror["samples"].filter(pl.col("reviews") == 0).select("sample")
    return mirror["entities"].filter(pl.col("side") == "predicted").join(waiting, on="sample", how="semi")


def list_languages(samples: pl.DataFrame) -> list[str]:
    """List the languages of the samples."""
    return sorted(language for language in samples["language"].cast(pl.String).unique() if language)


def tabulate_coverage(mirror: Mirror, labels: LabelSchema, languages: Sequence[str] = ()) -> pl.DataFrame:
    """One row per label: predicted, annotated, target, share of the target reached, gap. In the schema's order.

    `to review` is the part of the gap covered by unreviewed predictions, `to write` the rest.
    """
    counts = filter_languages(mirror["entities"], languages).group_by("label", "side").len()
    found = {(row["label"], row["side"]): row["len"] for row in counts.iter_rows(named=True)}
    waiting = dict(filter_languages(find_unreviewed(mirror), languages).group_by("label").len().iter_rows())
    rows = [
        {
            "label": label.code,
            "name": label.name,
            "category": label.category,
            "predicted": found.get((label.code, "predicted"), 0),
            "annotated": found.get((label.code, "annotated"), 0),
            "target": label.target,
            "waiting": waiting.get(label.code, 0),
        }
        for label in labels.entities
    ]
    frame = pl.DataFrame(
        rows,
        schema={
            "label": pl.String,
            "name": pl.String,
            "category": pl.String,
            "predicted": pl.Int64,
            "annotated": pl.Int64,
            "target": pl.Int64,
            "waiting": pl.Int64,
        },
    )
    frame = frame.with_columns(
        pl.when(pl.col("target") > 0).then(pl.col("annotated") / pl.col("target")).alias("reached"),
        (pl.col("target") - pl.col("annotated")).clip(0).alias("gap"),
    )
    to_review = pl.min_horizontal("gap", "waiting").alias("to review")
    return frame.with_columns(to_review, (pl.col("gap") - to_review).alias("to write")).drop("waiting")


def tabulate_cells(mirror: Mirror, labels: LabelSchema, side: str, by: str = "language") -> pl.DataFrame:
    """Count entities per label and language (or document type): label, group, count; empty cells are 0."""
    groups = sorted(mirror["samples"][by].cast(pl.String).unique().to_list())
    counts = mirror["entities"].filter(pl.col("side") == side).group_by("label", by).len()
    found = {(row["label"], row[by]): row["len"] for row in counts.iter_rows(named=True)}
    rows = [
        {"label": label.code, by: group, "count": found.get((label.code, group), 0)}
        for label in labels.entities
        for group in groups
    ]
    return pl.DataFrame(rows, schema={"label": pl.String, by: pl.String, "count": pl.Int64})


def tabulate_document_types(mirror: Mirror, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Count samples by document type and language."""
    samples = filter_languages(mirror["samples"], languages)
    keys = [pl.col("document_type").cast(pl.String), pl.col("language").cast(pl.String)]
    return samples.group_by(keys).len("samples").sort("document_type", "language")


def tabulate_positions(mirror: Mirror, side: str, languages: Sequence[str] = ()) -> pl.DataFrame:
    """Count entities by the position of their middle, in tenths of the text; tenth 1 is the start."""
    entities = filter_languages(mirror["entities"].filter(pl.col("side") == side), languages)
    tenth = (pl.col("position") * POSITION_BINS).floor().clip(0, POSITION_BINS - 1).cast(pl.Int64) + 1
    counts = entities.group_by(tenth.alias("tenth")).len("entities")
    scale = pl.DataFrame({"tenth": list(range(1, POSITION_BINS + 1))})
    return scale.join(counts, on="tenth", how="left").with_columns(pl.col("entities").fill_null(0).cast(pl.Int64))


def suggest_steps(coverage: pl.DataFrame, languages: Sequence[str], commands: Commands) -> list[tuple[str, str]]:
    """Suggest how to reach the targets, with commands; `languages` are those to generate in."""
    steps = []
    if to_write := int(coverage["to write"].sum()):
        samples = max(10, -(-to_write // 5))
        steps.append((f"{to_write:,} entities have to be generated.", commands.fill_gaps(languages, samples)))
    if to_review := int(coverage["to review"].sum()):
        what = f"{to_review:,} entities are predicted but not reviewed: push them, review, pull."
        steps.append((what, commands.on_workspace("goldspan studio push")))
    return steps
