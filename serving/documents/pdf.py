"""PDF as pictures: each page is rendered, what is masked is covered, and a new PDF of the pictures is written.

Nothing of the original file is carried over: no text, fonts, metadata, outline, annotations, form fields, attachments,
scripts or earlier revisions. Images cannot be read and are covered too, as are characters without a known meaning, and
drawings on pages with so many curves that they may be letters. A scanned page is refused: its text cannot be read here.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.flow import MaskedRuns, Run, mask_runs
from goldspan.serving.documents.pdf_text import Box, PdfPage, open_pdf, read_pdf

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 150
_MAX_PIXELS = 40_000_000
_MARGIN = 2
"""Pixels that a box reaches beyond the characters it covers."""

_COVER, _PICTURE, _LABEL = (0, 0, 0), (128, 128, 128), (255, 255, 255)

_CONTENT = regex.compile(rb"q [\d.]+ 0 0 [\d.]+ 0 0 cm /Im0 Do Q\s*")
_KEYS = frozenset(
    f"/{name}"
    for name in (
        *("Type", "Pages", "Kids", "Count", "Parent", "Contents", "Resources", "MediaBox", "XObject", "Im0"),
        *("Subtype", "Width", "Height", "ColorSpace", "BitsPerComponent", "Length", "Filter", "DecodeParms"),
        *("Root", "Size", "ID", "Prev"),
    )
)
"""Every key that an object of the output has."""

Area = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are inside."""


async def mask_pdf(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a PDF."""
    pages = await asyncio.to_thread(read_pdf, source)
    for number, page in enumerate(pages, start=1):
        if page.scanned:
            raise InputError(
                f"{source.name}, page {number} is a picture; its text cannot be read here. Run OCR on the file first "
                "and mask the text, or leave the page out."
            )
    runs = [Run(page.text, "\n\n") for page in pages]
    result = await mask_runs(runs, masker, settings.language, settings.country)
    await asyncio.to_thread(_write, source, target, pages, result)
    counts = FileCounts()
    counts.add(runs, result)
    counts.notes.append("pages are pictures")
    for what, number in (
        ("pictures", sum(len(page.pictures) for page in pages)),
        ("characters without a known meaning", sum(len(page.unreadable) for page in pages)),
    ):
        if number:
            counts.notes.append(f"{number} {what} were covered: they cannot be read")
    return counts


def _write(source: Path, target: Path, pages: Sequence[PdfPage], result: MaskedRuns) -> None:
    import pikepdf

    digests: list[bytes] = []
    with pikepdf.new() as output:
        with open_pdf(source) as document:
            for number, page in enumerate(pages):
                picture = _render(document[number], page, result.edits[number])
                digests.append(hashlib.sha256(picture.tobytes()).digest())
                _add_page(output, picture, page)
        output.save(target, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    _verify(target, digests, source.name)


def _render(page: Any, content: PdfPage, edits: Iterable[tuple[int, int, str]]) -> Image:
    """The picture of a page with everything covered that is masked or cannot be read."""
    from PIL import ImageDraw

    scale = DPI / 72
    if content.width * content.height * scale * scale > _MAX_PIXELS:
        scale = (_MAX_PIXELS / (content.width * content.height)) ** 0.5
    picture: Image = page.render(scale=scale, may_draw_forms=False, draw_annots=False).to_pil().convert("RGB")
    draw = ImageDraw.Draw(picture)
    for box in content.pictures:
        draw.rectangle(_place(page, picture, box), fill=_PICTURE)
    for box in content.unreadable:
        draw.rectangle(_place(page, picture, box), fill=_COVER)
    areas: list[Area] = []
    labels: list[tuple[Area, str]] = []
    for start, end, replacement in edits:
        places = zip(content.text[start:end], content.boxes[start:end], strict=True)
        if any(box is None and not character.isspace() for character, box in places):
            raise MaskingError("A masked value has characters without a place on the page.")
        lines = _join_lines([_place(page, picture, box) for box in content.boxes[start:end] if box is not None])
        areas += lines
        if lines:
            labels.append((max(lines, key=lambda area: area[2] - area[0]), replacement))
    for area in areas:
        draw.rectangle(area, fill=_COVER)
    for area in areas:
        if picture.crop((area[0], area[1], area[2] + 1, area[3] + 1)).getextrema() != ((0, 0),) * 3:
            raise MaskingError("A masked value is not covered whole on its page.")
    for area, text in labels:
        _draw_label(draw, area, text)
    return picture


def _place(page: Any, picture: Image, box: Box) -> Area:
    """The area of a box of the page in the picture, whatever the page's rotation and crop box."""
    import ctypes

    from pypdfium2 import raw

    corners = []
    for x, y in ((box[0], box[1]), (box[2], box[3]), (box[0], box[3]), (box[2], box[1])):
        column, row = ctypes.c_int(), ctypes.c_int()
        raw.FPDF_PageToDevice(page, 0, 0, picture.width, picture.height, 0, x, y, column, row)
        corners.append((column.value, row.value))
    columns, rows = zip(*corners, strict=True)
    left, right = max(0, min(columns) - _MARGIN), min(picture.width - 1, max(columns) + _MARGIN)
    top, bottom = max(0, min(rows) - _MARGIN), min(picture.height - 1, max(rows) + _MARGIN)
    return min(left, right), min(top, bottom), max(left, right), max(top, bottom)


def _join_lines(areas: Sequence[Area]) -> list[Area]:
    """One area for each line: boxes of single characters would tell their widths."""
    lines: list[Area] = []
    for area in areas:
        if lines and _touches(lines[-1], area):
            last = lines[-1]
            lines[-1] = (min(last[0], area[0]), min(last[1], area[1]), max(last[2], area[2]), max(last[3], area[3]))
        else:
            lines.append(area)
    return lines


def _touches(one: Area, other: Area) -> bool:
    """True if two areas follow each other in one line, level or upright."""
    size = max(min(one[2] - one[0], one[3] - one[1]), min(other[2] - other[0], other[3] - other[1])) + 4 * _MARGIN
    level = min(one[3], other[3]) - max(one[1], other[1]) >= 0.5 * min(one[3] - one[1], other[3] - other[1])
    upright = min(one[2], other[2]) - max(one[0], other[0]) >= 0.5 * min(one[2] - one[0], other[2] - other[0])
    gap = max(other[0] - one[2], one[0] - other[2]) if level else max(other[1] - one[3], one[1] - other[3])
    return (level or upright) and gap <= size


def _draw_label(draw: Any, area: Area, text: str) -> None:
    """The replacement in white, where it fits into its box."""
    from PIL import ImageFont

    width, height = area[2] - area[0] - 2, area[3] - area[1] - 2
    for size in range(min(height, 24), 6, -1):
        font = ImageFont.load_default(size)
        box = draw.textbbox((0, 0), text, font=font)
        if box[2] - box[0] <= width and box[3] - box[1] <= height:
            draw.text((area[0] + 1 - box[0], area[1] + 1 - box[1]), text, font=font, fill=_LABEL)
            return


def _add_page(output: Any, picture: Image, content: PdfPage) -> None:
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


def _verify(target: Path, digests: Sequence[bytes], name: str) -> None:
    """Read the written file with two engines: no text, and no objects but pages and the pictures that were covered.

    Raises:
        MaskingError: it holds anything else.

    """
    import pikepdf

    if any(page.text or page.unreadable for page in read_pdf(target)):
        raise MaskingError(f"{name}: the output holds text.")
    with pikepdf.open(target) as output:
        pictures = [bytes(page.Resources.XObject.Im0.read_bytes()) for page in output.pages]
        if [hashlib.sha256(picture).digest() for picture in pictures] != list(digests):
            raise MaskingError(f"{name}: a picture was not written as it was covered.")
        for item in (*output.objects, output.trailer):
            if not _is_expected(item):
                raise MaskingError(f"{name}: the output holds more than pages and their pictures.")


def _is_expected(item: Any) -> bool:
    import pikepdf

    if isinstance(item, pikepdf.Stream) and item.get("/Subtype") != "/Image":
        return _CONTENT.fullmatch(bytes(item.read_bytes())) is not None
    if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
        return set(item.keys()) <= _KEYS
    if isinstance(item, pikepdf.Array):
        return all(_is_expected(one) for one in item if not isinstance(one, pikepdf.Dictionary | pikepdf.Stream))
    return not isinstance(item, pikepdf.String)
