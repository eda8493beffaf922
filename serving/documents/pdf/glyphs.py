"""Whether the characters of a PDF's fonts look like what they say.

A font says by a table which character each of its glyphs means, and nothing makes the table tell the truth: a page may
show `Ann Smith` while its text says `Boo Tnjui`. Words that together hold every character of every such font are
drawn, read by OCR and compared with the text.
"""

from __future__ import annotations

import ctypes
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from goldspan.serving.documents.ocr.base import OcrEngine
from goldspan.serving.documents.ocr.registry import open_ocr, read_picture
from goldspan.serving.documents.pdf.areas import Area
from goldspan.serving.documents.pdf.disguise import Shape, find_disguises, snap_origin
from goldspan.serving.documents.pdf.raster import OCR_DPI, place_box, render_page
from goldspan.serving.documents.pdf.text import PdfPage, Point, open_pdf, read_box, read_origin

if TYPE_CHECKING:
    from PIL.Image import Image

_SAMPLES = 2
"""Words in which each character of a font is looked at."""

_MAX_WORDS, _MAX_LETTERS = 400, 16
_LEAST_HEIGHT, _LINE, _ROWS = 9, 48, 24
_LEAST_CONTRAST, _WHITE = 48, 255
_GAP, _WIDTH = 40, 1000
_AGREES = 0.6
"""Share of the characters of a font that OCR has to read as the text says them."""

_FEW, _SHARE = 3, 0.15
"""A font may have so many shapes, or this share of them, that were never read as the text says them."""

_READABLE = regex.compile(r"[\p{Latin}\p{N}\p{Han}\p{Hiragana}\p{Katakana}\p{P}\p{S}\p{M}]+")
_LOOKALIKES = str.maketrans("01|5862iqzvw", "olls8bzlgzuu")
"""Letters and digits that look alike in many fonts."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word in one font on a page: its characters, their shapes, and their boxes in points."""

    page: int
    font: int
    text: str
    shapes: tuple[Shape, ...]
    boxes: tuple[Area, ...]


@dataclass(slots=True)
class _Evidence:
    """How the characters of a font were read; `swaps`: what OCR read in the place of a shape's character."""

    said: int = 0
    seen: int = 0
    shapes: set[Shape] = field(default_factory=set)
    right: set[Shape] = field(default_factory=set)
    swaps: dict[Shape, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def is_doubtful(self) -> bool:
        """True if most characters, several shapes, or one shape each time, look like others."""
        if self.said and self.seen < _AGREES * self.said:
            return True
        wrong = [swaps for shape, swaps in self.swaps.items() if shape not in self.right]
        return len(wrong) > max(_FEW, _SHARE * len(self.shapes)) or any(
            character and count >= _SAMPLES for swaps in wrong for character, count in swaps.items()
        )


def find_doubtful_pages(source: Path, pages: Sequence[PdfPage], ocr: str) -> tuple[set[int], str]:
    """The pages that OCR has to read because their text may say something else than they show.

    Only scripts that OCR reads are compared, and only words that can be seen. `ocr` is the name of the engine; without
    one on this machine fonts are not compared, and the second value says so in a line for the report.
    """
    found = find_disguises(source)
    if not found.replaced and not found.tables:
        return found.drawn, ""
    engine = None if ocr == "mistral" else open_ocr(ocr)
    if engine is None:
        return found.drawn, "fonts were not compared with what they show: there is no OCR on this machine"
    with open_pdf(source) as document:
        loaded = [document[number] for number in range(len(document))]
        words = [
            word for number, shapes in found.tables.items() for word in _read_words(loaded[number], number, shapes)
        ]
        cells = list(_draw_words(_choose_words(words), loaded, pages))
    evidence: dict[int, _Evidence] = defaultdict(_Evidence)
    for word, seen in _read_cells(cells, engine):
        _compare(word, seen, evidence[word.font])
    fonts = {font for font, one in evidence.items() if one.is_doubtful}
    return found.drawn | found.replaced | {word.page for word in words if word.font in fonts}, ""


def _read_words(page: Any, number: int, shapes: Mapping[Point, Shape]) -> Iterator[_Word]:
    """Words of one font, in the order of the text."""
    from pypdfium2 import raw

    textpage = page.get_textpage()
    try:
        letters: list[tuple[str, Shape, Area]] = []
        current = 0
        for index in range(raw.FPDFText_CountChars(textpage)):
            character = chr(min(raw.FPDFText_GetUnicode(textpage, index), 0x10FFFF))
            is_drawn = not character.isspace() and raw.FPDFText_IsGenerated(textpage, index) != 1
            box = read_box(textpage, index) if is_drawn else None
            font = _find_font(textpage, index) if box else 0
            if letters and (box is None or font != current or len(letters) == _MAX_LETTERS):
                yield _make_word(number, current, letters)
                letters = []
            if box:
                origin = read_origin(textpage, index)
                letters.append((character, _find_shape(origin, shapes) or (font, character), box))
            current = font
        if letters:
            yield _make_word(number, current, letters)
    finally:
        textpage.close()


def _find_shape(origin: Point | None, shapes: Mapping[Point, Shape]) -> Shape | None:
    if origin is None:
        return None
    x, y = snap_origin(origin)
    near = ((x + i, y + j) for i in (0, -1, 1) for j in (0, -1, 1))
    return next((shapes[place] for place in near if place in shapes), None)


def _make_word(page: int, font: int, letters: Sequence[tuple[str, Shape, Area]]) -> _Word:
    characters, shapes, boxes = zip(*letters, strict=True)
    return _Word(page, font, "".join(characters), shapes, boxes)


def _find_font(textpage: Any, index: int) -> int:
    """A number for the font of a character; the same for all characters in it while the document is open."""
    from pypdfium2 import raw

    item = raw.FPDFText_GetTextObject(textpage, index)
    font = raw.FPDFTextObj_GetFont(item) if item else None
    return ctypes.addressof(font.contents) if font else 0


def _choose_words(words: Iterable[_Word]) -> list[_Word]:
    """Words that hold each shape, if it stands so often, in `_SAMPLES` of them."""
    counts: Counter[Shape] = Counter()
    chosen: list[_Word] = []
    for word in words:
        if len(_simplify(word.text)) < _SAMPLES or not _READABLE.fullmatch(word.text):
            continue
        shapes = {shape for shape, character in zip(word.shapes, word.text, strict=True) if character.isalnum()}
        if len(chosen) < _MAX_WORDS and any(counts[shape] < _SAMPLES for shape in shapes):
            counts.update(shapes)
            chosen.append(word)
    return chosen


def _draw_words(
    words: Iterable[_Word], loaded: Sequence[Any], pages: Sequence[PdfPage]
) -> Iterator[tuple[_Word, Image]]:
    """The words that can be seen, each with its picture."""
    for number, group in groupby(words, key=attrgetter("page")):
        picture = render_page(loaded[number], pages[number], OCR_DPI).convert("L")
        for word in group:
            cell = _cut_word(picture, [place_box(loaded[number], picture, box) for box in word.boxes])
            if cell is not None:
                yield word, cell


def _cut_word(picture: Image, areas: Sequence[Area]) -> Image | None:
    """The picture of a word, upright, of one height, dark on light; None where nothing of it can be seen."""
    from PIL import Image as Images
    from PIL import ImageOps

    columns, rows = [(area[0] + area[2]) / 2 for area in areas], [(area[1] + area[3]) / 2 for area in areas]
    left, top, right, bottom = (
        int(pick(area[side] for area in areas)) for side, pick in enumerate((min, min, max, max))
    )
    if left <= 0 or top <= 0 or right >= picture.width - 1 or bottom >= picture.height - 1:
        return None
    across, down = columns[-1] - columns[0], rows[-1] - rows[0]
    turn = (270 if down < 0 else 90) if abs(down) > abs(across) else (180 if across < 0 else 0)
    cell = picture.crop((left, top, right + 1, bottom + 1)).rotate(turn, expand=True)
    levels = cell.tobytes()
    if min(cell.size) < _LEAST_HEIGHT or max(levels) - min(levels) < _LEAST_CONTRAST:
        return None
    if 2 * sum(levels) < _WHITE * len(levels):
        cell = ImageOps.invert(cell)
    width = max(1, min(_WIDTH - 2 * _GAP, cell.width * _LINE // cell.height))
    return cell.resize((width, _LINE), Images.Resampling.LANCZOS)


def _read_cells(cells: Sequence[tuple[_Word, Image]], engine: OcrEngine) -> Iterator[tuple[_Word, str]]:
    """The words with what OCR reads in their pictures, many on one sheet."""
    rows: list[list[tuple[_Word, Image]]] = []
    room = 0
    for word, picture in cells:
        if picture.width + _GAP > room:
            rows.append([])
            room = _WIDTH - _GAP
        rows[-1].append((word, picture))
        room -= picture.width + _GAP
    for begin in range(0, len(rows), _ROWS):
        yield from _read_sheet(rows[begin : begin + _ROWS], engine)


def _read_sheet(rows: Sequence[Sequence[tuple[_Word, Image]]], engine: OcrEngine) -> Iterator[tuple[_Word, str]]:
    from PIL import Image

    pitch = _LINE + _GAP
    sheet = Image.new("RGB", (_WIDTH, pitch * len(rows) + _GAP), (255, 255, 255))
    places: list[tuple[_Word, int, int, int]] = []
    for row, line in enumerate(rows):
        left = _GAP
        for word, picture in line:
            sheet.paste(picture.convert("RGB"), (left, _GAP + row * pitch))
            places.append((word, row, left - _GAP // 2, left + picture.width + _GAP // 2))
            left += picture.width + _GAP
    found = [one for line in read_picture(engine, sheet).lines for one in line]
    for word, row, left, right in places:
        inside = [
            one
            for one in found
            if left <= (one.box[0] + one.box[2]) / 2 < right
            and int(((one.box[1] + one.box[3]) / 2 - _GAP // 2) // pitch) == row
        ]
        yield word, "".join(one.text for one in sorted(inside, key=lambda one: one.box[0]))


def _simplify(text: str) -> str:
    """Letters and digits without accents, in small letters, those that look alike as one."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return "".join(filter(str.isalnum, plain)).translate(_LOOKALIKES)


def _compare(word: _Word, seen: str, evidence: _Evidence) -> None:
    """Count what OCR read; a character may stand for several, as a ligature does."""
    parts = [_simplify(character) for character in word.text]
    shapes = [shape for shape, part in zip(word.shapes, parts, strict=True) for _ in part]
    said, seen = "".join(parts), _simplify(seen)
    evidence.said += len(said)
    evidence.shapes.update(shapes)
    for kind, begin, end, first, last in _align(said, seen):
        if kind == "equal":
            evidence.seen += end - begin
            evidence.right.update(shapes[begin:end])
        elif kind == "replace":
            others = seen[first:last] if end - begin == last - first else [""] * (end - begin)
            for shape, other in zip(shapes[begin:end], others, strict=True):
                evidence.swaps[shape][other] += 1


def _align(said: str, seen: str) -> Iterable[tuple[str, int, int, int, int]]:
    """What is equal, replaced, left out; words of one length are compared place by place."""
    if len(said) != len(seen):
        return SequenceMatcher(None, said, seen, autojunk=False).get_opcodes()
    kinds = ("equal" if one == other else "replace" for one, other in zip(said, seen, strict=True))
    return [(kind, place, place + 1, place, place + 1) for place, kind in enumerate(kinds)]
