"""Copies of PDF objects that hold only what draws: a key that is not known here is left out.

Names of embedded fonts and of spot colours, and the texts inside colour profiles and TrueType fonts, draw nothing: they
are replaced or emptied, as are other strings, names and comments. The tables of what a font's codes mean and of its
glyphs' names are written anew for the codes that are left on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from struct import error, unpack_from
from typing import Any

from goldspan.serving.documents.pdf.fonts import identify_font
from goldspan.serving.documents.pdf.meanings import COMMENT, read_meanings, write_meanings

_DRAWING = """
Type Subtype BaseFont FirstChar LastChar Widths FontDescriptor Encoding DescendantFonts CIDSystemInfo DW W DW2
W2 CIDToGIDMap FontName FontWeight Flags FontBBox ItalicAngle Ascent Descent Leading CapHeight
XHeight StemV StemH AvgWidth MaxWidth MissingWidth FontFile FontFile2 FontFile3 BaseEncoding Differences
Registry Ordering Supplement CMapName UseCMap WMode Length1 Length2 Length3
LW LC LJ ML D OP op OPM FL SM SA BM CA ca AIS TK SMask
N Alternate Range WhitePoint BlackPoint Gamma Matrix FunctionType Domain Size BitsPerSample Order Encode Decode C0 C1
Functions Bounds
BBox Group S CS I K FormType
"""
_KEYS = frozenset(f"/{name}" for name in _DRAWING.split())
_COLOURS = frozenset({"/All", "/None", "/Cyan", "/Magenta", "/Yellow", "/Black"})
"""Names of colorants that mean something (ISO 32000-1, 8.6.6.4 and 8.6.6.5)."""

_PROGRAMS = ("/FontFile", "/FontFile2", "/FontFile3")
_PROFILE_TEXTS = frozenset({b"text", b"desc", b"mluc", b"utf8", b"dict"})
"""Types of tags of a colour profile (ICC.1:2022, section 10) that hold text."""


_KNOWN = """
Font Type0 Type1 MMType1 TrueType CIDFontType0 CIDFontType2 FontDescriptor Type1C CIDFontType0C OpenType Encoding
WinAnsiEncoding MacRomanEncoding MacExpertEncoding StandardEncoding Identity Identity-H Identity-V
ExtGState Normal Compatible Multiply Screen Overlay Darken Lighten ColorDodge ColorBurn HardLight SoftLight Difference
Exclusion Hue Saturation Color Luminosity Default None XObject Form Group Transparency DeviceGray DeviceRGB DeviceCMYK
"""
_NAMES = frozenset(f"/{name}" for name in _KNOWN.split())
"""Names that mean something as the value of a key; others are replaced."""

_COLLECTIONS = frozenset(
    {b"Adobe", b"Identity", b"Japan1", b"Japan2", b"GB1", b"CNS1", b"Korea1", b"KR", b"UCS", b"UCS2"}
)
"""Registries and orderings of character collections: no other string of a dictionary draws anything."""

_CALCULATOR = 4
"""The type of a function that is written in PostScript."""


class Copier:
    """Copies objects of one document into another, each indirect object once.

    `codes`: those that a page shows, by the identity of their font.

    Raises:
        ValueError: objects lie in one another without end.
    """

    _MAX_DEPTH = 40

    def __init__(self, output: Any, codes: Mapping[int, Set[int]]) -> None:
        self.output, self._codes = output, codes
        self._copied: dict[tuple[int, int], Any] = {}
        self._names: dict[str, str] = {}

    def copy(self, item: Any, depth: int = 0) -> Any:
        """The copy of an object, without keys that are not known."""
        import pikepdf

        if depth > self._MAX_DEPTH:
            raise ValueError("objects lie in one another without end")
        if not isinstance(item, pikepdf.Object):
            return item
        key = item.objgen
        if key != (0, 0) and key in self._copied:
            return self._copied[key]
        copied = self._copy_value(item, depth)
        if key != (0, 0) and isinstance(copied, pikepdf.Object):
            copied = self.output.make_indirect(copied)
            self._copied[key] = copied
        return copied

    def _copy_value(self, item: Any, depth: int) -> Any:
        import pikepdf

        if isinstance(item, pikepdf.Stream):
            kept = self._copy_keys(item, depth)
            data = bytes(item.read_bytes())
            clean = COMMENT.sub(b"", data) if item.get("/FunctionType") == _CALCULATOR else _drop_texts(data)
            return pikepdf.Stream(self.output, clean, pikepdf.Dictionary(kept))
        if isinstance(item, pikepdf.Dictionary):
            return pikepdf.Dictionary(self._copy_keys(item, depth))
        if isinstance(item, pikepdf.Array):
            is_palette = len(item) > 0 and str(item[0]) == "/Indexed"
            texts = (pikepdf.String,) if not is_palette else ()
            copies = [pikepdf.String(b"") if isinstance(one, texts) else self.copy(one, depth + 1) for one in item]
            if copies and str(item[0]) in ("/Separation", "/DeviceN"):
                names = item[1] if isinstance(item[1], pikepdf.Array) else [item[1]]
                renamed = [self._rename(str(name), keep=str(name) in _COLOURS) for name in names]
                copies[1] = pikepdf.Array(renamed) if isinstance(item[1], pikepdf.Array) else renamed[0]
            return pikepdf.Array(copies)
        if isinstance(item, pikepdf.String):
            return pikepdf.String(bytes(item))
        return pikepdf.Name(str(item)) if isinstance(item, pikepdf.Name) else item

    def _copy_keys(self, item: Any, depth: int) -> dict[str, Any]:
        import pikepdf

        kept = {key: self._copy_entry(value, depth + 1) for key, value in item.items() if key in _KEYS}
        if isinstance(item.get("/Encoding"), pikepdf.Dictionary):
            kept["/Encoding"] = self._copy_encoding(item)
        if isinstance(item.get("/ToUnicode"), pikepdf.Stream):
            kept["/ToUnicode"] = self._copy_meanings(item)
        embedded = _is_embedded(item)
        return kept | {
            key: self._rename(str(item[key]), keep=not embedded) for key in ("/BaseFont", "/FontName") if key in kept
        }

    def _copy_entry(self, value: Any, depth: int) -> Any:
        import pikepdf

        if isinstance(value, pikepdf.String):
            return pikepdf.String(bytes(value) if bytes(value) in _COLLECTIONS else b"Identity")
        if isinstance(value, pikepdf.Name):
            return self._rename(str(value), keep=str(value) in _NAMES)
        return self.copy(value, depth)

    def _copy_encoding(self, font: Any) -> Any:
        """The encoding of a simple font with the names of those glyphs that are left."""
        import pikepdf

        codes = self._codes[identify_font(font)]
        differences: list[Any] = []
        code = 0
        for one in font["/Encoding"].get("/Differences", []):
            if not isinstance(one, pikepdf.Name):
                code = int(one)
                continue
            differences += [code, pikepdf.Name(str(one))] if code in codes else []
            code += 1
        base = {key: self._copy_entry(one, 0) for key, one in font["/Encoding"].items() if key == "/BaseEncoding"}
        return pikepdf.Dictionary({**base, "/Differences": pikepdf.Array(differences)})

    def _copy_meanings(self, font: Any) -> Any:
        import pikepdf

        meanings, codes = read_meanings(bytes(font["/ToUnicode"].read_bytes())), self._codes[identify_font(font)]
        left = {code: text for code, text in meanings.items() if code in codes}
        return pikepdf.Stream(self.output, write_meanings(left, 2 if "/DescendantFonts" in font else 1))

    def _rename(self, name: str, *, keep: bool) -> Any:
        """A plain name for one that draws nothing, the same each time."""
        import pikepdf

        return pikepdf.Name(name if keep else self._names.setdefault(name, f"/N{len(self._names) + 1}"))


def _is_embedded(item: Any) -> bool:
    """True for a font, or the description of one, whose program lies in the file."""
    parts = [item, *item.get("/DescendantFonts", [])]
    parts += [part["/FontDescriptor"] for part in parts if "/FontDescriptor" in part]
    return any(program in part for part in parts for program in _PROGRAMS)


def _drop_texts(data: bytes) -> bytes:
    """A colour profile, or a TrueType or OpenType font, with its texts emptied; other data as it is."""
    try:
        if data[36:40] == b"acsp":
            entries = [unpack_from(">4sII", data, 132 + 12 * n) for n in range(unpack_from(">I", data, 128)[0])]
            places = [(at + 8, at + size) for _, at, size in entries if data[at : at + 4] in _PROFILE_TEXTS]
        elif data[:4] in (b"\0\1\0\0", b"OTTO", b"true"):
            tables = [unpack_from(">4sIII", data, 12 + 16 * n) for n in range(unpack_from(">H", data, 4)[0])]
            places = [(at, at + size) for tag, _, at, size in tables if tag == b"name"]
        else:
            return data
    except error:
        return data
    emptied = bytearray(data)
    for start, end in places:
        emptied[start:end] = bytes(max(min(end, len(data)) - start, 0))
    return bytes(emptied)
