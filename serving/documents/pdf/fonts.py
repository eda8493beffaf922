"""Widths of the characters of a PDF font, as far as they can be told without doubt.

Formulas and defaults: ISO 32000-1, 9.6 (simple fonts) and 9.7 (composite fonts). Widths are cut to whole thousandths,
as pdfium does, with which places are compared.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

from goldspan.serving.documents.pdf.meanings import read_meanings
from goldspan.serving.documents.pdf.text import PDFIUM

_STANDARD = frozenset(
    {
        *(f"Helvetica{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
        *(f"Courier{style}" for style in ("", "-Bold", "-Oblique", "-BoldOblique")),
        *(f"Times-{style}" for style in ("Roman", "Bold", "Italic", "BoldItalic")),
        *("Symbol", "ZapfDingbats"),
    }
)
_CODECS = {
    "/WinAnsiEncoding": "cp1252",
    "/MacRomanEncoding": "mac_roman",
    "": "latin-1",
    "/StandardEncoding": "latin-1",
}
_BLANKS = (" ", "\u00a0")


class UnclearPageError(Exception):
    """What a page draws cannot be told without doubt; it is made a picture."""


@dataclass(frozen=True, slots=True)
class PdfFont:
    """A font: bytes of a code, widths in thousandths of the font size, and the codes that draw a space.

    `identity` is the same for one font of a document wherever it is named.
    """

    identity: int
    size: int
    widths: Mapping[int, float]
    default: float | None
    blanks: frozenset[int]

    def split(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Offset and code of each character.

        Raises:
            UnclearPageError: the string ends inside a code.
        """
        if len(data) % self.size:
            raise UnclearPageError("a string ends inside a character")
        for offset in range(0, len(data), self.size):
            yield offset, int.from_bytes(data[offset : offset + self.size], "big")

    def find_width(self, code: int) -> float:
        """The width of a code.

        Raises:
            UnclearPageError: the font does not say.
        """
        width = self.widths.get(code, self.default)
        if width is None:
            raise UnclearPageError("a font does not tell the width of a character")
        return width


def read_font(font: Any) -> PdfFont:
    """The font of a font dictionary.

    Raises:
        UnclearPageError: it is of a kind whose codes or widths are not read here.
    """
    kind = str(font.get("/Subtype", ""))
    identity = identify_font(font)
    if kind == "/Type0":
        return _read_composite(font, identity)
    if kind not in ("/Type1", "/TrueType", "/MMType1"):
        raise UnclearPageError(f"a font of the kind {kind[1:]}")
    blanks = find_blanks(font) | {32}
    if "/Widths" not in font:
        name = str(font.get("/BaseFont", ""))[1:]
        encoding = font.get("/Encoding", "")
        codec = _CODECS.get("" if encoding == "" else _name(encoding))
        if name not in _STANDARD or codec is None:
            raise UnclearPageError("a font without widths")
        return PdfFont(identity, 1, _load_standard_widths(name, codec), None, blanks)
    first = int(font.get("/FirstChar", 0))
    widths = {first + number: float(int(width)) for number, width in enumerate(font["/Widths"])}
    descriptor = font.get("/FontDescriptor", {})
    return PdfFont(identity, 1, widths, float(int(descriptor.get("/MissingWidth", 0))), blanks)


def _name(item: Any) -> str:
    import pikepdf

    return str(item) if isinstance(item, pikepdf.Name) else "?"


def _read_composite(font: Any, identity: int) -> PdfFont:
    if str(font.get("/Encoding", "")) != "/Identity-H":
        raise UnclearPageError("a composite font with a character map of its own")
    [descendant] = font["/DescendantFonts"]
    widths: dict[int, float] = {}
    items = list(descendant.get("/W", []))
    while items:
        first, second = int(items.pop(0)), items.pop(0)
        if hasattr(second, "as_list"):
            widths |= {first + number: float(int(width)) for number, width in enumerate(second)}
        else:
            width = float(int(items.pop(0)))
            if int(second) - first > 0xFFFF:
                raise UnclearPageError("a font with an impossible range of widths")
            widths |= dict.fromkeys(range(first, int(second) + 1), width)
    return PdfFont(identity, 2, widths, float(int(descendant.get("/DW", 1000))), find_blanks(font))


def find_blanks(font: Any) -> frozenset[int]:
    """The codes that mean a space by the table of a font.

    Raises:
        ValueError: the table cannot be read.
    """
    import pikepdf

    if not isinstance(font.get("/ToUnicode"), pikepdf.Stream):
        return frozenset()
    meanings = read_meanings(bytes(font["/ToUnicode"].read_bytes()))
    return frozenset(code for code, text in meanings.items() if text in _BLANKS)


def identify_font(font: Any) -> int:
    """A number for a font dictionary, the same wherever the document names it."""
    return int(font.objgen[0]) or -crc32(font.unparse())


@cache
def _load_standard_widths(name: str, codec: str) -> dict[int, float]:
    """Widths of a standard font by code; pdfium has its metrics."""
    import pypdfium2
    from pypdfium2 import raw

    widths: dict[int, float] = {}
    with PDFIUM:
        document = pypdfium2.PdfDocument.new()
        font = raw.FPDFText_LoadStandardFont(document, name.encode())
        for code in range(32, 256):
            character = bytes([code]).decode(codec, "ignore")
            width = ctypes.c_float()
            found = character and raw.FPDFFont_GetGlyphWidth(font, ord(character), ctypes.c_float(1000), width)
            if found and width.value > 0:
                widths[code] = width.value
        raw.FPDFFont_Close(font)
        document.close()
    return widths


def measure_label(text: str) -> float | None:
    """The width of a text in Helvetica, in thousandths of its size; None where it has characters the font lacks."""
    widths = _load_standard_widths("Helvetica", "cp1252")
    try:
        return sum(widths[code] for code in text.encode("cp1252"))
    except (UnicodeEncodeError, KeyError):
        return None
