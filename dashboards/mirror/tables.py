"""The tables of the mirror: columns, their types, and what a row stands for.

samples    one row a record: where it lies, what it is, how far people got
entities   one row an entity of the last prediction and of the review that counts (`Sample.best`)
mentions   one row a mention of these two readings
decisions  one row a region that a review compared with its pre-annotation (`goldspan.evaluation.people.acceptance`)
reviews    one row a person's work on a sample: time, edits, lint
issues     one row a code, label and author of a sample, with how often; every annotation is checked

The other tables name their sample by its number in `samples`. Language and document type are added when the mirror is
loaded, so that they stand on disk once.
"""

from __future__ import annotations

from typing import Any

import polars as pl

FORMAT = 3
"""Counts up whenever a column or its meaning changes; older caches are then built anew."""

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
        "length": "int",
        "run": "word",
        "model_version": "word",
        "score": "float",
        "predicted": "bool",
        "control": "bool",
        "reviews": "int",
        "drafts": "int",
        "cancelled": "int",
        "reviewed_at": "text",
        "skeleton": "hash",
        "entities": "int",
        "clusters": "int",
        "mentions": "int",
        "alone": "int",
        "errors": "int",
        "warnings": "int",
    },
    "entities": {"sample": "number", "side": "word", "label": "word", "position": "float"},
    "mentions": {"sample": "number", "side": "word", "kind": "word"},
    "decisions": {
        "sample": "number",
        "verdict": "word",
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
        "spans": "int",
        "lint": "int",
        "recall_part": "float",
        "recall_whole": "float",
        "precision_part": "float",
        "precision_whole": "float",
    },
    "issues": {
        "sample": "number",
        "code": "word",
        "severity": "word",
        "label": "word",
        "author": "word",
        "count": "int",
    },
}
"""Columns of every table and what they hold; a `word` is text with few different values."""

Rows = dict[str, list[tuple[Any, ...]]]


def make_rows() -> Rows:
    """Empty rows for every table."""
    return {name: [] for name in TABLES}


def make_frame(table: str, rows: list[tuple[Any, ...]]) -> pl.DataFrame:
    """A table with the types of its columns; the values of a row stand in the order of `TABLES`."""
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
