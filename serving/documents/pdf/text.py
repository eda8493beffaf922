"""The text of PDF pages with the place of each character, and what on a page is no text.

pdfium is not safe for threads: every call holds `PDFIUM`.
"""

from __future__ import annotations

import ctypes
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import pi
from pathlib import Path
from typing import Any

import regex

from goldspan.annotation.errors import InputError
from goldspan.annotation.wording import describe_error

PDFIUM = threading.RLock()
MAX_PAGES = 500
MAX_POINTS = 14_400.0
_DEPTH = 12
_CURVED = 100
"""Curves on a page from which drawings may be letters drawn as outlines."""

_SIMPLE = 5
"""Segments of a rectangle: a drawing with more may be a letter."""

_BEZIER = 1
_INVISIBLE = regex.compile(r"[\s\p{Default_Ignorable_Code_Point}]")
_SLANT = 0.01
_LETTER = 0.2
"""Share of the height of its line that the shape of a letter has at least; less is a hyphen, or nothing."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top in points of the page."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PdfPage:
    """The text of a page in reading order; `boxes` has one entry a character, None for white space without a place.

    `origins` are the points where the characters start, in the same order. `hyphens` are the origins of hyphens that
    break a word over two lines, by the offset of the character after them; they are no part of the text. `unreadable`
    are places of characters without a known meaning, `pictures` places of images and of drawings that may be letters.
    `width` and `height` are those of the page as it is shown, in points.
    """

    text: str
    boxes: tuple[Box | None, ...]
    origins: tuple[Point | None, ...]
    hyphens: tuple[tuple[int, Point], ...]
    unreadable: tuple[Box, ...]
    pictures: tuple[Box, ...]
    width: float
    height: float
    scanned: bool


@contextmanager
def open_pdf(path: Path) -> Iterator[Any]:
    """A PDF document of pdfium; other threads wait.

    Raises:
        InputError: it is not a PDF, is encrypted or has too many pages.
    """
    import pypdfium2

    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(path)
        except (pypdfium2.PdfiumError, OSError) as error:
            raise InputError(
                f"{path.name} is not a PDF that can be opened, or it needs a password ({describe_error(error)})."
            ) from None
        try:
            if not 0 < len(document) <= MAX_PAGES:
                raise InputError(f"{path.name} has {len(document)} pages; 1 to {MAX_PAGES} are read.")
            yield document
        finally:
            document.close()


def read_pdf(path: Path) -> list[PdfPage]:
    """The pages of a PDF.

    Raises:
        InputError: the file cannot be read.
    """
    with open_pdf(path) as document:
        return [_read_page(document, number + 1, path.name) for number in range(len(document))]


def _read_page(document: Any, number: int, name: str) -> PdfPage:
    import pypdfium2

    try:
        page = document[number - 1]
    except pypdfium2.PdfiumError:
        raise InputError(f"{name}, page {number} cannot be opened.") from None
    width, height = page.get_size()
    if not (0 < width <= MAX_POINTS and 0 < height <= MAX_POINTS):
        raise InputError(f"{name}, page {number}: {width:.0f} × {height:.0f} points is no size of a page.")
    textpage = page.get_textpage()
    try:
        characters = _read_characters(textpage)
    finally:
        textpage.close()
    pictures = tuple(_find_pictures(page))
    covered = sum((right - left) * (top - bottom) for left, bottom, right, top in pictures)
    scanned = covered > 0.5 * width * height
    return PdfPage(
        "".join(characters.text),
        tuple(characters.boxes),
        tuple(characters.origins),
        tuple(characters.hyphens),
        tuple(characters.unreadable),
        pictures,
        width,
        height,
        scanned,
    )


@dataclass(slots=True)
class _Characters:
    text: list[str] = field(default_factory=list)
    boxes: list[Box | None] = field(default_factory=list)
    origins: list[Point | None] = field(default_factory=list)
    hyphens: list[tuple[int, Point]] = field(default_factory=list)
    unreadable: list[Box] = field(default_factory=list)

    def add(self, character: str, box: Box | None, origin: Point | None) -> None:
        self.text.append(character)
        self.boxes.append(box)
        self.origins.append(origin)


def _read_characters(textpage: Any) -> _Characters:
    from pypdfium2 import raw

    found = _Characters()
    count = raw.FPDFText_CountChars(textpage)
    high, skip_break = 0, False
    for index in range(count):
        code = raw.FPDFText_GetUnicode(textpage, index)
        generated = raw.FPDFText_IsGenerated(textpage, index) == 1
        box, origin = (None, None) if generated else (read_box(textpage, index), read_origin(textpage, index))
        if 0xD800 <= code < 0xDC00:
            high = code
            continue
        if 0xDC00 <= code < 0xE000 and high:
            code = 0x10000 + ((high - 0xD800) << 10) + (code - 0xDC00)
        high = 0
        if raw.FPDFText_IsHyphen(textpage, index) == 1:
            skip_break = True
            if origin:
                found.hyphens.append((len(found.text), origin))
            continue
        character = chr(code) if code < 0x110000 else "\ufffd"
        if skip_break and character in "\r\n":
            continue
        skip_break = False
        if _is_meaningless(textpage, index, character) or (box and _is_false_blank(textpage, index, character)):
            if box:
                found.unreadable.append(box)
            continue
        found.add(character, box, origin)
    return found


def _is_meaningless(textpage: Any, index: int, character: str) -> bool:
    """True for what is no character; one of private use that stands alone is a bullet."""
    from pypdfium2 import raw

    kind = unicodedata.category(character)
    if kind == "Co":
        beside = (raw.FPDFText_GetUnicode(textpage, index + step) for step in (-1, 1))
        return not all(chr(min(code, 0x10FFFF)).isspace() or not code for code in beside)
    return kind in ("Cn", "Cs") or character == "\ufffd" or (kind == "Cc" and character not in "\t\r\n")


def _is_false_blank(textpage: Any, index: int, character: str) -> bool:
    """True for a blank or invisible character that has the height of a letter; of slanted text it cannot be told."""
    from pypdfium2 import raw

    if not _INVISIBLE.fullmatch(character):
        return False
    line, shape = _read_line_box(textpage, index), _read_shape_box(textpage, index)
    turns = raw.FPDFText_GetCharAngle(textpage, index) / (pi / 2)
    if line is None or shape is None or abs(turns - round(turns)) > _SLANT:
        return False
    low, high = (0, 2) if round(turns) % 2 else (1, 3)
    return abs(shape[high] - shape[low]) > _LETTER * abs(line[high] - line[low])


def read_origin(textpage: Any, index: int) -> Point | None:
    """The point where a character starts."""
    from pypdfium2 import raw

    x, y = ctypes.c_double(), ctypes.c_double()
    return (x.value, y.value) if raw.FPDFText_GetCharOrigin(textpage, index, x, y) else None


def read_box(textpage: Any, index: int) -> Box | None:
    """The box of a character, with what of its shape lies beyond its line."""
    line, shape = _read_line_box(textpage, index), _read_shape_box(textpage, index)
    if line is None or shape is None:
        return line
    bottom, top = min(line[1], line[3]), max(line[1], line[3])
    return min(line[0], shape[0]), min(bottom, shape[1]), max(line[2], shape[2]), max(top, shape[3])


def _read_line_box(textpage: Any, index: int) -> Box | None:
    from pypdfium2 import raw

    rect = raw.FS_RECTF()
    found = raw.FPDFText_GetLooseCharBox(textpage, index, rect)
    return (rect.left, rect.bottom, rect.right, rect.top) if found else None


def _read_shape_box(textpage: Any, index: int) -> Box | None:
    from pypdfium2 import raw

    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    found = raw.FPDFText_GetCharBox(textpage, index, left, right, bottom, top)
    return (left.value, bottom.value, right.value, top.value) if found else None


def _find_pictures(page: Any) -> Iterator[Box]:
    """Images, shadings, and, where the page has many curves, drawings that may be letters."""
    from pypdfium2 import raw

    drawings: list[tuple[Box, int]] = []
    curves = 0
    for item in page.get_objects(max_depth=_DEPTH):
        if item.type == raw.FPDF_PAGEOBJ_TEXT:
            continue
        if item.type != raw.FPDF_PAGEOBJ_PATH:
            if item.type != raw.FPDF_PAGEOBJ_FORM:
                yield item.get_bounds()
            continue
        count = raw.FPDFPath_CountSegments(item)
        kinds = (raw.FPDFPathSegment_GetType(raw.FPDFPath_GetPathSegment(item, n)) for n in range(min(count, 2_000)))
        curves += sum(kind == _BEZIER for kind in kinds)
        if count > _SIMPLE:
            drawings.append((item.get_bounds(), count))
    if curves > _CURVED:
        yield from (box for box, _ in drawings)
