"""BioC XML: the documents of a collection, read as their JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows.raw import Code, RawRow, RowError, read_offset
from goldspan.annotation.formats.rows.services import read_bioc


def read_bioc_xml(root: Element, options: ReadOptions) -> Iterator[RawRow]:
    """Each document of a collection.

    Raises:
        RowError: a document has no passages, or an annotation cannot be read.
    """
    for document in root.iter("document"):
        parts = [part for passage in document.iter("passage") for part in passage.findall("sentence") or [passage]]
        passages = [_read_passage(part) for part in parts]
        if not passages:
            raise RowError(Code.NO_TEXT, "a document without passages")
        row = {"id": document.findtext("id") or "", "passages": passages}
        yield read_bioc({**row, "relations": list(document.iter("relation"))}, options.rows)


def _read_passage(passage: Element) -> dict[str, Any]:
    """A passage, or one of its sentences."""
    return {
        "offset": _read_number(passage.findtext("offset")),
        "text": passage.findtext("text") or "",
        "annotations": [_read_annotation(entry) for entry in passage.findall("annotation")],
    }


def _read_annotation(entry: Element) -> dict[str, Any]:
    infons = {infon.get("key", ""): infon.text or "" for infon in entry.findall("infon")}
    locations = [
        {name: _read_number(at.get(name)) for name in ("offset", "length")} for at in entry.findall("location")
    ]
    return {"infons": infons, "locations": locations, "text": entry.findtext("text")}


def _read_number(value: str | None) -> int:
    number = read_offset((value or "").strip())
    if number is None:
        raise RowError(Code.UNREADABLE_SPANS, "an offset or length is missing")
    return number
