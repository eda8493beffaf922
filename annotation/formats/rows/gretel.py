"""Rows of Gretel's data sets.

`gretel-pii-masking-en-v1`: `entities` holds values with several types each and no offsets.
`synthetic_pii_finance_multilingual`: `generated_text` with `pii_spans`, which have offsets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRow,
    RawSpan,
    RowError,
    read_list,
    read_objects,
    read_span,
    read_string,
    read_text,
)

_FIELDS = ("domain", "document_description", "expanded_type", "quality_score")


def score_row(row: Mapping[str, Any]) -> float:
    """Sureness that a row is Gretel's."""
    if {"generated_text", "pii_spans"} <= row.keys():
        return 0.97
    if not {"text", "entities"} <= row.keys():
        return 0.0
    return 0.93 if re.search(r"['\"]types['\"]", str(row.get("entities"))[:2000]) else 0.0


def read_row(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """One row in the common form.

    Raises:
        RowError: text or spans cannot be read.
    """
    if "pii_spans" in row:
        spans = tuple(read_span(entry, "pii_spans") for entry in read_objects(row["pii_spans"], "pii_spans"))
    else:
        spans = tuple(_read_entity(entry) for entry in read_objects(row.get("entities"), "entities"))
    return RawRow(
        read_text(row, "text", "generated_text"),
        (RawAnnotation(spans),),
        read_string(row, "language") or "en",
        "",
        read_string(row, "document_type"),
        read_string(row, "uid", "id", "index"),
        fields={name: row[name] for name in _FIELDS if row.get(name) is not None},
    )


def _read_entity(entry: Mapping[str, Any]) -> RawSpan:
    if "label" in entry:
        return read_span(entry, "entities")
    types = entry.get("types")
    names = read_list([types] if isinstance(types, str) and not types.startswith("[") else types, "types")
    if not names or not all(isinstance(name, str) for name in names):
        raise RowError(Code.UNREADABLE_SPANS, "entities has an entry without types")
    if not isinstance(entry.get("entity"), str):
        raise RowError(Code.UNREADABLE_SPANS, "entities has an entry without entity")
    return RawSpan(tuple(names), value=entry["entity"])
