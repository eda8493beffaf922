"""TEI: names, places, organisations and dates as elements of the text.

White space is that of a paragraph, not of the file: a run of it is one space, a block or `<lb/>` begins a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RawSpan, RowError
from goldspan.annotation.formats.xml.tree import read_content

_TYPED = frozenset({"name", "rs", "entity", "seg", "term"})
"""Elements whose label is their type."""
_NAMES = frozenset(
    {
        *("persName", "forename", "surname", "addName", "genName", "nameLink", "roleName"),
        *("placeName", "geogName", "settlement", "district", "region", "country", "bloc", "address", "street"),
        *("orgName", "objectName", "eventName", "date", "time", "email", "idno", "num", "measure", "affiliation"),
    }
)
_BLOCKS = frozenset(
    {
        *("p", "ab", "head", "div", "lg", "l", "lb", "pb", "s", "list", "item", "table", "row", "quote"),
        *("body", "front", "back", "docTitle", "titlePage", "titlePart", "byline", "trailer", "addrLine"),
        *("opener", "closer", "salute", "signed", "dateline", "postscript", "sp", "speaker", "u"),
    }
)
_EDITED = {"choice": {"corr", "expan", "reg"}, "app": {"rdg"}, "subst": {"del"}}
"""What an editor put beside the words of the text; only one of both is the text."""


class _Text:
    """The text so far, in pieces, and its spans."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.spans: list[RawSpan] = []
        self.left_out: Counter[str] = Counter()

    @property
    def last(self) -> str:
        """The last piece; white space is a piece of its own."""
        return self.pieces[-1] if self.pieces else "\n"

    @property
    def end(self) -> int:
        """The length without white space at the end."""
        return self.length - bool(self.pieces and self.last.isspace())

    def add(self, words: str | None) -> None:
        """Add words, whose white space counts as one space."""
        if not words:
            return
        if words[0].isspace() and not self.last.isspace():
            self._put(" ")
        if folded := " ".join(words.split()):
            self._put(folded)
            if words[-1].isspace():
                self._put(" ")

    def break_line(self) -> None:
        """Begin a line."""
        if self.last == " ":
            self.length -= len(self.pieces.pop())
        if self.last != "\n":
            self._put("\n")

    def _put(self, piece: str) -> None:
        self.pieces.append(piece)
        self.length += len(piece)


def read_tei(root: Element, options: ReadOptions) -> Iterator[RawRow]:
    """The text of each TEI document, without its header, or of each text of a group.

    Nested names are kept by the outermost; corrections, expansions and other readings of an editor are counted and
    left out.

    Raises:
        RowError: there is no text.
    """
    bodies = [text for text in root.iter("text") if text.find("group") is None]
    if not bodies:
        raise RowError(Code.NO_TEXT, "expected a TEI document with a text")
    for body in bodies:
        text = _Text()
        _walk(body, text)
        value = "".join(text.pieces).rstrip()
        spans = tuple(span for span in text.spans if value[span.start : span.end].strip())
        language = next((e.get("xml:lang", "") for e in (body, root) if e.get("xml:lang")), "")
        annotation = RawAnnotation(spans, nests=True)
        yield RawRow(value, (annotation,), language.partition("-")[0], left_out=+text.left_out)


def _walk(element: Element, text: _Text) -> None:
    block, label = element.tag in _BLOCKS, _find_label(element)
    if block:
        text.break_line()
    place, start = len(text.spans), text.length
    if label:
        text.spans.append(RawSpan((label,), start, start))
    text.add(element.text)
    for child in element:
        if child.tag in _EDITED.get(element.tag, ()):
            text.left_out[child.tag] += bool(read_content(child).strip())
        elif child.tag != "teiHeader":
            _walk(child, text)
        text.add(child.tail)
    if label:
        text.spans[place] = RawSpan((label,), start, max(start, text.end), features=_list_features(element))
    if block:
        text.break_line()


def _find_label(element: Element) -> str:
    if element.tag in _TYPED:
        return element.get("type", "") or (element.tag if element.tag in {"name", "rs"} else "")
    return element.tag if element.tag in _NAMES else ""


def _list_features(element: Element) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in element.attrib.items() if value and not name.startswith("xml:"))
