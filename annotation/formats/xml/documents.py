"""Read XML files, or folders of them, as rows; recognise which format they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions, SourceRow, holds_mark, read_bytes, read_documents
from goldspan.annotation.formats.rows.raw import RawRow
from goldspan.annotation.formats.xml.bioc import read_bioc_xml
from goldspan.annotation.formats.xml.gate import read_gate
from goldspan.annotation.formats.xml.i2b2 import read_i2b2
from goldspan.annotation.formats.xml.tei import read_tei
from goldspan.annotation.formats.xml.tree import parse_xml
from goldspan.annotation.formats.xml.xmi import read_xmi
from goldspan.annotation.tasks.jsonl import OnError

SUFFIXES = frozenset({".xml", ".xmi", ".tei"})
TYPE_SYSTEM = b"<typeSystemDescription"
"""What the file holds that declares the types of the XMI documents beside it."""

ReadDocument = Callable[[Element, ReadOptions], Iterable[RawRow]]


class XmlFormat(NamedTuple):
    """A format of XML documents: what its beginning looks like after the prolog, and how a document is read."""

    description: str
    head: re.Pattern[str]
    read: ReadDocument


_PROLOG = re.compile(r"\ufeff?(?:\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>)*", re.DOTALL)

XML_FORMATS = {
    "i2b2": XmlFormat(
        "i2b2 and n2c2 XML: TEXT with TAGS (2014, MAE), or PHI in the text (2006)",
        re.compile(r"<\w[^<>]*>\s*(?:<TAGS\b|(?:<RECORD\b[^<>]*>\s*)?<TEXT>)"),
        read_i2b2,
    ),
    "gate": XmlFormat("GATE XML: text with nodes, annotation sets", re.compile(r"<GateDocument\b"), read_gate),
    "uima-xmi": XmlFormat("UIMA CAS XMI (INCEpTION)", re.compile(r"<xmi:XMI\b|<\w+:XMI\b"), read_xmi),
    "tei": XmlFormat(
        "TEI with persName, placeName, orgName, date …", re.compile(r"<(?:\w+:)?(?:TEI|teiCorpus)\b"), read_tei
    ),
    "bioc-xml": XmlFormat(
        "BioC XML documents",
        re.compile(r"<collection\b[^<>]*>\s*<(?:source|date|key|infon|document)\b"),
        read_bioc_xml,
    ),
}


def find_xml_format(head: str) -> str:
    """The format of a document that begins so; empty if it has none of them."""
    beginning = head[match.end() :] if (match := _PROLOG.match(head)) else head
    return next((name for name, found in XML_FORMATS.items() if found.head.match(beginning)), "")


def read_xml(path: Path, options: ReadOptions, on_error: OnError, read: ReadDocument) -> Iterator[SourceRow]:
    """The documents of a file, or of the XML files of a folder; one that cannot be read goes to `on_error`.

    Raises:
        InputError: a folder has no XML file, or a file cannot be read at all.
    """

    def read_file(file: Path) -> Iterator[RawRow]:
        if not path.is_dir() or not holds_mark(file, TYPE_SYSTEM):
            for row in read(parse_xml(read_bytes(file), str(file), options.encoding), options):
                yield row if row.uid else replace(row, uid=file.stem)

    return read_documents(path, SUFFIXES, on_error, read_file)
