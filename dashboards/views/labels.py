"""Labels: which definitions are unclear, judged by what people changed and disagreed on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl

from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.tasks.feedback import DocumentChoice, RegionDoubt
from goldspan.dashboards.mirror.refresh import Mirror
from goldspan.dashboards.views.explore import NONE, has_choice
from goldspan.evaluation.scores.intervals import estimate_interval

_SCHEMA = {
    "label": pl.String,
    "regions": pl.Int64,
    "unclear": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "relabelled": pl.Int64,
    "resized": pl.Int64,
    "removed": pl.Int64,
    "added": pl.Int64,
    "disagreed": pl.Int64,
    "skipped": pl.Int64,
    "unsure": pl.Int64,
    "noted": pl.Int64,
}


_EDITED = pl.col("outcome").cast(pl.String).is_in(["relabelled", "resized"])
_DISPUTED = pl.col("kind").cast(pl.String).is_in(["label", "boundary"])
_UNJUDGED = pl.DataFrame(schema={"unclear": pl.Int64, "regions": pl.Int64})

GUIDELINE_FIELDS = {
    "guideline": "Definition",
    "boundary": "Where it begins and ends",
    "right": "Right, one example a line",
    "wrong": "Wrong, one example a line",
}
"""Fields of a label that a person writes for annotators, and their titles."""

_SINGLE = ("guideline", "boundary")


def read_guideline(label: Label) -> dict[str, tuple[str, ...]]:
    """The lines of each field of `GUIDELINE_FIELDS`."""
    values = {field: getattr(label, field) for field in GUIDELINE_FIELDS}
    return {
        field: tuple(filter(None, (value,))) if isinstance(value, str) else tuple(value)
        for field, value in values.items()
    }


def make_changes(label: Label, texts: Mapping[str, str]) -> dict[str, str | list[str] | None]:
    """The fields to write for what a person typed; only those that differ, None for those that were emptied."""
    changes: dict[str, str | list[str] | None] = {}
    for field, before in read_guideline(label).items():
        lines = tuple(line.strip() for line in texts[field].splitlines() if line.strip())
        if lines == before:
            continue
        changes[field] = (" ".join(lines) if field in _SINGLE else list(lines)) if lines else None
    return changes


def tabulate_unclear(mirror: Mirror, labels: LabelSchema) -> pl.DataFrame:
    """One row per label, the least clear first.

    `regions` are the regions that people judged: of pre-annotations, and of samples that two people reviewed.
    `unclear` is the share of them that were relabelled, resized or differ in label or boundary between two people, with
    its 95 % interval (a sample is one cluster); rows are sorted by its lower end. `skipped` counts samples that were
    skipped and whose prediction has the label, `unsure` those whose reviewer was unsure of a region of the label or, if
    the review has the label, of the document, `noted` those whose reviewer left a note and whose review has the label.
    """
    judged = _list_judged(mirror).partition_by("label", as_dict=True, include_key=False)
    outcomes = _count_outcomes(mirror)
    disputed = _count_disputes(mirror)
    skipped = _count_samples(mirror, "predicted", mirror["samples"].filter(pl.col("cancelled") > 0))
    unsure = _count_unsure(mirror)
    noted = _count_samples(mirror, "annotated", mirror["reviews"].filter(pl.col("notes") > 0))
    rows = []
    for code in (label.code for label in labels.entities):
        unclear, regions = judged.get((code,), _UNJUDGED)
        low, high = estimate_interval(unclear.to_numpy(), regions.to_numpy()) or (None, None)
        total = int(regions.sum())
        share = unclear.sum() / total if total else None
        edits = (outcomes[code, name] for name in ("relabelled", "resized", "rejected", "added"))
        rows.append((code, total, share, low, high, *edits, disputed[code], skipped[code], unsure[code], noted[code]))
    table = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return table.sort("low", "regions", descending=True, nulls_last=True, maintain_order=True)


def _list_judged(mirror: Mirror) -> pl.DataFrame:
    """One row per label and sample: label, unclear, regions; a region with two labels counts for both."""
    decisions = _list_labels(mirror["decisions"], "predicted_label", "annotated_label", _EDITED)
    disagreements = _list_labels(mirror["disagreements"], "first_label", "second_label", _DISPUTED)
    alike = mirror["agreements"].select(
        "sample",
        pl.col("label").cast(pl.String),
        pl.lit(0, pl.Int64).alias("unclear"),
        pl.col("count").alias("regions"),
    )
    rows = pl.concat([decisions, disagreements, alike])
    return rows.group_by("label", "sample", maintain_order=True).agg(pl.col("unclear", "regions").sum()).drop("sample")


def _list_labels(table: pl.DataFrame, first: str, second: str, unclear: pl.Expr) -> pl.DataFrame:
    """One row per region and label of it: sample, label, unclear (0 or 1), regions (1)."""
    named = table.select("sample", unclear.cast(pl.Int64).alias("unclear"), pl.col(first, second).cast(pl.String))
    one = named.select("sample", pl.col(first).alias("label"), "unclear")
    other = named.filter(pl.col(first) != pl.col(second)).select("sample", pl.col(second).alias("label"), "unclear")
    return pl.concat([one, other]).filter(pl.col("label") != "").with_columns(pl.lit(1, pl.Int64).alias("regions"))


def _count_outcomes(mirror: Mirror) -> Counter[tuple[str, str]]:
    """Regions by label and outcome; a relabelled region counts for both labels."""
    columns = [pl.col(name).cast(pl.String) for name in ("outcome", "predicted_label", "annotated_label")]
    table = mirror["decisions"].select(columns).group_by(pl.all()).len()
    outcomes: Counter[tuple[str, str]] = Counter()
    for outcome, predicted, annotated, count in table.iter_rows():
        for label in {predicted, annotated} - {""}:
            outcomes[label, outcome] += count
    return outcomes


def _count_disputes(mirror: Mirror) -> Counter[str]:
    """Regions on whose label or boundary two people differ, for each of their labels."""
    named = _list_labels(mirror["disagreements"], "first_label", "second_label", _DISPUTED)
    return Counter(dict(named.group_by("label").agg(pl.col("unclear").sum()).iter_rows()))


def _count_samples(mirror: Mirror, side: str, rows: pl.DataFrame) -> Counter[str]:
    """Samples of these rows, by each label that their annotation of this side has."""
    return _count_labels(_list_labelled(mirror, side, rows))


def _count_unsure(mirror: Mirror) -> Counter[str]:
    """Samples whose reviewer was unsure of the document or of a region, by label."""
    documents = mirror["reviews"].filter(has_choice(DocumentChoice.UNSURE))
    regions = mirror["doubts"].select("sample", pl.col("label").cast(pl.String))
    return _count_labels(pl.concat([_list_labelled(mirror, "annotated", documents), regions]))


def _list_labelled(mirror: Mirror, side: str, rows: pl.DataFrame) -> pl.DataFrame:
    spans = mirror["entities"].filter(pl.col("side") == side).join(rows.select("sample"), on="sample", how="semi")
    return spans.select("sample", pl.col("label").cast(pl.String))


def _count_labels(labelled: pl.DataFrame) -> Counter[str]:
    return Counter(dict(labelled.unique().group_by("label").len().iter_rows()))


def tabulate_doubts(mirror: Mirror, label: str) -> pl.DataFrame:
    """Why people were unsure of regions of a label: reason, regions."""
    found = mirror["doubts"].filter(pl.col("label") == label).select(pl.col("reason").cast(pl.String))
    words = {doubt.value: doubt.words for doubt in RegionDoubt}
    counted = found.group_by("reason").agg(pl.len().cast(pl.Int64).alias("regions"))
    return counted.with_columns(pl.col("reason").replace(words)).sort("regions", "reason", descending=[True, False])


def tabulate_alternatives(mirror: Mirror, label: str) -> pl.DataFrame:
    """What people chose instead of a label, or it instead of: predicted, annotated, regions."""
    columns = [pl.col(name).cast(pl.String) for name in ("predicted_label", "annotated_label")]
    table = mirror["decisions"].filter(pl.col("outcome") != "accepted").select(columns)
    named = table.select(
        pl.when(pl.col(column) == "").then(pl.lit(NONE)).otherwise(pl.col(column)).alias(column.partition("_")[0])
        for column in ("predicted_label", "annotated_label")
    )
    return (
        named.filter((pl.col("predicted") == label) | (pl.col("annotated") == label))
        .group_by("predicted", "annotated")
        .agg(pl.len().cast(pl.Int64).alias("regions"))
        .sort("regions", "predicted", "annotated", descending=[True, False, False])
    )
