"""The text of an XML part: text nodes and attributes that hold text, edited in place.

What is not masked stays byte for byte. Document type declarations are refused: they could define entities.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Collection, Iterator, Sequence
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
_DECLARATION = regex.compile(r"<\?xml\s")
_ATTRIBUTE = regex.compile(r"(?P<name>[\w:.-]+)\s*=\s*(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)')")


@dataclass(frozen=True, slots=True)
class XmlPiece:
    """A stretch `[start, end)` of the source that holds text.

    `element` and `attribute` are local names; `attribute` is empty for text, `!` for comments, CDATA and
    instructions. `before`
    separates the text from the one before. `parents` are the elements around the one of the text, the nearest last,
    each with the stretch of its start tag. `aside`: the text stands in a text box or the like, and does not divide the
    text around it. `absent`: see `Run`. `swept`: an attribute that is no text, in which only values that are masked
    elsewhere are masked.
    """

    start: int
    end: int
    element: str
    attribute: str
    before: str
    parents: tuple[tuple[str, int, int], ...]
    aside: bool = False
    absent: str = ""
    swept: bool = False


_ASIDES = frozenset({"txbxContent", "rPh", "rt"})
"""Elements whose text stands beside the text around them: text boxes and reading aids."""

_VERSIONS = {"ins": "original", "moveTo": "original", "del": "final", "moveFrom": "final"}
"""Elements of tracked changes, and the version of the document in which their text does not stand."""

BreakRule = Callable[[str, Collection[str]], str]
"""What an element puts between the texts before and after it, by its local name and those of the elements that it is
in: empty, a tab or a line break."""

AttributeRule = Callable[[str, str, str], bool | None]
"""True if an attribute holds text, by element, attribute and value, False if values masked elsewhere may stand in it,
None if it is of the program; names are local."""


def find_pieces(source: str, breaks: BreakRule, holds_text: AttributeRule) -> Iterator[XmlPiece]:
    """Every stretch of text in the order of the source.

    Raises:
        InputError: the source is not XML that can be read.
    """
    stack: list[tuple[str, int, int]] = []
    asides: list[tuple[int, str]] = []
    cursor, before = 0, ""
    for match in _TOKEN.finditer(source):
        if cursor < match.start():
            _check_text(source, cursor, match.start())
            yield _make_piece(cursor, match.start(), before, stack, aside=bool(asides))
            before = ""
        cursor = match.end()
        if match["name"] is None:
            if not _DECLARATION.match(match.group()):
                yield XmlPiece(match.start(), match.end(), "", "!", "\n", ())
            continue
        name = match["name"].rpartition(":")[2]
        if match["slash"] and stack:
            stack.pop()
        around = [parent for parent, _, _ in stack]
        if match["slash"]:
            ended = asides and len(stack) == asides[-1][0]
            before = asides.pop()[1] if ended else _join_breaks(before, breaks(name, around))
            continue
        if name in _ASIDES and not match.group().endswith("/>"):
            asides.append((len(stack), before))
            before = "\n"
        before = _join_breaks(before, breaks(name, around))
        yield from _find_attributes(match, name, holds_text)
        if not match.group().endswith("/>"):
            stack.append((name, match.start(), match.end()))
    if source[cursor:].strip():
        raise InputError("the XML ends inside a tag")


def _make_piece(start: int, end: int, before: str, stack: Sequence[tuple[str, int, int]], *, aside: bool) -> XmlPiece:
    absent = next((_VERSIONS[name] for name, _, _ in reversed(stack) if name in _VERSIONS), "")
    return XmlPiece(start, end, stack[-1][0] if stack else "", "", before, tuple(stack[-2:]), aside, absent)


def _find_attributes(match: regex.Match[str], element: str, holds_text: AttributeRule) -> Iterator[XmlPiece]:
    """The attributes of a start tag that hold text."""
    for attribute in _ATTRIBUTE.finditer(match["inside"]):
        group = "a" if attribute["a"] is not None else "b"
        local = attribute["name"].rpartition(":")[2]
        start, end = (match.start("inside") + place for place in attribute.span(group))
        holds = holds_text(element, local, html.unescape(attribute[group])) if start < end else None
        if holds is not None:
            yield XmlPiece(start, end, element, local, "\n", (), swept=not holds)


def make_run(source: str, piece: XmlPiece) -> Run:
    """The text of a piece."""
    raw = source[piece.start : piece.end]
    if piece.attribute == "!":
        return Run(raw, piece.before)
    text = html.unescape(raw)
    return Run(unquote(text) if is_address(piece) else text, piece.before, absent=piece.absent)


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


def list_names(data: bytes) -> list[str]:
    """The names of elements and attributes of a part that is well-formed, once each."""
    names: dict[str, None] = {}
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: names.update(dict.fromkeys([name, *attributes]))
    parser.Parse(data, True)
    return list(names)


def read_texts(data: bytes, breaks: BreakRule) -> list[str]:
    """All text of a part as the expat parser reads it: the flow, each attribute value, comment and instruction.

    The flow comes four times: whole, in both versions of tracked changes without text boxes, and the text boxes alone.

    Raises:
        InputError: it is not well-formed, or has a document type.
    """
    flows = _Flows()
    others: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        flows.open(local)
        flows.add(breaks(local, flows.parents[:-1]))
        others.extend(attributes.values())

    def end(name: str) -> None:
        local = name.rpartition(":")[2]
        flows.add(breaks(local, flows.parents[:-1]))
        flows.close()

    def refuse(*_: object) -> None:
        raise InputError("the XML declares a document type; that is not read")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = flows.add
    parser.CommentHandler = others.append
    parser.ProcessingInstructionHandler = lambda name, content: others.append(content)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"the XML is not well-formed: {error}") from None
    return [*flows.read(), *others]


class _Flows:
    """The text of a part in its versions: `whole`, `original`, `final`, and `aside` of text boxes and reading aids."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {"whole": [], "original": [], "final": [], "aside": []}
        self.parents: list[str] = []

    def open(self, name: str) -> None:
        self.parents.append(name)

    def close(self) -> None:
        if self.parents.pop() in _ASIDES:
            self._texts["aside"].append("\n")

    def add(self, text: str) -> None:
        self._texts["whole"].append(text)
        if not _ASIDES.isdisjoint(self.parents):
            self._texts["aside"].append(text)
            return
        absent = {_VERSIONS[name] for name in self.parents if name in _VERSIONS}
        for version in {"original", "final"} - absent:
            self._texts[version].append(text)

    def read(self) -> list[str]:
        return ["".join(texts) for texts in self._texts.values()]


def _join_breaks(before: str, more: str) -> str:
    return "\n" if "\n" in (before, more) else before or more


def _check_text(source: str, start: int, end: int) -> None:
    if source.find("<", start, end) >= 0:
        raise InputError("the XML has a tag that cannot be read, or a document type")
