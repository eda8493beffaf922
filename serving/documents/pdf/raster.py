"""Pages as pictures: each is rendered, what is masked is covered, and nothing else of the page is carried over.

Images that were not read are covered too, as are characters without a known meaning, and drawings on pages with so
many curves that they may be letters.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.serving.documents.ocr.base import OcrPage
from goldspan.serving.documents.pdf.areas import Area, join_lines
from goldspan.serving.documents.pdf.text import Box, PdfPage

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 150
OCR_DPI = 200
_MAX_PIXELS = 40_000_000
_MARGIN = 2
"""Pixels that a box reaches beyond the characters it covers."""

_COVER, _PICTURE, _LABEL = (0, 0, 0), (128, 128, 128), (255, 255, 255)
PICTURE_CONTENT = regex.compile(rb"q [\d.]+ 0 0 [\d.]+ 0 0 cm /Im0 Do Q\s*")

Edit = tuple[int, int, str]


def render_page(page: Any, content: PdfPage, dpi: float = DPI) -> Image:
    """A page of pdfium as an RGB picture, without annotations and form fields."""
    scale = dpi / 72
    if content.width * content.height * scale * scale > _MAX_PIXELS:
        scale = (_MAX_PIXELS / (content.width * content.height)) ** 0.5
    picture: Image = page.render(scale=scale, may_draw_forms=False, draw_annots=False).to_pil().convert("RGB")
    return picture


def draw_page(
    page: Any, content: PdfPage, edits: Sequence[Edit], ocr: OcrPage | None = None, ocr_edits: Sequence[Edit] = ()
) -> Image:
    """The picture of a page with everything covered that is masked or cannot be read.

    Raises:
        MaskingError: a masked value has no place on the page, or is not covered.
    """
    from PIL import ImageDraw

    picture = render_page(page, content)
    draw = ImageDraw.Draw(picture)
    if ocr is None:
        for box in content.pictures:
            draw.rectangle(place_box(page, picture, box), fill=_PICTURE)
    areas = [place_box(page, picture, box) for box in content.unreadable]
    labels: list[tuple[Area, str]] = []
    for start, end, replacement in edits:
        places = zip(content.text[start:end], content.boxes[start:end], strict=True)
        if any(box is None and not character.isspace() for character, box in places):
            raise MaskingError("A masked value has characters without a place on the page.")
        boxes = [place_box(page, picture, box) for box in content.boxes[start:end] if box is not None]
        lines = join_lines(boxes, _MARGIN)
        areas += lines
        if lines:
            labels.append((max(lines, key=lambda area: area[2] - area[0]), replacement))
    if ocr is not None:
        scale = picture.width / ocr.width, picture.height / ocr.height
        covered, shown = place_words(ocr, ocr_edits, scale)
        areas += covered
        labels += shown
    cover_areas(picture, areas, labels)
    return picture


def place_words(
    ocr: OcrPage, edits: Iterable[Edit], scale: tuple[float, float] = (1.0, 1.0)
) -> tuple[list[Area], list[tuple[Area, str]]]:
    """The areas of masked and doubtful words in a picture, and the replacements with the area that shows each."""

    def resize(area: Area) -> Area:
        return area[0] * scale[0], area[1] * scale[1], area[2] * scale[0], area[3] * scale[1]

    areas = [resize(area) for area in ocr.list_unsure()]
    labels: list[tuple[Area, str]] = []
    for start, end, replacement in edits:
        lines = [resize(area) for area in ocr.find_areas(start, end)]
        if not lines:
            raise MaskingError("A masked value has characters without a place in the picture.")
        areas += lines
        labels.append((max(lines, key=lambda area: area[2] - area[0]), replacement))
    return areas, labels


def cover_areas(picture: Image, areas: Iterable[Area], labels: Iterable[tuple[Area, str]]) -> list[Area]:
    """Cover areas of a picture in black, and write the replacements on them; the areas in whole pixels.

    Raises:
        MaskingError: an area is not covered whole.
    """
    from PIL import ImageDraw

    draw = ImageDraw.Draw(picture)
    whole = [_clip(area, picture) for area in areas]
    for area in whole:
        draw.rectangle(area, fill=_COVER)
    for left, top, right, bottom in whole:
        if picture.crop((int(left), int(top), int(right) + 1, int(bottom) + 1)).getextrema() != ((0, 0),) * 3:
            raise MaskingError("A masked value is not covered whole on its page.")
    for area, text in labels:
        _draw_label(draw, _clip(area, picture), text)
    return whole


def _clip(area: Area, picture: Image) -> Area:
    left, right = max(0, int(area[0])), min(picture.width - 1, int(area[2]))
    top, bottom = max(0, int(area[1])), min(picture.height - 1, int(area[3]))
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def place_box(page: Any, picture: Image, box: Box) -> Area:
    """The area of a box of the page in the picture, whatever the page's rotation and crop box."""
    import ctypes

    from pypdfium2 import raw

    corners = []
    for x, y in ((box[0], box[1]), (box[2], box[3]), (box[0], box[3]), (box[2], box[1])):
        column, row = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, picture.width, picture.height, 0, x, y, column, row)
        corners.append((column.value, row.value))
    columns, rows = zip(*corners, strict=True)
    grown = (min(columns) - _MARGIN, min(rows) - _MARGIN, max(columns) + _MARGIN, max(rows) + _MARGIN)
    return _clip(grown, picture)


def _draw_label(draw: Any, area: Area, text: str) -> None:
    """The replacement in white, where it fits into its box."""
    from PIL import ImageFont

    width, height = area[2] - area[0] - 2, area[3] - area[1] - 2
    for size in range(min(int(height), 24), 6, -1):
        font = ImageFont.load_default(size)
        box = draw.textbbox((0, 0), text, font=font)
        if box[2] - box[0] <= width and box[3] - box[1] <= height:
            draw.text((area[0] + 1 - box[0], area[1] + 1 - box[1]), text, font=font, fill=_LABEL)
            return


def digest_picture(picture: Image) -> bytes:
    """SHA-256 of the pixels."""
    return hashlib.sha256(picture.tobytes()).digest()


def add_picture(output: Any, picture: Image, content: PdfPage) -> None:
    """Write a picture as a page at the end of a document of pikepdf."""
    import pikepdf

    image = pikepdf.Stream(
        output,
        picture.tobytes(),
        Type=pikepdf.Name.XObject,
        Subtype=pikepdf.Name.Image,
        Width=picture.width,
        Height=picture.height,
        ColorSpace=pikepdf.Name.DeviceRGB,
        BitsPerComponent=8,
    )
    page = output.add_blank_page(page_size=(content.width, content.height))
    page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=image))
    page.Contents = output.make_stream(f"q {content.width:.4f} 0 0 {content.height:.4f} 0 0 cm /Im0 Do Q".encode())
