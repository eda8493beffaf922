"""The tables of the mirror: columns, types, and what a row is.

samples    one row per record: location, attributes, review state
entities   one row per entity of the last prediction and of the best review (`Sample.best`)
mentions   one row per mention of these two annotations
decisions  one row per region compared between pre-annotation and review (`goldspan.evaluation.people.acceptance`)
reviews    one row per person and sample: time, edits, boundary issues, choices and notes about the document
disagreements  one row per region on which two people's reviews of a sample differ
agreements  one row per label of a sample and two people, with the number of regions that both reviews have alike
issues     one row per issue code, label and author of a sample, with its count; every annotation is checked

The other tables refer to their sample by its number in `samples`. Language and document type are joined when the
mirror is loaded, so they are stored once.
"""

from __future__ import annotations

from typing import Any

import polars as pl

FORMAT = 12
"""Increases when a column or its meaning changes; older tables are then rebuilt."""

_TYPES = {
    "text": pl.String,
    "word": pl.Categorical,
    "int": pl.Int64,
    "hash": pl.UInt64,
    "number": pl.UInt32,
    "float": pl.Float64,
    "bool": pl.Boolean,
}

TABLES: dict[str, dict[str, str]] = {
    "samples": {
        "sample_id": "text",
        "file": "word",
        "offset": "int",
        "language": "word",
        "country": "word",
        "document_type": "word",
        "fields": "text",
        "length": "int",
        "run": "word",
        "model_version": "word",
        "score": "float",
        "predicted": "bool",
        "control": "bool",
        "reviews": "int",
        "drafts": "int",
        "cancelled": "int",
        "decided": "bool",
        "reviewed_at": "text",
        "skeleton": "hash",
        "entities": "int",
        "clusters": "int",
        "mentions": "int",
        "unclustered": "int",
        "errors": "int",
        "warnings": "int",
        "tokens": "int",
        "uncertainty": "float",
        "conflict": "float",
        "task": "int",
    },
    "entities": {"sample": "number", "side": "word", "label": "word", "position": "float"},
    "mentions": {"sample": "number", "side": "word", "kind": "word"},
    "decisions": {
        "sample": "number",
        "outcome": "word",
        "predicted_label": "word",
        "annotated_label": "word",
        "relaxed": "bool",
        "model_version": "word",
        "person": "word",
    },
    "reviews": {
        "sample": "number",
        "person": "word",
        "status": "word",
        "model_version": "word",
        "updated_at": "text",
        "lead_time": "float",
        "edits": "int",
        "suspect": "bool",
        "choices": "word",
        "notes": "int",
        "spans": "int",
        "lint": "int",
        "recall_part": "float",
        "recall_whole": "float",
        "precision_part": "float",
        "precision_whole": "float",
    },
    "doubts": {"sample": "number", "person": "word", "label": "word", "reason": "word"},
    "disagreements": {
        "sample": "number",
        "kind": "word",
        "first_label": "word",
        "second_label": "word",
        "first": "word",
        "second": "word",
    },
    "agreements": {"sample": "number", "label": "word", "count": "int"},
    "issues": {
        "sample": "number",
        "code": "word",
        "severity": "word",
        "label": "word",
        "author": "word",
        "count": "int",
    },
}
"""Columns of every table and their types; a `word` is text with few distinct values."""

Rows = dict[str, list[tuple[Any, ...]]]


def make_rows() -> Rows:
    """Create empty rows for every table."""
    return {name: [] for name in TABLES}


def make_frame(table: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """Build a typed table; the values of a row are in the order of `TABLES`."""
    columns = TABLES[table]
    values = zip(*rows, strict=True) if rows else [()] * len(columns)
    return pl.DataFrame(
        [
            pl.Series(name, column, dtype=pl.String if kind == "word" else _TYPES[kind], strict=False).cast(
                _TYPES[kind]
            )
            for (name, kind), column in zip(columns.items(), values, strict=True)
        ]
    )
