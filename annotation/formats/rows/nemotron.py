"""Rows of `nvidia/Nemotron-PII`, and of data sets with `text` and a list of spans with start, end and label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRow, read_objects, read_span, read_string, read_text


def score_row(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of Nemotron-PII."""
    return 0.92 if {"text", "spans", "uid", "document_type"} <= row.keys() else 0.0


def read_row(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """One row in the common form; the locale `us` is a country, `intl` is none.

    Raises:
        RowError: text or spans cannot be read.
    """
    spans = tuple(read_span(entry, "spans", value="text") for entry in read_objects(row.get("spans"), "spans"))
    return RawRow(
        read_text(row, "text"),
        (RawAnnotation(spans),),
        read_string(row, "language") or "en",
        read_string(row, "locale").replace("intl", ""),
        read_string(row, "document_type"),
        read_string(row, "uid", "id"),
        fields={name: row[name] for name in ("domain", "document_format") if row.get(name)},
    )
