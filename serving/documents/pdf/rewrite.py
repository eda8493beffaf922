"""A page's content without some of its characters: the rest keeps its place, fonts and drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from goldspan.serving.documents.pdf.content import DEVICE_SPACES, MARKS, Content, Glyph, multiply
from goldspan.serving.documents.pdf.objects import Copier

_CATEGORIES = {"Tf": "/Font", "gs": "/ExtGState", "CS": "/ColorSpace", "cs": "/ColorSpace"}
_MOVES = frozenset({"Td", "Tm"})
_SETTINGS = frozenset(
    {"Tf", "Tc", "Tw", "Tz", "TL", "Ts", "Tr", "g", "G", "rg", "RG", "k", "K", "cs", "CS", "sc", "SC"}
)
Instruction = tuple[list[Any], str]

_GREY: list[Instruction] = [([], "q"), ([Decimal("0.5")], "g"), ([0, 0, 1, 1], "re"), ([], "f"), ([], "Q")]
"""What stands in the place of an image: it cannot be read."""


class Rewriter:
    """Writes the contents of one page with new, meaningless resource names, and collects the resources they use."""

    def __init__(self, copier: Copier, removed: set[int]) -> None:
        self._copier, self._removed = copier, removed

    def write(self, content: Content) -> tuple[bytes, Any]:
        """The new stream of a content without the removed characters (by `id`), and its resources."""
        import pikepdf

        names = _Names(self._copier)
        gone = _group_by_instruction([glyph for glyph in content.glyphs if id(glyph) in self._removed])
        written: list[Instruction] = []
        open_states = 0
        for number, (operands, operator) in enumerate(content.instructions):
            open_states += (operator == "q") - (operator == "Q")
            if operator in MARKS:
                continue
            if number in content.images:
                written += _GREY
            elif number in content.forms:
                written.append(([names.add("/XObject", self._write_form(*content.forms[number]))], operator))
            elif number in gone:
                written += _remove(operands, operator, gone[number])
            elif operator in _CATEGORIES and not (operator in ("CS", "cs") and str(operands[0]) in DEVICE_SPACES):
                category = _CATEGORIES[operator]
                found = content.resources[category][str(operands[0])]
                written.append(([names.copy(category, found, str(operands[0])), *operands[1:]], operator))
            else:
                written.append((operands, operator))
        written += [([], "Q")] * open_states
        instructions = [(operands, pikepdf.Operator(operator)) for operands, operator in _join_moves(written)]
        return pikepdf.unparse_content_stream(instructions), names.resources

    def _write_form(self, form: Any, content: Content) -> Any:
        import pikepdf

        data, resources = self.write(content)
        kept = {key: self._copier.copy(form[key]) for key in ("/BBox", "/Matrix", "/Group") if key in form}
        dictionary = pikepdf.Dictionary(
            {"/Type": pikepdf.Name.XObject, "/Subtype": pikepdf.Name.Form, **kept, "/Resources": resources}
        )
        return pikepdf.Stream(self._copier.output, data, dictionary)


class _Names:
    """Resources of one stream under new names."""

    def __init__(self, copier: Copier) -> None:
        import pikepdf

        self._copier, self._count = copier, 0
        self._known: dict[tuple[str, str], Any] = {}
        self.resources = pikepdf.Dictionary()

    def copy(self, category: str, found: Any, name: str) -> Any:
        """The new name of a resource that is copied."""
        if (category, name) not in self._known:
            self._known[category, name] = self.add(category, self._copier.copy(found))
        return self._known[category, name]

    def add(self, category: str, item: Any) -> Any:
        """The new name of a resource that is there."""
        import pikepdf

        self._count += 1
        name = f"/R{self._count}"
        if category not in self.resources:
            self.resources[category] = pikepdf.Dictionary()
        self.resources[category][name] = self._copier.output.make_indirect(item)
        return pikepdf.Name(name)


def _group_by_instruction(glyphs: Sequence[Glyph]) -> Mapping[int, dict[tuple[int, int], Glyph]]:
    groups = groupby(sorted(glyphs, key=lambda one: one.place), key=lambda one: one.place[0])
    return {number: {glyph.place[1:]: glyph for glyph in group} for number, group in groups}


def _remove(operands: Sequence[Any], operator: str, gone: Mapping[tuple[int, int], Glyph]) -> list[Instruction]:
    """Instructions that show the strings without the characters that are gone, and leave their room."""
    import pikepdf

    before: list[Instruction] = []
    elements = operands[0] if operator == "TJ" else [operands[-1]]
    if operator == '"':
        before += [([operands[0]], "Tw"), ([operands[1]], "Tc")]
    if operator in ("'", '"'):
        before.append(([], "T*"))
    shown: list[Any] = []
    room = 0.0

    def flush(data: bytes) -> None:
        nonlocal room
        if data:
            if room:
                shown.append(_round(room))
            room = 0.0
            shown.append(pikepdf.String(data))

    for index, element in enumerate(elements):
        if not isinstance(element, pikepdf.String):
            room += float(element)
            continue
        data, start = bytes(element), 0
        for (_, offset), glyph in sorted((place, one) for place, one in gone.items() if place[0] == index):
            flush(data[start:offset])
            room += glyph.advance
            start = offset + glyph.length
        flush(data[start:])
    if room:
        shown.append(_round(room))
    return [*before, ([pikepdf.Array(shown)], "TJ")]


def _round(number: float) -> Decimal:
    return Decimal(f"{number:.4f}")


def _join_moves(instructions: Sequence[Instruction]) -> list[Instruction]:
    """The same without text that shows nothing, and with moves that follow each other as one.

    Places of characters that are gone would tell their widths.
    """
    import pikepdf

    joined: list[Instruction] = []
    waiting: Instruction | None = None
    for position, (operands, operator) in enumerate(instructions):
        if operator == "TJ" and not any(isinstance(one, pikepdf.String) for one in operands[0]):
            following = next((name for _, name in instructions[position + 1 :] if not _is_setting(name)), "ET")
            if following in ("Td", "TD", "Tm", "T*", "ET"):
                continue
        if operator in _MOVES:
            waiting = _chain(waiting, (list(operands), operator))
            continue
        if waiting is not None and not _is_setting(operator):
            joined.append(waiting)
            waiting = None
        joined.append((list(operands), operator))
    return joined


def _is_setting(operator: str) -> bool:
    """True for operators that neither show text nor depend on where the next text stands."""
    return operator in _SETTINGS


def _chain(first: Instruction | None, second: Instruction) -> Instruction:
    if first is None or second[1] == "Tm":
        return second
    move = [float(one) for one in second[0]]
    if first[1] == "Td":
        return [_round(float(one) + step) for one, step in zip(first[0], move, strict=True)], "Td"
    a, b, c, d, e, f = (float(one) for one in first[0])
    moved = multiply((1.0, 0.0, 0.0, 1.0, move[0], move[1]), (a, b, c, d, e, f))
    return [Decimal(f"{one:.6f}") for one in moved], "Tm"
