"""Rows of the BigBIO knowledge base schema: passages, entities, coreferences and relations with offsets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from operator import add
from typing import Any

from goldspan.annotation.formats.rows.offsets import join_parts
from goldspan.annotation.formats.rows.options import RowOptions, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_list,
    read_objects,
    read_offset,
    read_string,
)

_WIDEST_GAP = 1000
"""Characters between two passages."""


def score_bigbio(row: Mapping[str, Any]) -> float:
    """Sureness (0 to 1) that a row is a document of BigBIO."""
    return 0.97 if {"passages", "entities", "document_id"} <= row.keys() else 0.0


def read_bigbio(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A document: its passages at their offsets, blanks between them. Events are counted and left out.

    Raises:
        RowError: text or spans cannot be read; passages overlap or lie far apart.
    """
    text = ""
    for passage in read_objects(row["passages"], "passages"):
        places, parts = _read_parts(passage, "passages")
        if len(parts) > 1:
            raise RowError(Code.UNREADABLE_SPANS, "passages has an entry in several parts")
        start = places[0][0]
        if not 0 <= start - len(text) <= _WIDEST_GAP:
            raise RowError(Code.OFFSETS, "two passages overlap, or lie far apart")
        text += " " * (start - len(text)) + parts[0]
    if not text.strip():
        raise RowError(Code.NO_TEXT, "a document without passages")
    spans = tuple(_read_entity(entry, text) for entry in read_objects(row["entities"], "entities"))
    annotation = RawAnnotation(spans, relations=tuple(_read_relations(row)), nests=True)
    read = make_row({"id": read_string(row, "document_id", "id")}, text, (annotation,), {})
    events = len(read_objects(row.get("events"), "events"))
    return replace(read, left_out={"event": events} if events else {})


def _read_entity(entry: Mapping[str, Any], text: str) -> RawSpan:
    parts, surfaces = _read_parts(entry, "entities")
    if (place := join_parts(text, parts)) is None:
        raise RowError(Code.UNREADABLE_SPANS, "entities has an entry in several parts with words between them")
    label = entry.get("type")
    if not isinstance(label, str) or not label:
        raise RowError(Code.UNREADABLE_SPANS, "entities has an entry without type")
    links = read_objects(entry.get("normalized"), "normalized")
    features = tuple((str(link["db_name"]), str(link["db_id"])) for link in links)
    between = [text[one[1] : other[0]] for one, other in pairwise(parts)]
    surface = "".join(map(add, surfaces, [*between, ""]))
    return RawSpan((label,), *place, surface, read_string(entry, "id"), features)


def _read_relations(row: Mapping[str, Any]) -> Iterator[RawRelation]:
    for chain in read_objects(row.get("coreferences"), "coreferences"):
        for one, other in pairwise(read_list(chain["entity_ids"], "entity_ids")):
            yield RawRelation(str(one), str(other), "coref")
    for entry in read_objects(row.get("relations"), "relations"):
        yield RawRelation(str(entry["arg1_id"]), str(entry["arg2_id"]), str(entry.get("type") or ""))


def _read_parts(entry: Mapping[str, Any], column: str) -> tuple[list[tuple[int, int]], list[str]]:
    """Places and texts of the parts of a passage or entity."""
    places = [(read_offset(start), read_offset(end)) for start, end in read_list(entry["offsets"], "offsets")]
    surfaces = [entry["text"]] if isinstance(entry["text"], str) else list(read_list(entry["text"], "text"))
    known = [(start, end) for start, end in places if start is not None and end is not None]
    if not known or len(known) < len(places) or len(known) != len(surfaces):
        raise RowError(Code.UNREADABLE_SPANS, f"{column} has an entry without offsets or text")
    return known, list(map(str, surfaces))
