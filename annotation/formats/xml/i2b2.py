"""De-identification XML of i2b2 and n2c2.

2014, and what MAE writes: `<TEXT>` beside `<TAGS>`, whose elements have offsets, the words they cover and a `TYPE`.
2006: records whose text has `<PHI TYPE="…">` inside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_offset,
)
from goldspan.annotation.formats.xml.tree import read_content

_PLACE = frozenset({"start", "end", "spans", "text", "TYPE", "id"})


def read_i2b2(root: Element, options: ReadOptions) -> Iterator[RawRow]:
    """The document of a file, or each of its records. A tag without offsets speaks of the document and is counted.

    Raises:
        RowError: there is no text, or a tag cannot be read.
    """
    tags = root.find("TAGS")
    if tags is not None:
        yield _read_tagged(root, tags)
        return
    records = list(root.iter("RECORD"))
    if not records:
        raise RowError(Code.NO_TEXT, "expected TEXT and TAGS, or RECORD elements")
    for record in records:
        yield _read_record(record)


def _read_tagged(root: Element, tags: Element) -> RawRow:
    text = root.findtext("TEXT") or ""
    spans: list[RawSpan] = []
    relations: list[RawRelation] = []
    left_out: Counter[str] = Counter()
    for tag in tags.iter():
        if tag is tags:
            continue
        label, attributes = tag.get("TYPE") or tag.tag, tag.attrib
        if "fromID" in attributes and "toID" in attributes:
            relations.append(RawRelation(attributes["fromID"], attributes["toID"], tag.tag))
            continue
        start, end = attributes.get("start"), attributes.get("end")
        if "spans" in attributes:
            if "," in attributes["spans"]:
                raise RowError(Code.UNREADABLE_SPANS, f"a {label} in several parts is not read")
            start, _, end = attributes["spans"].partition("~")
        if (start, end) in {(None, None), ("", ""), ("-1", "-1")}:
            left_out[tag.tag] += 1
            continue
        first, last = read_offset(start), read_offset(end)
        if first is None or last is None:
            raise RowError(Code.UNREADABLE_SPANS, f"a {label} without offsets")
        features = tuple((name, value) for name, value in attributes.items() if name not in _PLACE and value)
        spans.append(RawSpan((label,), first, last, attributes.get("text"), attributes.get("id", ""), features))
    annotation = RawAnnotation(tuple(spans), relations=tuple(relations), nests=True)
    return RawRow(text, (annotation,), left_out=left_out)


def _read_record(record: Element) -> RawRow:
    body = record.find("TEXT")
    if body is None:
        raise RowError(Code.NO_TEXT, "a RECORD without TEXT")
    pieces, length, spans = [body.text or ""], len(body.text or ""), []
    for phi in body:
        words = read_content(phi)
        if phi.tag == "PHI" and not phi.get("TYPE"):
            raise RowError(Code.UNREADABLE_SPANS, "a PHI without TYPE")
        if phi.tag == "PHI":
            spans.append(RawSpan((phi.get("TYPE", ""),), length, length + len(words)))
        elif words:
            raise RowError(Code.UNREADABLE_SPANS, f"the element {phi.tag} in the text is not read")
        pieces += (words, phi.tail or "")
        length += len(words) + len(phi.tail or "")
    return RawRow("".join(pieces), (RawAnnotation(tuple(spans)),), uid=record.get("ID", ""))
