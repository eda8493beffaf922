"""HTML: text, attribute values, comments, scripts and styles; everything that is not masked stays byte for byte.

The text is read as one flow: inline tags do not divide words, blocks do. What does not look like a tag is text, so that
`Ann <ann@mail.net>` is read. Embedded pictures are replaced by grey ones.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import regex

from goldspan.annotation.errors import InputError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, read_document
from goldspan.serving.documents.flow import MaskedRuns, Run, mask_runs, search_values
from goldspan.serving.documents.pictures import blank_embedded, describe_pictures
from goldspan.serving.documents.plain import decode_text, encode_text

_INLINE_NAMES = """
a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark q rp rt ruby s samp small span strike
strong sub sup textpath time tspan tt u var wbr mi mn mo ms mtext
"""
_BLOCK_NAMES = """
address applet area article aside audio base basefont blockquote body br button canvas caption center col colgroup
datalist dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame frameset h1 h2 h3 h4 h5 h6
head header hgroup hr html iframe img input legend li link main map menu meta meter nav noframes noscript object ol
optgroup option output p param picture pre progress script search section select slot source style summary svg table
tbody template textarea tfoot thead title tr track ul video
"""
_INLINE, _BLOCKS, _CELLS = frozenset(_INLINE_NAMES.split()), frozenset(_BLOCK_NAMES.split()), frozenset({"td", "th"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_READINGS = frozenset({"rt", "rp"})
_RUBY = _READINGS | {"ruby"}
_HIDDEN = regex.compile(
    r"(?i)\shidden(?![\w-])(?!\s*=\s*[\"']?until)"
    r"|\sstyle\s*=\s*(?:\"[^\"]*|'[^']*|\S*)(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9]))"
)
"""Attributes by which an element is not shown."""

_RAW = frozenset({"script", "style"})
_ADDRESSES = frozenset({"action", "background", "cite", "data", "formaction", "href", "longdesc", "poster", "src"})
_TOKEN = regex.compile(
    r"(?P<comment><!--.*?(?:-->|\Z))|(?P<declaration><!\[CDATA\[.*?\]\]>|<[!?][^>]*>)"
    r"|(?P<tag><(?P<slash>/?)(?P<name>[a-zA-Z][\w:-]*)(?P<inside>(?:\s+|/|\"[^\"]*\"|'[^']*'|[^\s>\"'/]+)*)>)",
    regex.DOTALL,
)
_CLOSING = regex.compile(r"</([a-zA-Z][\w:-]*)\s*>")
_ATTRIBUTE = regex.compile(r"(?P<name>[^\s=>\"'/]+)(?:\s*=\s*(?:\"(?P<a>[^\"]*)\"|'(?P<b>[^']*)'|(?P<c>[^\s\"'>]+)))?")
_CODE_NAMES = regex.compile(r"[a-z_:@*.#(\[-][a-z_:@*.#()\[\]-]*")
"""Names of attributes as pages have them; others may be part of a value without quotes: `<img alt=Ann Smith>`."""

_CODE_VALUES = regex.compile(r"(?:[a-z-][\w:/.\[\]%!-]*\s*)*", regex.ASCII)
"""Classes and types as pages have them: names in small letters."""

_CODED = frozenset({"class", "type", "rel"})
_MESSAGE = regex.compile(
    r"(?i)\A\s*(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?(?:MIME-Version|Content-Type|Content-Transfer-Encoding):"
)
_REFERENCE = regex.compile(r"&(?:#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\t\n\f <&#;]{1,32};?)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch `[start, end)` of the source that holds text. `kind`: text, aside, attribute, address or raw.

    An aside is text that does not divide the text around it: a reading aid, or hidden.
    """

    start: int
    end: int
    kind: str
    before: str = ""


async def mask_markup(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask an HTML file."""
    data = read_document(source)
    text, encoding = decode_text(data, str(source))
    if _MESSAGE.match(text):
        raise InputError(f"{source.name} is an e-mail message or web archive by its content. Name it .eml or .mht.")
    text, pictures = blank_embedded(text, source.name)
    masked, runs, result = await mask_html(text, masker, settings)
    target.write_bytes(encode_text(masked, encoding, data))
    verify_html(decode_text(target.read_bytes(), str(target))[0], result.values, source.name)
    counts = FileCounts()
    counts.add(runs, result)
    if pictures:
        counts.notes.append(describe_pictures(pictures))
    return counts


async def mask_html(source: str, masker: Masker, settings: FileSettings) -> tuple[str, list[Run], MaskedRuns]:
    """The masked source, its runs and the result."""
    pieces, runs = read_html(source)
    result = await mask_runs(runs, masker, settings.language, settings.country)
    return write_html(source, pieces, runs, result.edits), runs, result


def read_html(source: str) -> tuple[list[Piece], list[Run]]:
    """The stretches of a source that hold text, and their texts: the flow first, attributes and comments last."""
    found = list(_find_pieces(source))
    pieces = sorted(found, key=lambda piece: {"text": 0, "aside": 1}.get(piece.kind, 2))
    return pieces, [Run(_read(source, piece), piece.before) for piece in pieces]


def write_html(
    source: str, pieces: Sequence[Piece], runs: Sequence[Run], edits: Sequence[tuple[tuple[int, int, str], ...]]
) -> str:
    """The source with the edits of its runs."""
    changed = [
        (piece.start, piece.end, _write(source[piece.start : piece.end], piece, run.text, changes))
        for piece, run, changes in zip(pieces, runs, edits, strict=True)
        if changes
    ]
    return edit_source(source, sorted(changed))


def verify_html(written: str, values: frozenset[str], place: str) -> None:
    """Search the written source as it is, unescaped and unquoted, and as another parser reads it.

    Raises:
        MaskingError: a masked value stands in it.
    """
    reader = _Reader()
    reader.feed(written)
    reader.close()
    plain = html.unescape(written)
    search_values(values, [written, plain, unquote(plain), "".join(reader.texts), *reader.others], place)


def _find_pieces(source: str) -> Iterator[Piece]:
    """Stretches with text, in the order of the source."""
    cursor, before, raw = 0, "", ""
    aside = _Aside()
    closed = {name.lower() for name in _CLOSING.findall(source)}
    known = _INLINE | _CELLS | _BLOCKS | closed
    for match in _TOKEN.finditer(source):
        name = (match["name"] or "").lower()
        if match["tag"] and name not in known and "-" not in name and ":" not in name:
            continue
        if raw and not (match["slash"] and name == raw):
            continue
        if cursor < match.start():
            yield Piece(cursor, match.start(), "raw" if raw else aside.kind, "\n" if raw else before)
            before = "" if not raw else before
        cursor = match.end()
        if match["tag"]:
            raw = name if name in _RAW and not match["slash"] else ""
            before = aside.follow(match, name, before or ("" if name in _INLINE else "\t" if name in _CELLS else "\n"))
            yield from _find_attributes(match)
        else:
            yield Piece(match.start(), match.end(), "raw", "\n")
    if cursor < len(source):
        yield Piece(cursor, len(source), "raw" if raw else aside.kind, before)


class _Aside:
    """Whether a place of a page is in an element that stands beside the flow, and what the flow has before it."""

    def __init__(self) -> None:
        self._name, self._depth, self._before = "", 0, ""

    @property
    def kind(self) -> str:
        """The kind of pieces of text here."""
        return "aside" if self._name else "text"

    def follow(self, tag: regex.Match[str], name: str, before: str) -> str:
        """Take in a tag; what separates the next text from the one before it in its flow."""
        if self._name == name or (self._name in _READINGS and name in _RUBY):
            self._depth += -1 if tag["slash"] or self._name in _READINGS else 1
            if self._depth > 0:
                return before
            self._name, before = "", self._before
        opens = not self._name and not tag["slash"] and name not in _VOID
        if opens and (name in _READINGS or _HIDDEN.search(tag["inside"])):
            self._name, self._depth, self._before = name, 1, before
            return "\n"
        return before


def _find_attributes(match: regex.Match[str]) -> Iterator[Piece]:
    offset = match.start("inside")
    for attribute in _ATTRIBUTE.finditer(match["inside"] or ""):
        name = attribute["name"].lower()
        if not _CODE_NAMES.fullmatch(attribute["name"]):
            yield Piece(offset + attribute.start("name"), offset + attribute.end("name"), "attribute", "\n")
        group = next((name for name in "abc" if attribute[name] is not None), "name")
        start, end = attribute.span(group)
        if group != "name" and start < end and not (name in _CODED and _CODE_VALUES.fullmatch(attribute[group])):
            yield Piece(offset + start, offset + end, "address" if name in _ADDRESSES else "attribute", "\n")


def _read(source: str, piece: Piece) -> str:
    raw = source[piece.start : piece.end]
    if piece.kind == "raw":
        return raw
    return unquote(html.unescape(raw)) if piece.kind == "address" else html.unescape(raw)


def _write(raw: str, piece: Piece, text: str, edits: tuple[tuple[int, int, str], ...]) -> str:
    if piece.kind == "address":
        return html.escape(edit_source(text, edits))
    if piece.kind == "raw":
        return edit_source(raw, edits)
    places = map_characters(raw)
    changed = [(places[start][0], places[end - 1][1], html.escape(new, quote=True)) for start, end, new in edits]
    return edit_source(raw, changed)


def edit_source(text: str, edits: Sequence[tuple[int, int, str]]) -> str:
    """The text with stretches replaced; edits in their order, without overlap."""
    written: list[str] = []
    cursor = 0
    for start, end, new in edits:
        written += (text[cursor:start], new)
        cursor = max(cursor, end)
    return "".join([*written, text[cursor:]])


def map_characters(raw: str) -> list[tuple[int, int]]:
    """For each character of the unescaped text, the stretch of the source that it comes from."""
    places: list[tuple[int, int]] = []
    cursor = 0
    for match in _REFERENCE.finditer(raw):
        places += [(n, n + 1) for n in range(cursor, match.start())]
        places += [match.span()] * len(html.unescape(match.group()))
        cursor = match.end()
    return places + [(n, n + 1) for n in range(cursor, len(raw))]


class _Reader(HTMLParser):
    """Text, and apart from it attribute values and comments, as the standard library reads them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.others: list[str] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.texts.append("\n")
        self.others += [value for name, value in attrs if value]

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.texts.append("\n")

    def handle_comment(self, data: str) -> None:
        self.others.append(data)
