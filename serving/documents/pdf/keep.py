"""One page with its layout kept: masked characters are taken out of its content, and boxes stand in their place.

The new page is not trusted because of how it was made. It is drawn and read again, and has to look as the old one
outside the boxes, as the boxes alone inside them, and to hold the text that was not masked and nothing else. Where
anything about a page is in doubt, it is made a picture.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import atan2, cos, floor, sin
from typing import Any

from goldspan.serving.documents.pdf.areas import Area, join_lines
from goldspan.serving.documents.pdf.content import Content, Glyph, read_content
from goldspan.serving.documents.pdf.fonts import UnclearPageError, measure_label
from goldspan.serving.documents.pdf.objects import Copier
from goldspan.serving.documents.pdf.rewrite import Rewriter
from goldspan.serving.documents.pdf.text import PdfPage, Point

Edit = tuple[int, int, str]
_NEAR = 0.3
"""Points between the origins of one character as two engines compute them."""

_MARGIN = 1.0
"""Points that a box reaches beyond the characters it covers."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A box over masked characters of one line, with the replacement on the box that shows it.

    `angle` of the writing in radians; `start` is the origin of the first character, `length` along the writing.
    """

    area: Area
    text: str
    start: Point
    angle: float
    length: float
    size: float


@dataclass(frozen=True, slots=True)
class KeptPage:
    """A page to write: its content without the masked characters, the boxes over them, and the text that is left."""

    content: Content
    removed: frozenset[int]
    covers: tuple[Cover, ...]
    characters: Counter[str]

    def list_codes(self) -> Mapping[int, set[int]]:
        """The codes of each font that are left."""
        codes: dict[int, set[int]] = defaultdict(set)
        for _, glyph in self.content.walk():
            if id(glyph) not in self.removed:
                codes[glyph.shape[0]].add(glyph.shape[1])
        return codes


def plan_page(page: Any, content: PdfPage, edits: Sequence[Edit]) -> KeptPage:
    """What becomes of a page of pikepdf whose text is `content`.

    Raises:
        UnclearPageError: something about the page is in doubt.
    """
    if content.scanned or content.unreadable:
        raise UnclearPageError("characters without a known meaning" if content.unreadable else "a scanned page")
    if "/UserUnit" in page:
        raise UnclearPageError("a unit of its own")
    drawn = read_content(page)
    if len(content.pictures) > _count_images(drawn):
        raise UnclearPageError("drawings that may be letters")
    masked = [False] * len(content.text)
    for start, end, _ in edits:
        masked[start:end] = [True] * (end - start)
    matches, hyphens = _match(drawn, content)
    removed = {id(g) for i, found in matches.items() if masked[i] for g in found}
    removed |= {id(g) for i, found in hyphens if i and masked[i - 1] for g in found}
    left = Counter(
        content.text[i]
        for i, found in matches.items()
        if not content.text[i].isspace() and not any(id(g) in removed for g in found)
    )
    covers = tuple(_make_covers(content, edits, matches))
    return KeptPage(drawn, frozenset(removed), covers, left)


def add_page(output: Any, source: Any, kept: KeptPage) -> None:
    """Write the page at the end of a document of pikepdf; `source` gives its size and rotation."""
    import pikepdf

    data, resources = Rewriter(Copier(output, kept.list_codes()), set(kept.removed)).write(kept.content)
    drawn, has_labels = draw_covers(kept.covers)
    if has_labels:
        if "/Font" not in resources:
            resources["/Font"] = pikepdf.Dictionary()
        resources["/Font"]["/RH"] = output.make_indirect(_make_label_font())
    append_page(output, source, b"q\n" + data + b"\nQ\n" + drawn, resources)


def add_covers_only(output: Any, source: Any, kept: KeptPage) -> None:
    """Write a page that has the boxes and nothing else: what the boxes have to look like."""
    import pikepdf

    drawn, _ = draw_covers(kept.covers)
    fonts = pikepdf.Dictionary({"/RH": output.make_indirect(_make_label_font())})
    append_page(output, source, drawn, pikepdf.Dictionary({"/Font": fonts}))


def append_page(output: Any, source: Any, data: bytes, resources: Any) -> None:
    """Add a page with the size and rotation of another one."""
    import pikepdf

    keys = {key: pikepdf.Array([float(side) for side in source[key]]) for key in ("/CropBox",) if key in source}
    page = pikepdf.Dictionary(
        {
            "/Type": pikepdf.Name.Page,
            "/MediaBox": pikepdf.Array([float(side) for side in source.mediabox]),
            **keys,
            "/Rotate": int(source.get("/Rotate", 0)),
            "/Resources": resources,
            "/Contents": output.make_stream(data),
        }
    )
    output.pages.append(pikepdf.Page(output.make_indirect(page)))


def draw_covers(covers: Iterable[Cover]) -> tuple[bytes, bool]:
    """Instructions that draw boxes in default user space, and whether they use the font `/RH`."""
    lines: list[str] = []
    has_labels = False
    for cover in covers:
        left, bottom, right, top = cover.area
        lines.append(f"q 0 g {left:.3f} {bottom:.3f} {right - left:.3f} {top - bottom:.3f} re f Q")
    for cover in covers:
        width = measure_label(cover.text) if cover.text else None
        if not width or cover.length <= 0:
            continue
        has_labels = True
        size = min(0.8 * cover.size, 24.0)
        narrow = min(1.0, 1000 * cover.length / (width * size))
        scale = max(narrow, 0.6)
        size *= narrow / scale
        c, s = cos(cover.angle), sin(cover.angle)
        x, y = cover.start
        hexed = cover.text.encode("cp1252").hex()
        lines.append(
            f"q BT /RH {size:.3f} Tf {100 * scale:.1f} Tz 1 g {c:.5f} {s:.5f} {-s:.5f} {c:.5f} {x:.3f} {y:.3f} Tm "
            f"<{hexed}> Tj ET Q"
        )
    return "\n".join(lines).encode("ascii"), has_labels


def count_labels(covers: Iterable[Cover]) -> Counter[str]:
    """The characters that the boxes show."""
    shown = (cover.text for cover in covers if cover.length > 0 and cover.text and measure_label(cover.text))
    return Counter(character for text in shown for character in text if not character.isspace())


def _make_label_font() -> Any:
    import pikepdf

    names = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica", "/Encoding": "/WinAnsiEncoding"}
    return pikepdf.Dictionary({key: pikepdf.Name(value) for key, value in names.items()})


def _count_images(content: Content) -> int:
    return len(content.images) + sum(_count_images(inner) for _, inner in content.forms.values())


def _match(drawn: Content, content: PdfPage) -> tuple[dict[int, list[Glyph]], list[tuple[int, list[Glyph]]]]:
    """The drawn characters of each character of the text; every one has to be told, and every drawn one be read."""
    grid: dict[tuple[int, int], list[Glyph]] = defaultdict(list)
    for _, glyph in drawn.walk():
        grid[floor(glyph.x), floor(glyph.y)].append(glyph)

    def find(origin: Point) -> list[Glyph]:
        x, y = origin
        cells = ((floor(x) + i, floor(y) + j) for i in (-1, 0, 1) for j in (-1, 0, 1))
        near = [g for cell in cells for g in grid[cell] if abs(g.x - x) <= _NEAR and abs(g.y - y) <= _NEAR]
        if not near:
            raise UnclearPageError("text that two engines place differently")
        return near

    matches = {i: find(origin) for i, origin in enumerate(content.origins) if origin is not None}
    hyphens = [(i, find(origin)) for i, origin in content.hyphens]
    read = {id(g) for found in (*matches.values(), *(found for _, found in hyphens)) for g in found}
    if any(not glyph.blank and id(glyph) not in read for _, glyph in drawn.walk()):
        raise UnclearPageError("drawn characters that are not read as text")
    return matches, hyphens


def _make_covers(content: PdfPage, edits: Sequence[Edit], matches: dict[int, list[Glyph]]) -> Iterator[Cover]:
    for start, end, replacement in edits:
        if any(content.origins[i] is None and not content.text[i].isspace() for i in range(start, end)):
            raise UnclearPageError("masked characters without a place")
        places = [i for i in range(start, end) if content.boxes[i] is not None and i in matches]
        areas = join_lines([_grow(content.boxes[i]) for i in places], _MARGIN)
        if not areas:
            continue
        widest = max(areas, key=lambda area: max(area[2] - area[0], area[3] - area[1]))
        for area in areas:
            glyphs = [matches[i][0] for i in places if _holds(area, matches[i][0])]
            if area is not widest or not glyphs:
                yield Cover(area, "", (area[0], area[1]), 0.0, 0.0, 0.0)
                continue
            first, last = glyphs[0], glyphs[-1]
            angle = atan2(first.dy, first.dx)
            length = abs((last.x + last.dx - first.x) * cos(angle) + (last.y + last.dy - first.y) * sin(angle))
            yield Cover(area, replacement, (first.x, first.y), angle, length, first.size)


def _grow(box: Area | None) -> Area:
    left, bottom, right, top = box or (0.0, 0.0, 0.0, 0.0)
    return left - _MARGIN, bottom - _MARGIN, right + _MARGIN, top + _MARGIN


def _holds(area: Area, glyph: Glyph) -> bool:
    return area[0] - 1 <= glyph.x <= area[2] + 1 and area[1] - 1 <= glyph.y <= area[3] + 1
