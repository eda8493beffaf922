"""Tables with one span per row: text, start, end and label, the text repeated for each of its spans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from goldspan.annotation.formats.rows.spans import END, LABEL, START, find_key
from goldspan.annotation.tasks.store import JsonRecord

_SPAN = (START, END, LABEL)


def group_spans(records: Sequence[JsonRecord]) -> list[JsonRecord]:
    """Records with the spans of each text in a list; the records themselves if they do not have one span per row.

    Rows without a span say that their text has none.
    """
    columns = {name for record in records for name in record.value}
    keys = [find_key(columns, names) for names in _SPAN]
    if not all(keys) or not any(_holds_span(record.value, keys) for record in records):
        return list(records)
    grouped: dict[Any, JsonRecord] = {}
    for record in records:
        rest = {name: cell for name, cell in record.value.items() if name not in keys}
        group = grouped.setdefault(record.value.get("text"), record._replace(value={**rest, "spans": []}))
        if any(key in record.value for key in keys):
            span = dict(zip(("start", "end", "label"), _read_cells(record.value, keys), strict=True))
            group.value["spans"].append(span)
    return list(grouped.values())


def _holds_span(row: dict[str, Any], keys: Sequence[str]) -> bool:
    start, end, _ = _read_cells(row, keys)
    return "text" in row and start.isdecimal() and end.isdecimal()


def _read_cells(row: dict[str, Any], keys: Iterable[str]) -> list[str]:
    """The cells of a span; pandas writes offsets beside empty cells as `3.0`."""
    return [str(row.get(key, "")).removesuffix(".0") for key in keys]
