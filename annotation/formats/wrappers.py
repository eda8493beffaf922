"""JSON documents that hold the rows of a file in another form than a list of objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.formats.rows import SHAPES
from goldspan.annotation.formats.rows.options import TEXT_KEYS
from goldspan.annotation.formats.rows.span_keys import SPAN_KEYS, TOKEN_KEYS

_SPLITS = frozenset({"train", "validation", "valid", "val", "dev", "test"})
_PARTS = SPAN_KEYS - {"annotations"} | {"entity_mentions", "mentions", "relations", *TOKEN_KEYS}
"""Keys whose objects are parts of one row."""
_WRAPPER_KEYS = 6
"""Keys of an object around a list of rows: the list, and a version, a description and the like."""


def unwrap_rows(value: Any) -> Any:
    """Training tuples of spaCy, `[text, {"entities": …}]`, as rows; what holds all rows of a file as a list of them.

    An annotation that holds its task, as Label Studio writes it to a storage, becomes the task with the annotation.
    """
    if isinstance(value, dict) and isinstance(value.get("result"), list) and isinstance(value.get("task"), dict):
        return {**value["task"], "annotations": [{name: part for name, part in value.items() if name != "task"}]}
    if isinstance(value, dict) and not isinstance(value.get("text"), str):
        if (rows := _turn_table(value)) is not None:
            return rows
        if value and value.keys() <= _SPLITS and all(isinstance(rows, list) for rows in value.values()):
            return [row for rows in value.values() for row in rows]
        lists = [
            rows for key, rows in value.items() if key not in _PARTS and isinstance(rows, list) and _holds_rows(rows)
        ]
        if len(lists) == 1 and len(value) <= _WRAPPER_KEYS and _is_wrapper(value):
            return lists[0]
        if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict):
            return unwrap_rows(inner)
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
        return {"text": value[0], **value[1]}
    return value


def _turn_table(value: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The rows of what pandas or `datasets` wrote by column, of the Hub's viewer, or of an object with a row by id."""
    columns, data = value.get("columns"), value.get("data")
    if isinstance(columns, list) and isinstance(data, list) and "index" in value:
        return [dict(zip(columns, cells, strict=False)) for cells in data if isinstance(cells, list)]
    if isinstance(rows := value.get("rows"), list) and rows and all(isinstance(r, dict) and "row" in r for r in rows):
        return [entry["row"] for entry in rows]
    texts: Any = next(
        (value[key] for key in TEXT_KEYS if key != "data" and isinstance(value.get(key), list | dict)), []
    )
    names = list(texts) if isinstance(texts, dict) else list(range(len(texts)))
    aligned = (isinstance(cells, type(texts)) and len(cells) == len(names) for cells in value.values())
    if names and all(isinstance(texts[name], str) for name in names) and all(aligned):
        return [{key: _pick(cells, name) for key, cells in value.items()} for name in names]
    if len(value) > 1 and all(isinstance(row, dict) and _has_text(row) for row in value.values()):
        return [{"id": name, **row} for name, row in value.items()]
    return None


def _pick(cells: Any, name: Any) -> Any:
    return cells.get(name) if isinstance(cells, dict) else cells[name]


def _has_text(row: Mapping[str, Any]) -> bool:
    return any(isinstance(row.get(key), str) for key in TEXT_KEYS)


def _holds_rows(entries: Sequence[Any]) -> bool:
    """True for a list of objects or of spaCy's training tuples; null stands for a text that was skipped."""
    first = next((entry for entry in entries if entry is not None), None)
    return isinstance(first, dict) or isinstance(unwrap_rows(first), dict)


def _is_wrapper(value: Mapping[str, Any]) -> bool:
    """True for an object that is no row, and holds no annotations beside its rows."""
    beside = any(value[key] for key in value.keys() & _PARTS)
    return not beside and not any(shape.score(value) for shape in SHAPES)
