"""Which elements and attributes of Office documents (OOXML) hold text, and which names of authors."""

from __future__ import annotations

import regex

from goldspan.serving.documents.xml_text import AttributeRule, XmlPiece

_BREAKING = """
p br cr tr tc row c si is f Relationship comment cm author property creator title subject description keywords category
lastModifiedBy Company Manager lpwstr lpstr docPr cNvPr sheet definedName fldChar
"""
_TEXTUAL_NAMES = """
alt author authors caption codeName command connection custT descr description display displayName displayText error
errorTitle formula help initials instr lastModifiedBy location newName oldName phldrT prompt promptTitle providerId
sourceFile sourceName status string text title tooltip totalsRowLabel user userId userName
"""
_VALUED_ELEMENTS = """
alias attr customFilter default docVar filter helpText inputCells listEntry listItem lvlText name query s sharedItem
sheetName statusText tag tblCaption tblDescription connectString
"""
_NAMED_ELEMENTS = """
Map bookmarkStart cNvPr cSld cacheField cellStyle connection custShow dataField ddeItem definedName docPr docVar
pivotField pivotTableDefinition property protectedRange queryTable queryTableField scenario section sheet slicer
slicerCacheDefinition table tableColumn userInfo
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


def find_break(element: str) -> str:
    """What an element puts between texts."""
    if element == "tab":
        return "\t"
    return "\n" if element in _BREAKS else ""


def _holds_text(element: str, attribute: str, value: str) -> bool:
    if attribute == "name":
        return element in _NAMED | _NAMED_AUTHORS
    if _is_known(element, attribute, value):
        return True
    if value.startswith(_NAMESPACES):
        return False
    return "@" in value or " " in value or not value.isascii()


def _is_known(element: str, attribute: str, value: str) -> bool:
    """True for attributes whose meaning is a text."""
    if attribute == "name":
        return element in _NAMED | _NAMED_AUTHORS
    if attribute in ("v", "val", "value", "uniqueName"):
        return element in _VALUED
    return attribute in _TEXTUAL or (element, attribute) in IDENTIFIERS or (element, attribute) == TARGET


def _holds_any(element: str, attribute: str, value: str) -> bool:
    """True for every attribute of a part of unknown meaning but names of namespaces."""
    return not value.startswith(_NAMESPACES)
