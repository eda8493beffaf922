"""The text of an XML part: text nodes and attributes that hold text, edited in place.

What is not masked stays byte for byte. Document type declarations are refused: they could define entities.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote
from xml.parsers import expat

import regex

from goldspan.annotation.errors import InputError
from goldspan.serving.documents.flow import Run
from goldspan.serving.documents.markup import edit_source, map_characters

_TOKEN = regex.compile(
    r"(?P<comment><!--.*?-->)|(?P<cdata><!\[CDATA\[.*?\]\]>)|(?P<instruction><\?.*?\?>)"
    r"|<(?P<slash>/?)(?P<name>[\w:.-]+)(?P<inside>(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*/?>",
    regex.DOTALL,
)
_ATTRIBUTE = regex.compile(r"(?P<name>[\w:.-]+)\s*=\s*(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)')")


@dataclass(frozen=True, slots=True)
class XmlPiece:
    """A stretch `[start, end)` of the source that holds text.

    `element` and `attribute` are local names; `attribute` is empty for text, `!` for comments and CDATA. `tag` is
    where the start tag of the text's element begins, `before` what separates the text from the one before.
    """

    start: int
    end: int
    element: str
    attribute: str
    before: str
    parents: tuple[tuple[str, int, int], ...]


BreakRule = Callable[[str], str]
"""What an element puts between the texts before and after it, by its local name: empty, a tab or a line break."""

AttributeRule = Callable[[str, str, str], bool]
"""True if an attribute holds text, by element, attribute and value; names are local."""


def find_pieces(source: str, breaks: BreakRule, holds_text: AttributeRule) -> Iterator[XmlPiece]:
    """Every stretch of text in the order of the source.

    Raises:
        InputError: the source is not XML that can be read.

    """
    stack: list[tuple[str, int, int]] = []
    cursor, before = 0, ""
    for match in _TOKEN.finditer(source):
        if cursor < match.start():
            _check_text(source, cursor, match.start())
            yield XmlPiece(cursor, match.start(), stack[-1][0] if stack else "", "", before, tuple(stack[-2:]))
            before = ""
        cursor = match.end()
        if match["name"] is None:
            if not match["instruction"]:
                yield XmlPiece(match.start(), match.end(), "", "!", "\n", ())
            continue
        name = match["name"].rpartition(":")[2]
        before = "\n" if "\n" in (before, breaks(name)) else before or breaks(name)
        if match["slash"]:
            if stack:
                stack.pop()
            continue
        for attribute in _ATTRIBUTE.finditer(match["inside"]):
            group = "a" if attribute["a"] is not None else "b"
            local = attribute["name"].rpartition(":")[2]
            start, end = (match.start("inside") + place for place in attribute.span(group))
            if start < end and holds_text(name, local, html.unescape(source[start:end])):
                yield XmlPiece(start, end, name, local, "\n", ())
        if not match.group().endswith("/>"):
            stack.append((name, match.start(), match.end()))
    if source[cursor:].strip():
        raise InputError("the XML ends inside a tag")


def make_run(source: str, piece: XmlPiece) -> Run:
    """The text of a piece."""
    raw = source[piece.start : piece.end]
    if piece.attribute == "!":
        return Run(raw, piece.before)
    text = html.unescape(raw)
    return Run(unquote(text) if is_address(piece) else text, piece.before)


def write_piece(source: str, piece: XmlPiece, text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The new source of a piece."""
    raw = source[piece.start : piece.end]
    if piece.attribute == "!":
        return edit_source(raw, edits)
    if is_address(piece):
        return html.escape(edit_source(text, edits))
    places = map_characters(raw)
    changed = [(places[start][0], places[end - 1][1], html.escape(new)) for start, end, new in edits]
    return edit_source(raw, changed)


def is_address(piece: XmlPiece) -> bool:
    """True for attributes that hold percent-encoded addresses."""
    return piece.attribute in ("Target", "href", "src", "action")


def read_texts(data: bytes, breaks: BreakRule) -> list[str]:
    """All text of a part as the expat parser reads it: the flow, each attribute value, comment and instruction.

    Raises:
        InputError: it is not well-formed, or has a document type.

    """
    flow: list[str] = []
    others: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        flow.append(breaks(name.rpartition(":")[2]))
        others.extend(attributes.values())

    def refuse(*_: object) -> None:
        raise InputError("the XML declares a document type; that is not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: flow.append(breaks(name.rpartition(":")[2]))
    parser.CharacterDataHandler = flow.append
    parser.CommentHandler = others.append
    parser.ProcessingInstructionHandler = lambda name, content: others.append(content)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"the XML is not well-formed: {error}") from None
    return ["".join(flow), *others]


def _check_text(source: str, start: int, end: int) -> None:
    if source.find("<", start, end) >= 0:
        raise InputError("the XML has a tag that cannot be read, or a document type")
