"""Which elements and attributes of Office documents (OOXML) hold text, and which names of authors."""

from __future__ import annotations

from collections.abc import Collection

import regex

from goldspan.serving.documents.xml_text import AttributeRule, XmlPiece

_INLINE = frozenset({"r", "t", "instrText", "delText", "delInstrText", "rPr"})
_BREAKING = "p br cr tr tc row c si is docPr cNvPr fldChar"
_PARAGRAPHS = frozenset({"p", "si", "is", "text"})
"""Elements whose text flows; outside of them, each element is a text of its own."""

_TEXTUAL_NAMES = """
action alt author authors caption codeName command comment connection custT descr description display displayName
displayText docLocation ed error errorTitle formatCode formula help initials instr lastModifiedBy lastValue location
newName odcFile oldName phldrT prompt promptTitle providerId refersTo sheet sourceFile sourceName status string text
tgtFrame title tooltip totalsRowLabel user userId userName xpath
"""
_VALUED_ELEMENTS = """
addressFieldName alias attachedSchema attr connectString customFilter default docVar filter helpText inputCells
d listEntry listItem lvlText mailSubject n query s sharedItem sheetName sourceFileName statusText tag tblCaption
tblDescription
"""
_NAMED_ELEMENTS = """
Map bookmarkStart cNvPr cSld cacheField cellStyle connection custShow customWorkbookView dataField ddeItem definedName
docPr docVar pivotField pivotTableDefinition property protectedRange queryTable queryTableField scenario section sheet
slicer slicerCacheDefinition table tableColumn tag userInfo worksheetSource
"""
IDENTIFIERS = frozenset(
    {("table", "name"), ("table", "displayName"), ("definedName", "name"), ("bookmarkStart", "name")}
    | {("hyperlink", "anchor"), ("workbookPr", "codeName"), ("sheetPr", "codeName"), ("queryTable", "name")}
)
"""Attributes whose values are names of programs: their replacements have letters, digits and underscores."""

_BREAKS, _TEXTUAL = frozenset(_BREAKING.split()), frozenset(_TEXTUAL_NAMES.split())
_VALUED, _NAMED = frozenset(_VALUED_ELEMENTS.split()), frozenset(_NAMED_ELEMENTS.split())
_AUTHORS = frozenset({"author", "initials", "userId", "providerId", "lastModifiedBy"})
_AUTHOR_ELEMENTS = frozenset({"creator", "lastModifiedBy", "Manager", "Company", "author"})
_NAMED_AUTHORS = frozenset({"person", "cmAuthor", "author"})
_NAMESPACES = ("http://schemas.", "http://purl.org", "http://www.w3.org", "urn:")
TARGET = ("Relationship", "Target")
_STRUCTURE = regex.compile(
    r"(?i)(?:styles\w*|fontTable|theme\d*|themeOverride\d*|numbering|settings|webSettings|presProps|viewProps|tableStyles"
    r"|calcChain|\[Content_Types\])\.xml$"
)
"""Parts of styles and settings: only attributes that are known to hold text are read; all are searched in the end."""


def choose_rule(part: str) -> AttributeRule:
    """Which attributes of a part hold text, by the name of the part."""
    if part.startswith("customXml/"):
        return _holds_any
    return _is_known if _STRUCTURE.search(part) else _holds_text


def names_author(piece: XmlPiece) -> bool:
    """True for text and attributes that name who wrote: they are always removed."""
    if piece.attribute:
        return piece.attribute in _AUTHORS or (
            piece.attribute in ("name", "displayName") and piece.element in _NAMED_AUTHORS
        )
    return piece.element in _AUTHOR_ELEMENTS


def find_break(element: str, parents: Collection[str]) -> str:
    """What an element inside of others puts between texts."""
    if element == "tab":
        return "\t"
    return "\n" if element in _BREAKS or (element not in _INLINE and _PARAGRAPHS.isdisjoint(parents)) else ""


def is_cached_number(piece: XmlPiece) -> bool:
    """True for a number or date of a pivot table's cache, which cannot become a text."""
    return (piece.element, piece.attribute) in (("n", "v"), ("d", "v"))


def _holds_text(element: str, attribute: str, value: str) -> bool:
    if attribute == "name":
        return element in _NAMED | _NAMED_AUTHORS
    if (element, attribute) == ("name", "val"):
        return True
    if _is_known(element, attribute, value):
        return True
    if value.startswith(_NAMESPACES):
        return False
    return "@" in value or " " in value or not value.isascii()


def _is_known(element: str, attribute: str, value: str) -> bool:
    """True for attributes whose meaning is a text."""
    if attribute in ("name", "Name"):
        return element in _NAMED | _NAMED_AUTHORS
    if attribute in ("v", "val", "value", "uniqueName"):
        return element in _VALUED
    return attribute in _TEXTUAL or (element, attribute) in IDENTIFIERS or (element, attribute) == TARGET


def _holds_any(element: str, attribute: str, value: str) -> bool:
    """True for every attribute of a part of unknown meaning but names of namespaces."""
    return not value.startswith(_NAMESPACES)
