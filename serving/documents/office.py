"""Word, Excel and PowerPoint (OOXML): every XML part of the package, read as one flow.

Text, deleted text, field codes, comments, notes, headers, properties, links and alternative texts are masked; a value
split over several runs is one value. Names of authors are always removed. Pictures cannot be read here: each is
replaced by a grey one of its size, which the report says. Macros, embedded objects and everything that is not known
are refused by name.
"""

from __future__ import annotations

import html
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

import regex

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.cells import CellFormats, find_cached, find_column
from goldspan.serving.documents.flow import Run, find_whole_edit, mask_runs, search_values
from goldspan.serving.documents.markup import edit_source, map_characters
from goldspan.serving.documents.office_rules import (
    IDENTIFIERS,
    TARGET,
    choose_rule,
    find_break,
    is_cached_number,
    names_author,
)
from goldspan.serving.documents.package import read_package, write_package
from goldspan.serving.documents.pictures import PICTURES, blank_picture, describe_pictures
from goldspan.serving.documents.plain import decode_text, encode_text
from goldspan.serving.documents.xml_text import XmlPiece, find_pieces, list_names, make_run, read_texts, write_piece

_XML = (".xml", ".rels", ".vml", ".svg")
_FONTS = (".odttf", ".ttf", ".fntdata")
_EXTERNAL = regex.compile(r"\bTargetMode\s*=\s*[\"']External[\"']")
_PAGE_CODES = regex.compile(r'&(?:[A-Za-z]|"[^"]*"|\d+|K[0-9A-Fa-f]{6})')
"""Codes in the header and footer of a sheet: alignment, font, size, colour, fields."""

_PAGE_TEXTS = frozenset(f"{kind}{place}" for kind in ("odd", "even", "first") for place in ("Header", "Footer"))
_SHEET_NAMES = {("sheet", "name"), ("f", ""), ("definedName", "")}
_NO_BRACKETS = str.maketrans("[]", "()")
"""Names of sheets, and formulas that refer to them, have no square brackets."""

_SHEETS = "xl/worksheets/"
_MAX_SHEET_NAME = 31
_MEDIA = regex.compile(r"/media/[^/]+$")
_PLAIN_MEDIA = regex.compile(r"/(?:image|img|picture|thumbnail|media|hdphoto)\d*\.\w+$")
_FIELD_DATE = regex.compile(rb"(?<=<(?:\w+:)?date\b[^>]*)\s(?:\w+:)?fullDate=\"[^\"]*\"")
"""What a date field of a form holds beside the date that it shows."""

_MACROS = regex.compile(r"(?i)vbaProject|vbaData|macrosheets|activeX|ctrlProps/.*\.bin|customUI")
_QUERIES = regex.compile(rb"<(?:\w+:)?DataMashup\b")
_PRINTER = regex.compile(r"(?i)printerSettings\d*\.bin$")


@dataclass(frozen=True, slots=True)
class _Part:
    """An XML part: source, encoding, pieces with text."""

    name: str
    source: str
    encoding: str
    pieces: tuple[XmlPiece, ...]


_Place = tuple[_Part, XmlPiece]


async def mask_office(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a .docx, .xlsx or .pptx file."""
    counts = FileCounts()
    written = _drop_printers(_read_package(source))
    pictures = 0
    for name, content in written.items():
        _check_part(name, content, source.name)
        if kind := PICTURES.get(Path(name).suffix.lower()):
            written[name], pictures = blank_picture(content, kind), pictures + 1
    written = _rename_media(written)
    formats = CellFormats.read(written)
    parts, places, runs = _read_runs(written, source.name, formats)
    read = sum(not piece.swept for _, piece in places)
    result = await mask_runs(runs[:read], masker, settings.language, settings.country, swept=runs[read:])
    _write_runs(written, parts, places, runs, result.edits)
    for (part, piece), run, edits in zip(places, runs, result.edits, strict=True):
        cached = part.name if is_cached_number(piece) else find_cached(run.text, formats, written) if edits else ""
        if edits and cached:
            raise MaskingError(f"{source.name}, {cached} holds a masked number or date; remove the chart or pivot.")
    _check_sheets(written.get("xl/workbook.xml", b""), source.name)
    write_package(target, written)
    _verify(target, result.values, source.name)
    counts.add(runs[:read], result)
    if pictures:
        counts.notes.append(describe_pictures(pictures))
    return counts


def edit_office(path: Path, edit: Callable[[str], str]) -> bytes:
    """The document with each text that `edit` changes written anew; the others stay as they are."""
    written = _read_package(path)
    parts, places, runs = _read_runs(written, path.name, CellFormats.read(written))
    _write_runs(written, parts, places, runs, [find_whole_edit(run.text, edit) for run in runs])
    stream = io.BytesIO()
    write_package(stream, written)
    return stream.getvalue()


def _read_package(path: Path) -> dict[str, bytes]:
    package = read_package(path)
    if "[Content_Types].xml" not in package:
        raise InputError(f"{path.name} is not an Office document.")
    return package


def _read_runs(
    package: Mapping[str, bytes], file: str, formats: CellFormats
) -> tuple[list[_Part], list[_Place], list[Run]]:
    """The XML parts, the pieces of all of them and their texts: the flow, attributes, attributes that are no text."""
    parts = [_read_part(name, content, file) for name, content in package.items() if _is_xml(name)]
    places = [(part, piece) for part in parts for piece in part.pieces]
    places.sort(key=lambda place: (place[1].swept, place[1].attribute != "", place[1].aside))
    headers = {part.name: formats.find_headers(part.source) for part in parts if part.name.startswith(_SHEETS)}
    runs = [_make_run(part, piece, formats, headers.get(part.name, {})) for part, piece in places]
    runs = [replace(run, before="\n") if _starts_part(places, number) else run for number, run in enumerate(runs)]
    return parts, places, runs


def _make_run(part: _Part, piece: XmlPiece, formats: CellFormats, headers: Mapping[str, str]) -> Run:
    run = make_run(part.source, piece)
    tag = _find_cell(part.source, piece)
    if not tag or (shown := formats.show(tag, run.text)) == run.text:
        return run
    header = headers.get(find_column(tag), "")
    return replace(run, text=shown, before=f"\n{header}: " if header else run.before)


def _find_cell(source: str, piece: XmlPiece) -> str:
    """The start tag of the cell whose value a piece is; empty for other pieces."""
    if piece.attribute or piece.element != "v" or not piece.parents or piece.parents[0][0] != "c":
        return ""
    return source[piece.parents[0][1] : piece.parents[0][2]]


def _write_runs(
    package: dict[str, bytes],
    parts: Sequence[_Part],
    places: Sequence[_Place],
    runs: Sequence[Run],
    edits: Sequence[tuple[tuple[int, int, str], ...]],
) -> None:
    changes: dict[str, list[tuple[XmlPiece, str, tuple[tuple[int, int, str], ...]]]] = {}
    for (part, piece), run, changed in zip(places, runs, edits, strict=True):
        changes.setdefault(part.name, []).append((piece, run.text, changed))
    for part in parts:
        package[part.name] = _write_part(part, changes.get(part.name, []), package[part.name])


def _starts_part(places: Sequence[_Place], number: int) -> bool:
    return number > 0 and places[number][0] is not places[number - 1][0]


def _check_part(name: str, content: bytes, file: str) -> None:
    suffix = Path(name).suffix.lower()
    if _MACROS.search(name):
        raise InputError(f"{file} holds macros or controls ({name}); save it without them.")
    if _QUERIES.search(content.replace(b"\0", b"")):
        raise InputError(f"{file} holds queries of Power Query ({name}), which cannot be read; delete them first.")
    if not _is_xml(name) and suffix not in PICTURES and suffix not in _FONTS:
        raise InputError(f"{file} holds {name}, which cannot be read; remove embedded objects and media first.")


def _is_xml(name: str) -> bool:
    return name.lower().endswith(_XML)


def _read_part(name: str, content: bytes, file: str) -> _Part:
    try:
        source, encoding = decode_text(content, name)
        found = (piece for piece in find_pieces(source, find_break, choose_rule(name)) if _is_masked(source, piece))
        pieces = tuple(part for piece in found for part in _split_codes(source, piece))
    except InputError as error:
        raise InputError(f"{file}, {name}: {error}") from None
    return _Part(name, source, encoding, pieces)


def _is_masked(source: str, piece: XmlPiece) -> bool:
    """False for text that is no text: white space between tags, and indexes into the table of shared strings."""
    if (piece.element, piece.attribute) == TARGET:
        tag = source[source.rfind("<", 0, piece.start) : source.find(">", piece.end)]
        return _EXTERNAL.search(tag) is not None
    if piece.attribute:
        return True
    text = source[piece.start : piece.end]
    if not text.strip():
        return piece.element in ("t", "delText")
    return regex.search(r"\bt\s*=\s*[\"']s[\"']", _find_cell(source, piece)) is None


def _split_codes(source: str, piece: XmlPiece) -> Iterator[XmlPiece]:
    """The texts between the codes of a page header: in `&LAnn&CBerlin` the names are `Ann` and `Berlin`."""
    if piece.attribute or piece.element not in _PAGE_TEXTS:
        yield piece
        return
    raw = source[piece.start : piece.end]
    places = map_characters(raw)
    cursor = 0
    for start, end in [match.span() for match in _PAGE_CODES.finditer(html.unescape(raw))]:
        if cursor < start:
            yield replace(
                piece, start=piece.start + places[cursor][0], end=piece.start + places[start - 1][1], before="\n"
            )
        cursor = end
    if cursor < len(places):
        yield replace(piece, start=piece.start + places[cursor][0], before="\n")


def _write_part(
    part: _Part, changes: Sequence[tuple[XmlPiece, str, tuple[tuple[int, int, str], ...]]], content: bytes
) -> bytes:
    edits: list[tuple[int, int, str]] = []
    for piece, text, changed in changes:
        if names_author(piece):
            edits.append((piece.start, piece.end, ""))
        elif changed:
            if (piece.element, piece.attribute) in IDENTIFIERS:
                changed = tuple((start, end, regex.sub(r"\W", "_", new)) for start, end, new in changed)
            if (piece.element, piece.attribute) in _SHEET_NAMES:
                changed = tuple((start, end, new.translate(_NO_BRACKETS)) for start, end, new in changed)
            shown = text != make_run(part.source, piece).text
            new = html.escape(edit_source(text, changed)) if shown else write_piece(part.source, piece, text, changed)
            edits.append((piece.start, piece.end, new))
            edits += _retype_cell(part.source, piece)
    if not edits:
        return content
    return encode_text(edit_source(part.source, sorted(edits)), part.encoding, content)


def _retype_cell(source: str, piece: XmlPiece) -> list[tuple[int, int, str]]:
    """A number that is masked becomes a text: its cell gets the type of one."""
    tag = _find_cell(source, piece)
    if not tag:
        return []
    _, start, end = piece.parents[0]
    typed = regex.search(r"\st\s*=\s*[\"'][^\"']*[\"']", tag)
    if typed:
        return [(start + typed.start(), start + typed.end(), ' t="str"')]
    return [(end - 1, end - 1, ' t="str"')]


def _drop_printers(package: dict[str, bytes]) -> dict[str, bytes]:
    """The package without printer settings, which hold names of computers and people."""
    if not any(_PRINTER.search(name) for name in package):
        return dict(package)
    kept = {name: content for name, content in package.items() if not _PRINTER.search(name)}
    for name, content in kept.items():
        if name.endswith(".rels"):
            kept[name] = regex.sub(rb'<Relationship\b[^>]*printerSettings\d*\.bin"[^>]*/>', b"", content)
        elif "/worksheets/" in name or "/chartsheets/" in name:
            kept[name] = regex.sub(rb'(<pageSetup\b[^>]*?)\sr:id="[^"]*"', rb"\1", content)
    return kept


def _rename_media(package: dict[str, bytes]) -> dict[str, bytes]:
    """The package with plain names for pictures that have other ones, and without the dates behind date fields."""
    named = [name for name in package if _MEDIA.search(name) and not _PLAIN_MEDIA.search(name)]
    renamed = {name: f"{name[: name.rindex('/')]}/picture{n}{Path(name).suffix}" for n, name in enumerate(named, 1)}
    found = {renamed.get(name, name): content for name, content in package.items()}
    if len(found) < len(package):
        raise InputError("The document has pictures of equal names.")
    for name, content in found.items():
        if name.endswith(".rels"):
            for old, new in renamed.items():
                for spelled in {Path(old).name, quote(Path(old).name), html.escape(Path(old).name)}:
                    content = content.replace(f'/{spelled}"'.encode(), f'/{Path(new).name}"'.encode())
            found[name] = content
        elif name.startswith("word/"):
            found[name] = _FIELD_DATE.sub(b"", content)
    return found


def _check_sheets(workbook: bytes, file: str) -> None:
    names = [name.decode("utf-8", "replace") for name in regex.findall(rb'<sheet\b[^>]*?\sname="([^"]*)"', workbook)]
    if len({name.lower() for name in names}) < len(names) or any(len(name) > _MAX_SHEET_NAME for name in names):
        raise MaskingError(f"{file}: the masked names of the sheets are too long or equal; rename the sheets first.")


def _verify(target: Path, values: frozenset[str], file: str) -> None:
    """Every part as another parser reads it, as it stands, and as bytes."""
    for name, content in read_package(target).items():
        search_values(values, [Path(name).stem], f"{file}, the name of a part")
        if _is_xml(name):
            try:
                texts = read_texts(content, find_break)
            except InputError as error:
                raise MaskingError(f"{file}, {name}: {error}.") from None
            own = list_names(content) if name.startswith("customXml/") else []
            search_values(values, [*texts, *(unquote(text) for text in texts[1:]), *own], f"{file}, {name}")
        elif any(value.encode(code) in content for value in values for code in ("utf-8", "utf-16-le", "utf-16-be")):
            raise MaskingError(f"{file}, {name}: a masked value still stands in the output.")
