"""What on the pages of a PDF may show other text than the text of the page says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.serving.documents.pdf.content import read_content
from goldspan.serving.documents.pdf.fonts import UnclearPageError, find_blanks
from goldspan.serving.documents.pdf.text import Point

STEP = 0.3
"""Points between the origins of one character as two engines compute them."""

_SHOWING = frozenset({"Tj", "TJ", "'", '"', "Do"})
"""Operators that show text, a form or a picture."""

_INLINE = "INLINE IMAGE"
"""What pikepdf calls a picture in a content; letters of old fonts are such pictures."""

_MAX_BLANKS = 2
"""Codes of an honest font that mean a space: one with and one without a break."""

Shape = tuple[int, int | str]
"""A font and the code of a glyph, or its character where the content cannot be interpreted."""


@dataclass(slots=True)
class Disguises:
    """Pages by what may disguise their text.

    `drawn`: patterns, masks or glyphs that draw text or pictures of their own, which are no text of the page, and fonts
    whose table calls their glyphs blanks. `replaced`: marked
    content with a text in place of the drawn one. `tables`: fonts that say by a table of theirs what their glyphs mean;
    with the shapes that the page draws by their origin in whole steps, none where its content is unclear.
    """

    drawn: set[int] = field(default_factory=set)
    replaced: set[int] = field(default_factory=set)
    tables: dict[int, Mapping[Point, Shape]] = field(default_factory=dict)


def find_disguises(source: Path) -> Disguises:
    """What may disguise the text of each page; a page that cannot be interpreted counts as drawn."""
    import pikepdf

    found = Disguises()
    with pikepdf.open(source) as document:
        for number, page in enumerate(document.pages):
            try:
                holders = list(_walk_forms(page.obj, _find_resources(page.obj), set()))
                if any(_draws_unread(resources) for _, resources in holders):
                    found.drawn.add(number)
                elif any(_replaces_text(holder, resources) for holder, resources in holders):
                    found.replaced.add(number)
                elif any(_has_table(resources) for _, resources in holders):
                    found.tables[number] = _find_shapes(page)
            except (pikepdf.PdfError, KeyError, ValueError, TypeError, AttributeError):
                found.drawn.add(number)
    return found


def snap_origin(origin: Point) -> Point:
    """An origin in whole steps."""
    return round(origin[0] / STEP), round(origin[1] / STEP)


def _find_shapes(page: Any) -> Mapping[Point, Shape]:
    try:
        return {snap_origin((glyph.x, glyph.y)): glyph.shape for _, glyph in read_content(page).walk()}
    except UnclearPageError:
        return {}


def _find_resources(page: Any) -> dict[str, Any]:
    """The resources of a page, which may be those of a node above it."""
    for _ in range(100):
        if "/Resources" in page or "/Parent" not in page:
            break
        page = page["/Parent"]
    return dict(page.get("/Resources", {}))


def _walk_forms(
    holder: Any, resources: dict[str, Any], seen: set[tuple[int, int]]
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A page or form with its resources, and the forms that it may draw."""
    yield holder, resources
    for form in dict(resources.get("/XObject", {})).values():
        if form.objgen not in seen and str(form.get("/Subtype", "")) == "/Form":
            seen.add(form.objgen)
            yield from _walk_forms(form, dict(form.get("/Resources", {})) or resources, seen)


def _draws_unread(resources: dict[str, Any]) -> bool:
    """True where a pattern, a mask or a glyph draws text or pictures, or a font shows many glyphs as blanks."""
    import pikepdf

    fonts = list(dict(resources.get("/Font", {})).values())
    masks = (state.get("/SMask", {}) for state in dict(resources.get("/ExtGState", {})).values())
    groups = [mask["/G"] for mask in masks if hasattr(mask, "keys") and "/G" in mask]
    patterns = [one for one in dict(resources.get("/Pattern", {})).values() if isinstance(one, pikepdf.Stream)]
    types = [font for font in fonts if font.get("/Subtype") == "/Type3"]
    glyphs = [glyph for font in types for glyph in dict(font.get("/CharProcs", {})).values()]
    return (
        any(_list_operators(one) & {*_SHOWING, _INLINE} for one in (*patterns, *groups))
        or any(_list_operators(one) & _SHOWING for one in glyphs)
        or any(len(find_blanks(font)) > _MAX_BLANKS for font in fonts)
    )


def _list_operators(stream: Any) -> set[str]:
    import pikepdf

    return {str(one.operator) for one in pikepdf.parse_content_stream(stream)}


def _replaces_text(holder: Any, resources: dict[str, Any]) -> bool:
    import pikepdf

    sign = b"/ActualText"
    contents = holder if isinstance(holder, pikepdf.Stream) else holder.get("/Contents", pikepdf.Array())
    streams = [contents] if isinstance(contents, pikepdf.Stream) else list(contents)
    return any(sign in stream.read_bytes() for stream in streams) or any(
        sign in item.unparse(resolved=True) for item in dict(resources.get("/Properties", {})).values()
    )


def _has_table(resources: dict[str, Any]) -> bool:
    return any(
        "/ToUnicode" in font
        or font.get("/Subtype") in ("/Type0", "/Type3")
        or any(key.startswith("/FontFile") for key in dict(font.get("/FontDescriptor", {})))
        for font in dict(resources.get("/Font", {})).values()
    )
