"""Rows with one span each: text, start, end and label, or text, value and label; the text repeats for each span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.formats.rows.options import TEXT_KEYS
from goldspan.annotation.formats.rows.raw import read_offset
from goldspan.annotation.formats.rows.spans import END, LABEL, START, find_key
from goldspan.annotation.tasks.store import JsonRecord

_VALUE = ("value", "entityvalue", "entity", "surface", "mention", "text")
"""Names of a column of values; that of the texts is another."""


_AMBIGUOUS = frozenset({"from", "to", "offset"})
"""Columns that may be anything else, such as the two ends of a mail."""


def group_spans(records: Sequence[JsonRecord], text_key: str = "") -> list[JsonRecord]:
    """Records with the spans of each text in a list; the records themselves if they do not have one span per row.

    Rows without a span say that their text has none.
    """
    columns = {name for record in records for name in record.value}
    text = text_key or next((key for key in TEXT_KEYS if key in columns), "")
    others = columns - {text} - _AMBIGUOUS
    label = find_key(others, LABEL)
    for parts, names, holds in ((("start", "end"), (START, END), _holds_place), (("value",), (_VALUE,), _holds_value)):
        keys = [*(find_key(others - {label}, part) for part in names), label]
        if not text or not all(keys):
            continue
        held = [holds(record.value, text, keys) for record in records]
        if any(held) and all(is_held or not _has(r.value, keys[:-1]) for r, is_held in zip(records, held, strict=True)):
            return _group(records, text, dict(zip((*parts, "label"), keys, strict=True)))
    return list(records)


def _group(records: Sequence[JsonRecord], text: str, parts: Mapping[str, str]) -> list[JsonRecord]:
    grouped: dict[Any, JsonRecord] = {}
    for record in records:
        rest = {name: cell for name, cell in record.value.items() if name not in parts.values()}
        group = grouped.setdefault(str(rest.get(text)), record._replace(value={**rest, "spans": []}))
        span = {part: record.value[key] for part, key in parts.items() if key in record.value}
        if len(span) == len(parts):
            group.value["spans"].append({part: _read_cell(cell) for part, cell in span.items()})
    return list(grouped.values())


def _has(row: Mapping[str, Any], keys: Sequence[str]) -> bool:
    return any(row.get(key) not in (None, "") for key in keys)


def _holds_place(row: Mapping[str, Any], text: str, keys: Sequence[str]) -> bool:
    start, end = (read_offset(_read_cell(row.get(key))) for key in keys[:2])
    return (
        isinstance(row.get(text), str) and start is not None and end is not None and isinstance(row.get(keys[2]), str)
    )


def _holds_value(row: Mapping[str, Any], text: str, keys: Sequence[str]) -> bool:
    words, value, label = (row.get(key) for key in (text, *keys))
    return isinstance(words, str) and isinstance(value, str) and value in words != value and isinstance(label, str)


def _read_cell(cell: Any) -> Any:
    """The cell of a span; pandas writes offsets beside empty cells as `3.0`."""
    return cell.removesuffix(".0") if isinstance(cell, str) else cell
