"""The plain text of a task and its offsets, for each object tag that shows text.

Measured with Label Studio 1.23 in Chromium:

    Text         `start`, `end`: code points of the text
    HyperText    `globalOffsets`: code points over all text nodes, `<br>` counts one; `start`, `end`: the XPath of a
                 text node, `startOffset`, `endOffset`: UTF-16 units within it
    Paragraphs   `start`, `end`: index of a paragraph as a string, `startOffset`, `endOffset`: UTF-16 units within it

The plain text of HyperText is its text nodes, with a line feed for `<br>` and between blocks that nothing else parts;
that of Paragraphs is one paragraph a line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any, Protocol

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labelstudio.project.tags import ObjectTag


class TextView(Protocol):
    """The text of one task; spans are half-open code points of `text`."""

    @property
    def text(self) -> str:
        """The plain text."""

    def read_span(self, value: Mapping[str, Any]) -> tuple[int, int] | None:
        """The span of a region's `value`, None if it is nowhere in the text."""

    def write_span(self, start: int, end: int) -> dict[str, Any]:
        """The fields of `value` that describe a span.

        Raises:
            RecordError: the object tag cannot hold this span.
        """


def open_text(tag: ObjectTag, content: Any) -> TextView:
    """The view of a task's content.

    Raises:
        RecordError: the content is not what the object tag shows.
    """
    if tag.kind == "Paragraphs":
        return ParagraphsView.build(content, tag.text_key)
    if not isinstance(content, str):
        raise RecordError(f"data.{tag.field} is not text", pointer=f"/data/{tag.field}")
    return HyperTextView.build(content) if tag.kind == "HyperText" else PlainView(content)


@dataclass(frozen=True, slots=True)
class PlainView:
    """`<Text>`: offsets are code points of the text itself."""

    text: str

    def read_span(self, value: Mapping[str, Any]) -> tuple[int, int] | None:
        """The span of `start` and `end`, which may be numbers or strings."""
        return _check_span(value.get("start"), value.get("end"), len(self.text))

    def write_span(self, start: int, end: int) -> dict[str, Any]:
        """`start` and `end`."""
        return {"start": start, "end": end}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text node, `<br>` (without address) or paragraph: where it begins in the plain text.

    `offset` is where it begins in `globalOffsets`.
    """

    address: str
    start: int
    text: str
    offset: int = 0

    @property
    def end(self) -> int:
        """Where it ends in the plain text."""
        return self.start + len(self.text)


@dataclass(frozen=True, slots=True)
class HyperTextView:
    """`<HyperText>`: offsets over the text nodes of the HTML."""

    text: str
    pieces: tuple[_Piece, ...]

    @classmethod
    def build(cls, html: str) -> HyperTextView:
        """Parse HTML into its text nodes."""
        parser = _TextNodes()
        parser.feed(html)
        parser.close()
        return cls(parser.text, tuple(parser.pieces))

    def read_span(self, value: Mapping[str, Any]) -> tuple[int, int] | None:
        """The span of `globalOffsets`, else of XPaths; None if the region's own text is not there."""
        offsets = value.get("globalOffsets")
        if isinstance(offsets, Mapping):
            start, end = self._place(offsets.get("start"), 0), self._place(offsets.get("end"), 1)
        else:
            start = _locate(self.pieces, value.get("start"), value.get("startOffset"), _skip_units)
            end = _locate(self.pieces, value.get("end"), value.get("endOffset"), _skip_units)
        span = _check_span(start, end, len(self.text))
        return span if span and _agrees(self.text[slice(*span)], value.get("text")) else None

    def write_span(self, start: int, end: int) -> dict[str, Any]:
        """XPaths, offsets within the text nodes, and `globalOffsets`."""
        first = next((piece for piece in self.pieces if piece.start <= start < piece.end), None)
        last = next((piece for piece in self.pieces if piece.start < end <= piece.end), None)
        if first is None or last is None or not (first.address and last.address):
            raise RecordError(f"the span {start}–{end} begins or ends outside the text of the HTML")
        inner, outer = start - first.start, end - last.start
        return {
            "start": first.address,
            "startOffset": _count_units(first.text[:inner]),
            "end": last.address,
            "endOffset": _count_units(last.text[:outer]),
            "globalOffsets": {"start": first.offset + inner, "end": last.offset + outer},
        }

    def _place(self, offset: Any, back: int) -> int | None:
        """The place in the plain text of a global offset; the end of a span (`back` 1) belongs to what is before it."""
        position = _read_offset(offset)
        if position is None:
            return None
        for piece in self.pieces:
            if piece.offset <= position - back < piece.offset + len(piece.text):
                return piece.start + position - piece.offset
        return None


@dataclass(frozen=True, slots=True)
class ParagraphsView:
    """`<Paragraphs>`: offsets within numbered paragraphs."""

    text: str
    pieces: tuple[_Piece, ...]

    @classmethod
    def build(cls, content: Any, text_key: str) -> ParagraphsView:
        """Join the paragraphs, one a line; those that are plain strings are taken as they are."""
        if not isinstance(content, Sequence) or isinstance(content, str):
            raise RecordError("its paragraphs are not a list")
        pieces: list[_Piece] = []
        position = 0
        for number, item in enumerate(content):
            text = item.get(text_key) if isinstance(item, Mapping) else item
            if not isinstance(text, str):
                raise RecordError(f"paragraph {number} has no text under {text_key!r}")
            pieces.append(_Piece(str(number), position, text))
            position += len(text) + 1
        return cls("\n".join(piece.text for piece in pieces), tuple(pieces))

    def read_span(self, value: Mapping[str, Any]) -> tuple[int, int] | None:
        """The span by UTF-16 units, or by code points where only that agrees with the region's own text."""
        first, last = str(value.get("start")), str(value.get("end"))
        for count in (_skip_units, _skip_points):
            start = _locate(self.pieces, first, value.get("startOffset"), count)
            end = _locate(self.pieces, last, value.get("endOffset"), count)
            span = _check_span(start, end, len(self.text))
            if span and _agrees(self.text[slice(*span)], value.get("text")):
                return span
        return None

    def write_span(self, start: int, end: int) -> dict[str, Any]:
        """Paragraph numbers and UTF-16 offsets."""
        first = [piece for piece in self.pieces if piece.start <= start][-1]
        last = [piece for piece in self.pieces if piece.start < end][-1]
        return {
            "start": first.address,
            "startOffset": _count_units(first.text[: start - first.start]),
            "end": last.address,
            "endOffset": _count_units(last.text[: end - last.start]),
        }


_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_CLOSED_BY_ITSELF = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_BLOCKS = frozenset(
    {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "fieldset", "figure", "footer", "form"}
    | {"h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table"}
    | {"td", "th", "tr", "ul"}
)


class _TextNodes(HTMLParser):
    """Text nodes in document order with their XPaths as Label Studio writes them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[_Piece] = []
        self._parts: list[str] = []
        self._length = 0
        self._offset = 0
        self._path: list[str] = []
        self._counts: list[dict[str, int]] = [{}]
        self._fresh = True
        self._parted = False

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _CLOSED_BY_ITSELF and self._path and self._path[-1].startswith(f"{tag}["):
            self.handle_endtag(tag)
        self._fresh = True
        self._parted |= tag in _BLOCKS
        number = self._counts[-1][tag] = self._counts[-1].get(tag, 0) + 1
        if tag == "br":
            self._add("", "\n")
        elif tag not in _VOID:
            self._path.append(f"{tag}[{number}]")
            self._counts.append({})

    def handle_endtag(self, tag: str) -> None:
        self._fresh = True
        self._parted |= tag in _BLOCKS
        depth = next((at for at in reversed(range(len(self._path))) if self._path[at].startswith(f"{tag}[")), None)
        if depth is not None:
            del self._path[depth:], self._counts[depth + 1 :]

    def handle_comment(self, data: str) -> None:
        self._fresh = True

    def handle_data(self, data: str) -> None:
        if not self._fresh:
            last = self.pieces.pop()
            self._parts.pop()
            self._length, self._offset = last.start, last.offset
            self._add(last.address, last.text + data)
            return
        number = self._counts[-1]["text()"] = self._counts[-1].get("text()", 0) + 1
        if self._parted and self._parts and not (self._parts[-1][-1:].isspace() or data[:1].isspace()):
            self._parts.append("\n")
            self._length += 1
        self._add("/" + "/".join([*self._path, f"text()[{number}]"]), data)
        self._fresh = False

    def _add(self, address: str, text: str) -> None:
        self.pieces.append(_Piece(address, self._length, text, self._offset))
        self._parts.append(text)
        self._length += len(text)
        self._offset += len(text)
        self._parted = False


def _locate(pieces: Sequence[_Piece], address: Any, offset: Any, count: Callable[[int, str], int | None]) -> int | None:
    piece = next((piece for piece in pieces if piece.address == address), None)
    position = _read_offset(offset)
    if piece is None or position is None or position < 0:
        return None
    within = count(position, piece.text)
    return None if within is None else piece.start + within


def _skip_units(units: int, text: str) -> int | None:
    """Code points of the first `units` UTF-16 units of a text."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    return len(encoded[: 2 * units].decode("utf-16-le", "ignore")) if 2 * units <= len(encoded) else None


def _skip_points(points: int, text: str) -> int | None:
    """The same number if the text is that long."""
    return points if points <= len(text) else None


def _count_units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _check_span(start: Any, end: Any, length: int) -> tuple[int, int] | None:
    first, last = _read_offset(start), _read_offset(end)
    return (first, last) if first is not None and last is not None and 0 <= first < last <= length else None


def _read_offset(value: Any) -> int | None:
    """A whole number, also one written as text or with a fraction of zero."""
    try:
        number = int(value)
        return number if isinstance(value, str) or number == value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _agrees(surface: str, stated: Any) -> bool:
    """True if a region's own text, in which browsers change white space, is the text at its place."""
    if not isinstance(stated, str):
        return True
    wanted = "".join(surface.split())
    return wanted in ("".join(stated.split()), "".join(stated.replace("\\n", "").split()))
