"""Copies of PDF objects that hold only what draws: a key that is not known here is left out."""

from __future__ import annotations

from typing import Any

_DRAWING = """
Type Subtype BaseFont FirstChar LastChar Widths FontDescriptor Encoding ToUnicode DescendantFonts CIDSystemInfo DW W DW2
W2 CIDToGIDMap FontName FontFamily FontStretch FontWeight Flags FontBBox ItalicAngle Ascent Descent Leading CapHeight
XHeight StemV StemH AvgWidth MaxWidth MissingWidth FontFile FontFile2 FontFile3 CharSet CIDSet BaseEncoding Differences
Registry Ordering Supplement CMapName UseCMap WMode Length1 Length2 Length3
LW LC LJ ML D RI OP op OPM FL SM SA BM CA ca AIS TK SMask
N Alternate Range WhitePoint BlackPoint Gamma Matrix FunctionType Domain Size BitsPerSample Order Encode Decode C0 C1
Functions Bounds
BBox Group S CS I K FormType
"""
_KEYS = frozenset(f"/{name}" for name in _DRAWING.split())


class Copier:
    """Copies objects of one document into another, each indirect object once.

    Raises:
        ValueError: objects lie in one another without end.

    """

    _MAX_DEPTH = 40

    def __init__(self, output: Any) -> None:
        self.output = output
        self._copied: dict[tuple[int, int], Any] = {}

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
            return pikepdf.Stream(self.output, bytes(item.read_bytes()), pikepdf.Dictionary(kept))
        if isinstance(item, pikepdf.Dictionary):
            return pikepdf.Dictionary(self._copy_keys(item, depth))
        if isinstance(item, pikepdf.Array):
            return pikepdf.Array([self.copy(one, depth + 1) for one in item])
        if isinstance(item, pikepdf.String):
            return pikepdf.String(bytes(item))
        return pikepdf.Name(str(item)) if isinstance(item, pikepdf.Name) else item

    def _copy_keys(self, item: Any, depth: int) -> dict[str, Any]:
        return {key: self.copy(item[key], depth + 1) for key in item.keys() if key in _KEYS}  # noqa: SIM118
