"""Rows in Goldspan's own forms: tagged text, text with values to be aligned, flat JSONL."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.formats.rows.options import RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RawSpan, RowError, parse_literal
from goldspan.annotation.formats.rows.spans import read_spans
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Mention

_VALUES = ("entities", "privacy_mask")
_BETWEEN = re.compile(r"[,;|\n]")


def score_values(row: Mapping[str, Any]) -> float:
    """Sureness that a row is tagged text, or a text alone or with values."""
    if isinstance(row.get("tagged_text"), str):
        return 0.99
    if not isinstance(row.get("text"), str):
        return 0.0
    values = next((row[name] for name in _VALUES if row.get(name)), None)
    if isinstance(values, list) and all(isinstance(v, Mapping) and {"value", "label"} <= v.keys() for v in values):
        return 0.85
    return 0.4


def read_values(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`tagged_text`, or `text` with `entities` or `privacy_mask`: objects with label and value, or start and end.

    Without these, keys that are labels hold values. A text without values that holds tags of labels is tagged text too.

    Raises:
        RowError: the tags cannot be read, text and tagged_text differ, or a value has no label.
    """
    tagged = row.get("tagged_text")
    if tagged is None and isinstance(text := row.get("text"), str) and not any(row.get(name) for name in _VALUES):
        row, tagged = ({**row, "text": None}, text) if _holds_tags(text, options.labels) else (row, None)
    if isinstance(tagged, str):
        try:
            parsed = parse_tagged(tagged, options.labels)
        except TaggedTextError as error:
            raise RowError(Code.UNREADABLE_TAGS, str(error)) from None
        if isinstance(row.get("text"), str) and row["text"] != parsed.text:
            raise RowError(Code.UNREADABLE_TAGS, "text and tagged_text differ once the tags are stripped")
        spans = tuple(RawSpan((entity.label,), entity.start, entity.end) for entity in parsed.entities)
        left = {k: v for k, v in row.items() if k not in {"text", "tagged_text", *_VALUES}}
        return make_row(row, parsed.text, (RawAnnotation(spans, mentions=parsed.mentions),), left)
    key, text = find_text(row, options)
    if outside := next((label for label in options.outside if f"<{label}>" in text and f"</{label}>" in text), ""):
        reason = f"the text holds tags of {outside}; rename them to labels of yours, or save it as .txt"
        raise RowError(Code.UNREADABLE_TAGS, reason)
    name = next((name for name in _VALUES if row.get(name) not in (None, "")), "")
    named = {} if name else _find_named_values(row, text, options.labels)
    spans = read_spans(row[name], name) if name else tuple(RawSpan((k,), value=v) for k in named for v in named[k])
    left = {k: v for k, v in row.items() if k not in {key, "tagged_text", *_VALUES, *named}}
    return make_row(row, text, (RawAnnotation(spans),) if name or named else (), left)


def _find_named_values(row: Mapping[str, Any], text: str, labels: LabelSchema) -> dict[str, list[str]]:
    """Values under keys that are labels, such as `"CITY": ["Lyon"]`; empty if none of them stands in the text.

    Raises:
        RowError: only some of them do.
    """
    values = {code: parts for code in labels.entity_codes if (parts := _split_cell(row.get(code), text))}
    absent = [code for code, parts in values.items() if not all(isinstance(p, str) and p in text for p in parts)]
    if len(absent) == len(values):
        return {}
    if absent:
        raise RowError(Code.UNALIGNED_VALUE, f"the key {absent[0]!r} is a label, but the text lacks what it holds")
    return values


def _split_cell(cell: Any, text: str) -> list[Any]:
    """The values of a cell that are not empty: a list, or a string that stands in the text, or whose parts do."""
    whole = not isinstance(cell, str) or cell in text
    parts = cell if isinstance(cell, list) else [cell] if whole else map(str.strip, _BETWEEN.split(cell))
    return [part for part in parts if part not in (None, "")]


def _holds_tags(text: str, labels: LabelSchema) -> bool:
    codes = labels.entity_codes if "</" in text else ()
    return any(f"<{code}>" in text and f"</{code}>" in text for code in codes)


def score_flat(row: Mapping[str, Any]) -> float:
    """Sureness that a row is Goldspan's flat JSONL."""
    return 0.99 if {"text", "author", "entities", "mentions"} <= row.keys() else 0.0


def read_flat(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """Text, entities, mentions and author as `samples export -f jsonl` writes them.

    Raises:
        RowError: a part is missing or has another form.
    """
    key, text = find_text(row, options)
    author = row.get("author") or {}
    try:
        mentions = tuple(Mention(m["start"], m["end"], m["kind"], m["cluster"]) for m in row["mentions"])
        kind, name = (author["kind"], author["name"]) if author else ("", "")
    except (KeyError, TypeError):
        raise RowError(Code.UNREADABLE_SPANS, "author or mentions have another form") from None
    annotation = RawAnnotation(
        read_spans(row["entities"], "entities"),
        mentions=mentions,
        person=name if kind == "person" else "",
        model=name if kind == "model" else "",
    )
    used = {key, "id", "author", "entities", "mentions", "provenance"}
    made = make_row(row, text, (annotation,) if author else (), {k: v for k, v in row.items() if k not in used})
    given = row.get("provenance") or {}
    provenance = parse_literal(given, "provenance") if isinstance(given, str) else given
    if not isinstance(provenance, Mapping):
        raise RowError(Code.UNREADABLE_ROW, "provenance holds no object")
    return replace(made, uid="", provenance=provenance, sample_id=str(row.get("id") or ""))
