"""Rows whose columns are parts of spans.

One span each: text, start, end and label, or text, value and label; the text repeats for each span. Or several in
numbered columns: text, entity1, label1, entity2, label2.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple

from goldspan.annotation.formats.reading import PROBE
from goldspan.annotation.formats.rows.options import TEXT_KEYS
from goldspan.annotation.formats.rows.raw import read_offset
from goldspan.annotation.formats.rows.span_keys import ANNOTATOR, END, LABEL, START, find_key
from goldspan.annotation.tasks.jsonl import JsonRecord

_VALUE = ("value", "entityvalue", "entity", "surface", "mention", "text")
"""Names of a column of values; that of the texts is another."""
_NUMBERED = re.compile(r"(.*?[^\W\d_])[_ .-]?(\d{1,3})\Z")
"""A numbered column: `label_1`."""
_AMBIGUOUS = frozenset({"from", "to", "offset"})
"""Columns that may be anything else, such as the two ends of a mail."""


class _Layout(NamedTuple):
    """The key of the text, those of the parts of a span by the names that they get, and the test for a whole span."""

    text: str
    parts: dict[str, str]
    holds: Callable[[Mapping[str, Any], str, Sequence[str]], bool]

    def is_span(self, row: Mapping[str, Any]) -> bool:
        """True for a row with a text and a whole span of it."""
        return self.holds(row, self.text, tuple(self.parts.values()))

    def is_empty(self, row: Mapping[str, Any]) -> bool:
        """True for a row that says nothing of a place or value."""
        return all(row.get(key) in (None, "") for name, key in self.parts.items() if name != "label")


def group_spans(records: Iterable[JsonRecord], text_key: str = "") -> Iterator[JsonRecord]:
    """Records with the spans of each text in a list, one for each annotator; as they are if they have no span per row.

    The first rows decide; only rows that are grouped are held. A row without a span says that its text has none, and
    one with part of a span stays as it is.
    """
    rows = iter(records)
    probe = list(islice(rows, PROBE))
    layout = _find_layout(probe, text_key)
    following = chain(probe, rows)
    if layout is None:
        return map(_gather_numbered, following)
    held = list(following)
    return _group(held, layout) if any(layout.is_span(record.value) for record in held) else iter(held)


def _gather_numbered(record: JsonRecord) -> JsonRecord:
    """The record with the spans of its numbered columns in a list; itself if it has none."""
    groups: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for name in record.value:
        if match := _NUMBERED.match(name):
            groups[match[2]][match[1]] = name
    spans, used = [], set()
    for names in groups.values():
        label, start, end, value = (names.get(find_key(names, part), "") for part in (LABEL, START, END, _VALUE))
        parts = {"label": label, "start": start, "end": end} if start and end else {"label": label, "value": value}
        if all(parts.values()):
            used |= {*parts.values()}
            cells = {part: _read_cell(record.value[name]) for part, name in parts.items()}
            if any(cell not in (None, "") for part, cell in cells.items() if part != "label"):
                spans.append(cells)
    if not spans or "spans" in record.value:
        return record
    return record._replace(value={**{k: v for k, v in record.value.items() if k not in used}, "spans": spans})


def _find_layout(records: Sequence[JsonRecord], text_key: str) -> _Layout | None:
    """The layout whose columns the records have, if none of them has only part of a span."""
    columns = {name for record in records for name in record.value}
    text = text_key or next((key for key in TEXT_KEYS if key in columns), "")
    others = columns - {text} - _AMBIGUOUS
    label = find_key(others, LABEL)
    for parts, names, holds in ((("start", "end"), (START, END), _holds_place), (("value",), (_VALUE,), _holds_value)):
        keys = [*(find_key(others - {label}, part) for part in names), label]
        layout = _Layout(text, dict(zip((*parts, "label"), keys, strict=True)), holds)
        rows = [record.value for record in records]
        if text and all(keys) and all(layout.is_span(row) or layout.is_empty(row) for row in rows):
            value = find_key(others - {*keys}, _VALUE)
            stated = value and all(_holds_value(row, text, (value, label)) for row in rows if layout.is_span(row))
            return layout._replace(parts=layout.parts | {"value": value}) if stated else layout
    return None


def _group(records: Iterable[JsonRecord], layout: _Layout) -> Iterator[JsonRecord]:
    grouped: dict[tuple[str, str], JsonRecord] = {}
    apart: list[JsonRecord] = []
    for record in records:
        if not (is_span := layout.is_span(record.value)) and not layout.is_empty(record.value):
            apart.append(record)
            continue
        rest = {name: cell for name, cell in record.value.items() if name not in layout.parts.values()}
        author = str(rest.get(find_key(rest, ANNOTATOR), ""))
        group = grouped.setdefault((str(rest.get(layout.text)), author), record._replace(value={**rest, "spans": []}))
        if is_span:
            cells = {part: _read_cell(record.value.get(key)) for part, key in layout.parts.items()}
            group.value["spans"].append({part: cell for part, cell in cells.items() if cell not in (None, "")})
    yield from grouped.values()
    yield from apart


def _holds_place(row: Mapping[str, Any], text: str, keys: Sequence[str]) -> bool:
    start, end = (read_offset(_read_cell(row.get(key))) for key in keys[:2])
    return (
        isinstance(row.get(text), str) and start is not None and end is not None and isinstance(row.get(keys[2]), str)
    )


def _holds_value(row: Mapping[str, Any], text: str, keys: Sequence[str]) -> bool:
    words, value, label = (row.get(key) for key in (text, *keys))
    return isinstance(words, str) and isinstance(value, str) and value in words != value and isinstance(label, str)


def _read_cell(cell: Any) -> Any:
    """The cell of a span without blanks around it; pandas writes offsets beside empty cells as `3.0`."""
    return cell.strip().removesuffix(".0") if isinstance(cell, str) else cell
