"""Rows of `dataiku/kiji-pii-training-data`, and of data sets that Goldspan uploads.

`privacy_mask` holds value and label; offsets are there in our uploads and in newer releases.
`coreferences` holds surfaces; `mention_spans` says where they stand in our uploads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawCluster,
    RawRow,
    RowError,
    read_list,
    read_objects,
    read_offset,
    read_span,
    read_string,
    read_text,
)


def score_row(row: Mapping[str, Any]) -> float:
    """Sureness that a row is kiji's."""
    return 0.94 if {"text", "privacy_mask", "coreferences"} <= row.keys() else 0.0


def read_row(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """One row in the common form.

    Raises:
        RowError: text or spans cannot be read.
    """
    spans = tuple(read_span(entry, "privacy_mask") for entry in read_objects(row.get("privacy_mask"), "privacy_mask"))
    clusters = tuple(_read_cluster(entry) for entry in read_objects(row.get("coreferences"), "coreferences"))
    return RawRow(
        read_text(row, "text"),
        (RawAnnotation(spans, clusters),),
        read_string(row, "language"),
        read_string(row, "country"),
        read_string(row, "document_type"),
        read_string(row, "id"),
        fields={name: row[name] for name in ("source", "split_group") if row.get(name)},
    )


def _read_cluster(entry: Mapping[str, Any]) -> RawCluster:
    mentions = read_list(entry.get("mentions"), "mentions")
    if not all(isinstance(mention, str) for mention in mentions):
        raise RowError(Code.UNREADABLE_SPANS, "mentions holds something that is not a string")
    places = []
    for place in read_objects(entry.get("mention_spans"), "mention_spans"):
        start, end = read_offset(place.get("start")), read_offset(place.get("end"))
        if start is None or end is None:
            raise RowError(Code.UNREADABLE_SPANS, "mention_spans has an entry without offsets")
        places.append((start, end, read_string(place, "kind")))
    return RawCluster(tuple(mentions), tuple(places))
