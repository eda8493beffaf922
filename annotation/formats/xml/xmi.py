"""UIMA CAS as XMI, as INCEpTION and dkpro-cassis write it: the same structures as in CAS JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows.raw import Code, RawRow, RowError
from goldspan.annotation.formats.rows.uima import read_cas

_REFERENCES = frozenset({"sofa", "next", "first", "Governor", "Dependent", "source", "target"})
"""Features that hold the id of another structure."""


def read_xmi(root: Element, options: ReadOptions) -> Iterator[RawRow]:
    """The document of the first view.

    Raises:
        RowError: there is no text, or an annotation cannot be read.
    """
    items = [_read_structure(element) for element in root if element.tag not in {"NULL", "View"}]
    texts = [item for item in items if isinstance(item.get("sofaString"), str)]
    if len(texts) > 1:
        raise RowError(Code.UNREADABLE_SPANS, "a document of several views is not read; export one view")
    yield read_cas({"%FEATURE_STRUCTURES": items}, options.rows)


def _read_structure(element: Element) -> dict[str, Any]:
    item: dict[str, Any] = {"%TYPE": element.tag}
    for name, value in element.attrib.items():
        key = "%ID" if name == "xmi:id" else f"@{name}" if name in _REFERENCES else name
        item[key] = value
    for child in element:
        item.setdefault(child.tag, child.text or "")
    return item
