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
addressFieldName alias aliases attachedSchema attr connectString customFilter default docVar filter helpText inputCells
d listEntry listItem lvlText mailSubject n name query s sharedItem sheetName sourceFileName statusText tag tblCaption
tblDescription
"""
_PROGRAM_ELEMENTS = """
clrScheme compatSetting fmtScheme font fontScheme gd lsdException pivotTableStyle pivotTableStyleInfo slicerStyle
tableStyle tableStyleInfo theme timelineStyle
"""
"""Elements whose `name` is one of the program."""

_STYLE_ELEMENTS = """
basedOn buFont cs ea font lang latin link next numStyleLink pStyle rFonts rStyle sym style styleLink tblStyle
"""
"""Elements that name styles and fonts."""

_PROGRAM_ATTRIBUTES = """
ContentType DrawAspect Extension Id Ignorable ObjectType PartName ProgId Requires TargetMode Type id macro progId type
uri
"""
IDENTIFIERS = frozenset(
    {("table", "name"), ("table", "displayName"), ("definedName", "name"), ("bookmarkStart", "name")}
    | {("hyperlink", "anchor"), ("workbookPr", "codeName"), ("sheetPr", "codeName"), ("queryTable", "name")}
)
"""Attributes whose values are names of programs: their replacements have letters, digits and underscores."""

_BREAKS, _TEXTUAL = frozenset(_BREAKING.split()), frozenset(_TEXTUAL_NAMES.split())
_VALUED, _STYLES = frozenset(_VALUED_ELEMENTS.split()), frozenset(_STYLE_ELEMENTS.split())
_PROGRAM, _CODES = frozenset(_PROGRAM_ELEMENTS.split()), frozenset(_PROGRAM_ATTRIBUTES.split())
_TITLED = regex.compile(r"\p{Lu}\p{Ll}+(?:[ ._'-]+\p{Lu}?\p{Ll}+)*")
"""A value that reads like a name; most words of the program begin with a small letter."""

_LETTERS = regex.compile(r"(?!rId\d)(?=.*[^\W\d_a-z]|.*@).*\p{L}{3}", regex.DOTALL)
"""A value in which a name or an address may stand: three letters, one of them no small letter of English."""
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
    return _holds_known_text if _STRUCTURE.search(part) else _holds_text


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


def _holds_text(element: str, attribute: str, value: str) -> bool | None:
    reads = "@" in value or " " in value or not value.isascii() or _TITLED.fullmatch(value) is not None
    if reads and element not in _STYLES and not _is_code(attribute, value):
        return True
    return _holds_known_text(element, attribute, value)


def _holds_known_text(element: str, attribute: str, value: str) -> bool | None:
    """True for attributes whose meaning is a text."""
    if attribute in ("name", "Name"):
        known = element not in _PROGRAM
    elif attribute in ("v", "val", "value", "uniqueName"):
        known = element in _VALUED
    else:
        known = attribute in _TEXTUAL or (element, attribute) in IDENTIFIERS or (element, attribute) == TARGET
    if known:
        return True
    return None if _is_code(attribute, value) or not _LETTERS.match(value) else False


def _is_code(attribute: str, value: str) -> bool:
    return attribute in _CODES or value.startswith(_NAMESPACES)


def _holds_any(element: str, attribute: str, value: str) -> bool | None:
    """True for every attribute of a part of unknown meaning but names of namespaces."""
    return None if value.startswith(_NAMESPACES) else True
