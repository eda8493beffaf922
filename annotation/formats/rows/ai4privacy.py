"""Rows of the AI4Privacy releases (200k, 300k, 400k, OpenPII) and their mirrors.

`privacy_mask` is a list, a JSON string or a Python literal; where it is missing, or only has a value for each
placeholder (`{"[FIRSTNAME_1]": "Ann"}`), `span_labels` is read, a list of `[start, end, label]` in which `O` means
"nothing".
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
    parse_literal,
    read_list,
    read_objects,
    read_offset,
    read_span,
    read_string,
    read_text,
)

_TEXT = ("source_text", "unmasked_text")


def score_row(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of AI4Privacy's."""
    return 0.97 if row.keys() & set(_TEXT) and row.keys() & {"privacy_mask", "span_labels"} else 0.0


def read_row(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """One row in the common form.

    Raises:
        RowError: text or spans cannot be read.
    """
    mask = row.get("privacy_mask")
    if isinstance(mask, str) and mask.lstrip().startswith("{"):
        mask = parse_literal(mask, "privacy_mask")
    values = mask if isinstance(mask, Mapping) and all(isinstance(value, str) for value in mask.values()) else None
    if values is not None and row.get("span_labels") is None:
        spans = tuple(RawSpan((_read_placeholder(name),), value=value) for name, value in values.items())
    elif mask is not None and values is None:
        spans = tuple(read_span(entry, "privacy_mask") for entry in read_objects(mask, "privacy_mask"))
    elif row.get("span_labels") is not None:
        spans = _read_span_labels(row["span_labels"])
    else:
        raise RowError(Code.UNREADABLE_SPANS, "neither privacy_mask nor span_labels has a value")
    return RawRow(
        read_text(row, *_TEXT),
        (RawAnnotation(spans),),
        read_string(row, "language", "locale"),
        read_string(row, "region", "locale"),
        uid=read_string(row, "uid", "id"),
        fields={name: row[name] for name in ("script",) if row.get(name)},
    )


def _read_placeholder(name: str) -> str:
    """The label of a placeholder: `FIRSTNAME` of `[FIRSTNAME_1]`."""
    return re.sub(r"_\d+\Z", "", name.strip("[]<>{} "))


def _read_span_labels(value: Any) -> tuple[RawSpan, ...]:
    spans = []
    for entry in read_list(value, "span_labels"):
        if not isinstance(entry, list | tuple) or len(entry) != 3 or not isinstance(entry[2], str):
            raise RowError(Code.UNREADABLE_SPANS, "span_labels has an entry that is not [start, end, label]")
        start, end = read_offset(entry[0]), read_offset(entry[1])
        if start is None or end is None:
            raise RowError(Code.UNREADABLE_SPANS, "span_labels has an entry without offsets")
        if entry[2] != "O":
            spans.append(RawSpan((entry[2].removeprefix("B-").removeprefix("I-"),), start, end))
    return tuple(spans)
