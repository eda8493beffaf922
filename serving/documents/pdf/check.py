"""Check a written PDF: read by two engines and object by object, and each page against what it has to look like.

What is found names pages and kinds, never a value.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import find_occurrences
from goldspan.masking.repeats import is_telling
from goldspan.serving.documents.pdf.keep import KeptPage, add_covers_only, count_labels
from goldspan.serving.documents.pdf.raster import PICTURE_CONTENT, render_page
from goldspan.serving.documents.pdf.text import PdfPage, open_pdf, read_pdf

if TYPE_CHECKING:
    from PIL.Image import Image

_FORBIDDEN = frozenset(
    f"/{name}"
    for name in (
        *("Metadata", "Annots", "AcroForm", "Outlines", "Names", "Dests", "OpenAction", "AA", "A", "JS", "JavaScript"),
        *("EmbeddedFiles", "EF", "AF", "StructTreeRoot", "ActualText", "Alt", "E", "PieceInfo", "Thumb", "Info"),
        *("PageLabels", "Threads", "URI", "OCProperties", "OC", "Collection", "Perms", "DSS", "Legal"),
        *("Title", "Author", "Subject", "Keywords", "Creator", "Producer", "MarkInfo", "Lang", "SpiderInfo", "XFA"),
    )
)
"""Keys of objects that hold text beside the pages' contents."""

_HYPHENS = "-\u00ad\u2010\u2011"
_MIN_PART = 4
_MIN_JOINED = 8
"""A value of so many characters is also looked for without its spaces."""

_MAX_DEPTH = 50
_DPI = 96
_OUTSIDE, _INSIDE = 64, 16
"""Levels of grey by which two renderings of the same may differ."""

Picture = tuple[PdfPage, bytes]
"""A page that became a picture, and the SHA-256 of its pixels."""


def find_bad_pages(
    source: Path, target: Path, pages: Sequence[KeptPage | Picture], contents: Sequence[PdfPage], values: frozenset[str]
) -> dict[int, str]:
    """The pages of the written file that fail a check, with the reason.

    Raises:
        MaskingError: something fails that belongs to no page.
    """
    check_file(target, values)
    bad: dict[int, str] = {}
    written = read_pdf(target)
    if len(written) != len(pages):
        raise MaskingError("The output has another number of pages.")
    others = _read_with_pypdf(target)
    digests = _digest_pictures(target, pages)
    for number, (page, found) in enumerate(zip(pages, written, strict=True)):
        reason = _check_text(page, found, values) or _search(values, others[number])
        if not reason and isinstance(page, tuple) and digests[number] != page[1]:
            reason = "a picture was not written as it was covered"
        if reason:
            bad[number] = reason
    kept = {n: page for n, page in enumerate(pages) if isinstance(page, KeptPage) and n not in bad}
    bad |= _compare_pictures(source, target, kept, contents)
    return bad


def check_file(target: Path, values: frozenset[str]) -> None:
    """One revision, no object that holds other text than the pages', and no masked value or part of one in any object.

    Raises:
        MaskingError: one of this does not hold.
    """
    import pikepdf

    data = target.read_bytes()
    if data.count(b"%%EOF") != 1 or not data.rstrip().endswith(b"%%EOF"):
        raise MaskingError("The output has an earlier revision, or something after its end.")
    whole = {needle for value in values for needle in encode_needles(value)}
    parts = whole | {needle for value in values for word in _split(value) for needle in encode_needles(word)}
    if any(needle in data for needle in whole):
        raise MaskingError("A masked value stands in the bytes of the output.")
    with pikepdf.open(target) as output:
        contents = {page.Contents.objgen for page in output.pages if "/Contents" in page}
        for item in (*output.objects, output.trailer):
            drawing = isinstance(item, pikepdf.Stream) and (
                item.objgen in contents or str(item.get("/Subtype", "")) == "/Form"
            )
            for piece, is_key in _walk(item):
                if is_key and piece.decode("utf-8", "replace") in _FORBIDDEN:
                    raise MaskingError("The output has an object that holds text beside its pages.")
                if any(needle in piece for needle in (whole if drawing else parts)):
                    raise MaskingError("A masked value stands in an object of the output.")


def encode_needles(value: str) -> list[bytes]:
    """A value as it may stand in the bytes of an object."""
    plain = [value.encode("utf-8"), value.encode("latin-1", "ignore"), value.encode("utf-16-be")]
    plain.append(b"".join(bytes([byte]) + b"\x00" for byte in value.encode("latin-1", "ignore")))
    hexed = [one.hex().encode() for one in plain[:3]]
    return [one for one in (*plain, *hexed, *(one.upper() for one in hexed)) if len(one) >= _MIN_PART]


def _split(value: str) -> list[str]:
    return [word for word in regex.findall(r"\w+", value) if len(word) >= _MIN_PART and is_telling(word)]


def _walk(item: Any, depth: int = 0) -> Iterator[tuple[bytes, bool]]:
    """Strings, names and stream contents of an object, with True for keys; objects that it refers to are left out."""
    import pikepdf

    if isinstance(item, pikepdf.Stream):
        if str(item.get("/Subtype", "")) != "/Image":
            yield bytes(item.read_bytes()), False
        item = item.stream_dict
    if isinstance(item, pikepdf.Dictionary):
        for key, value in item.items():
            yield key.encode(), True
            yield from _walk_inside(value, depth)
    elif isinstance(item, pikepdf.Array):
        for value in item:
            yield from _walk_inside(value, depth)
    elif isinstance(item, pikepdf.String):
        yield bytes(item), False
        yield str(item).encode(), False
    elif isinstance(item, pikepdf.Name):
        yield str(item).encode(), False


def _walk_inside(item: Any, depth: int) -> Iterator[tuple[bytes, bool]]:
    import pikepdf

    if isinstance(item, pikepdf.Object) and item.objgen == (0, 0):
        if depth > _MAX_DEPTH:
            raise MaskingError("The output has objects in objects without end.")
        yield from _walk(item, depth + 1)


def _check_text(page: KeptPage | Picture, found: PdfPage, values: frozenset[str]) -> str:
    if isinstance(page, tuple):
        return "a picture holds text" if found.text or found.unreadable else ""
    expected = _count(page.characters + count_labels(page.covers))
    if found.unreadable or _count(Counter(c for c in found.text if not c.isspace())) != expected:
        return "the text that is left is not the text that was there"
    return _search(values, found.text)


def _count(characters: Mapping[str, int]) -> Counter[str]:
    return Counter({c: n for c, n in characters.items() if n and c not in _HYPHENS})


def _search(values: frozenset[str], text: str) -> str:
    joined = "".join(text.split())
    for value in values:
        short = "".join(value.split())
        if next(find_occurrences(text, value), None) or (len(short) >= _MIN_JOINED and short in joined):
            return "a masked value can be read"
    return ""


def _read_with_pypdf(target: Path) -> list[str]:
    import logging

    import pypdf

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        return [page.extract_text() for page in pypdf.PdfReader(target).pages]
    except Exception as error:  # noqa: BLE001
        raise MaskingError(f"The output cannot be read by a second engine ({type(error).__name__}).") from None


def _digest_pictures(target: Path, pages: Sequence[KeptPage | Picture]) -> dict[int, bytes]:
    import pikepdf

    digests: dict[int, bytes] = {}
    with pikepdf.open(target) as output:
        for number, page in enumerate(output.pages):
            if isinstance(pages[number], KeptPage):
                continue
            content = bytes(page.Contents.read_bytes())
            known = set(page.obj.keys()) <= {"/Type", "/Parent", "/MediaBox", "/Resources", "/Contents"}
            only = list(page.Resources.keys()) == ["/XObject"] and list(page.Resources.XObject.keys()) == ["/Im0"]
            if not known or not only or PICTURE_CONTENT.fullmatch(content) is None:
                raise MaskingError("The output holds more than pages and their pictures.")
            digests[number] = hashlib.sha256(bytes(page.Resources.XObject.Im0.read_bytes())).digest()
    return digests


def _compare_pictures(
    source: Path, target: Path, kept: Mapping[int, KeptPage], contents: Sequence[PdfPage]
) -> dict[int, str]:
    """Pages that look different outside their boxes than the original, or inside them than the boxes alone."""
    import pikepdf
    import pypdfium2

    bad: dict[int, str] = {}
    if not kept:
        return bad
    stream = io.BytesIO()
    with pikepdf.new() as boxes, pikepdf.open(source) as original:
        for number, page in kept.items():
            add_covers_only(boxes, original.pages[number], page)
        boxes.save(stream)
    with open_pdf(source) as before, open_pdf(target) as after:
        covers = pypdfium2.PdfDocument(stream.getvalue())
        try:
            for position, number in enumerate(kept):
                content = contents[number]
                old, new, box = (
                    render_page(document[place], content, _DPI)
                    for document, place in ((before, number), (after, number), (covers, position))
                )
                reason = _compare(old, new, box, _find_picture_mask(after[number], old, content))
                if reason:
                    bad[number] = reason
        finally:
            covers.close()
    return bad


def _find_picture_mask(page: Any, picture: Image, content: PdfPage) -> Image:
    """White where images were, which are not compared."""
    from PIL import Image as Images
    from PIL import ImageDraw

    from goldspan.serving.documents.pdf.raster import place_box

    mask = Images.new("L", picture.size, 0)
    for box in content.pictures:
        ImageDraw.Draw(mask).rectangle(place_box(page, picture, box), fill=255)
    return mask


def _compare(old: Image, new: Image, boxes: Image, pictures: Image) -> str:
    from PIL import ImageChops, ImageFilter

    if not old.size == new.size == boxes.size:
        return "the page has another size"
    covered = boxes.convert("L").point(lambda level: 255 if level < 255 else 0)
    inside = covered.filter(ImageFilter.MinFilter(5))
    filled = covered.filter(ImageFilter.MaxFilter(5))
    outside = ImageChops.invert(ImageChops.lighter(filled, pictures))
    if max(_find_excess(old, new, outside), _find_excess(new, old, outside)) > _OUTSIDE:
        return "the page does not look as before beside the masked values"
    if max(_find_excess(boxes, new, inside), _find_excess(new, boxes, inside)) > _INSIDE:
        return "a masked value is not covered whole"
    return ""


def _find_excess(one: Image, other: Image, where: Image) -> int:
    """By how much pixels of `other` lie beyond the levels that `one` has within a pixel; glyphs snap to whole ones."""
    from PIL import Image as Images
    from PIL import ImageChops, ImageFilter

    darker = ImageChops.subtract(one.filter(ImageFilter.MinFilter(3)), other)
    lighter = ImageChops.subtract(other, one.filter(ImageFilter.MaxFilter(3)))
    excess = ImageChops.lighter(darker, lighter)
    mask = Images.merge("RGB", [where] * 3)
    return max(high for _, high in ImageChops.multiply(excess, mask).getextrema())  # type: ignore[misc]
