"""What a page's content stream draws: each character with its place, down into form XObjects.

Follows the text state of ISO 32000-1, 9.3 and 9.4. Whatever may draw text in another way is not interpreted: it raises
`UnclearPageError`, and the page is made a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import hypot
from typing import Any

import regex

from goldspan.serving.documents.pdf.fonts import PdfFont, UnclearPageError, read_font

Matrix = tuple[float, float, float, float, float, float]
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
MARKS = frozenset({"BMC", "BDC", "EMC", "MP", "DP", "BX", "EX", "ri"})
"""Operators that draw nothing, and may hold text: as the alternative of marked content, as the name of an intent."""

_OPERANDS = {
    **dict.fromkeys(
        ("q", "Q", "h", "S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "n", "W", "W*", "BT", "ET", "T*"), ""
    ),
    **dict.fromkeys(("w", "J", "j", "M", "i", "G", "g", "Tc", "Tw", "Tz", "TL", "Ts", "Tr"), "n"),
    **dict.fromkeys(("m", "l", "Td", "TD"), "nn"),
    **dict.fromkeys(("RG", "rg"), "nnn"),
    **dict.fromkeys(("v", "y", "re", "K", "k"), "nnnn"),
    **dict.fromkeys(("c", "cm", "Tm"), "nnnnnn"),
    **dict.fromkeys(("SC", "sc"), "n+"),
    **dict.fromkeys(("SCN", "scn"), "n*/?"),
    **dict.fromkeys(("CS", "cs", "gs", "Do"), "/"),
    **dict.fromkeys(("Tj", "'"), "s"),
    **{"d": "an", "Tf": "/n", "TJ": "[at]", '"': "nns"},
}
"""What stands before each operator: numbers, a name, a string, an array of numbers or one with strings (`t`)."""

DEVICE_SPACES = frozenset({"/DeviceGray", "/DeviceRGB", "/DeviceCMYK", "/Pattern"})
_MAX_DEPTH = 8
_MAX_GLYPHS = 200_000


@dataclass(frozen=True, slots=True)
class Glyph:
    """A shown character: its origin and the vector to the next one in page space, its font size there.

    `place` is its string: number of the instruction, of the element in the array, offset of its bytes. `advance` is
    its displacement in thousandths of text space, as a number in an array of `TJ` counts it. `shape`: font and code.
    """

    x: float
    y: float
    dx: float
    dy: float
    size: float
    blank: bool
    place: tuple[int, int, int]
    length: int
    advance: float
    shape: tuple[int, int]


@dataclass(slots=True)
class Content:
    """One content stream: its instructions, the characters they show, and the forms they draw by instruction."""

    instructions: list[tuple[list[Any], str]]
    resources: Any
    glyphs: list[Glyph] = field(default_factory=list)
    forms: dict[int, tuple[Any, Content]] = field(default_factory=dict)
    images: set[int] = field(default_factory=set)

    def walk(self) -> Iterator[tuple[Content, Glyph]]:
        """Every character, those of forms too, with the stream it stands in."""
        for glyph in self.glyphs:
            yield self, glyph
        for _, content in self.forms.values():
            yield from content.walk()


@dataclass(slots=True)
class _State:
    """Graphics state as far as it places text."""

    ctm: Matrix = IDENTITY
    font: PdfFont | None = None
    size: float = 0.0
    character_space: float = 0.0
    word_space: float = 0.0
    scale: float = 1.0
    leading: float = 0.0
    rise: float = 0.0


def read_content(page: Any) -> Content:
    """The content of a page of pikepdf.

    Raises:
        UnclearPageError: something on it cannot be interpreted.
    """
    import pikepdf

    try:
        return _Reader(page.get("/Resources", pikepdf.Dictionary()), page, _State(), 0, [0]).read()
    except UnclearPageError:
        raise
    except (pikepdf.PdfError, KeyError, ValueError, TypeError, IndexError, AttributeError, ArithmeticError) as error:
        raise UnclearPageError(f"content that cannot be parsed ({type(error).__name__})") from None


class _Reader:
    """Interprets one stream."""

    def __init__(self, resources: Any, source: Any, state: _State, depth: int, count: list[int]) -> None:
        import pikepdf

        if depth > _MAX_DEPTH:
            raise UnclearPageError("forms in forms without end")
        parsed = pikepdf.parse_content_stream(source)
        self._content = Content([(list(one.operands), str(one.operator)) for one in parsed], resources)
        self._state, self._depth, self._count = state, depth, count
        self._saved: list[_State] = []
        self._fonts: dict[str, PdfFont] = {}
        self._text = self._line = IDENTITY
        self._operators: dict[str, Callable[[int, Sequence[Any]], None]] = {
            "q": lambda _, __: self._saved.append(replace(self._state)),
            "Q": lambda _, __: self._restore(),
            "cm": self._transform,
            "gs": self._set_state,
            "Do": self._draw,
            "BT": lambda _, __: self._set_line(IDENTITY),
            "Tm": lambda _, given: self._set_line(_read_matrix(given)),
            "Td": lambda _, given: self._move(float(given[0]), float(given[1])),
            "TD": self._move_with_leading,
            "T*": lambda _, __: self._move(0.0, -self._state.leading),
            "Tf": self._set_font,
            "Tc": lambda _, given: self._set(character_space=float(given[0])),
            "Tw": lambda _, given: self._set(word_space=float(given[0])),
            "Tz": lambda _, given: self._set(scale=float(given[0]) / 100),
            "TL": lambda _, given: self._set(leading=float(given[0])),
            "Ts": lambda _, given: self._set(rise=float(given[0])),
            "Tr": self._check_render,
            "Tj": lambda number, given: self._show(number, [given[0]]),
            "TJ": lambda number, given: self._show(number, given[0]),
            "'": self._show_next,
            '"': self._show_spaced,
            "CS": self._check_space,
            "cs": self._check_space,
            "SCN": self._check_color,
            "scn": self._check_color,
        }

    def read(self) -> Content:
        """Interpret every instruction."""
        for number, (operands, operator) in enumerate(self._content.instructions):
            if operator in MARKS:
                if operator in ("BDC", "DP") and str(operands[0]) == "/OC":
                    raise UnclearPageError("layers that can be switched off")
                continue
            kinds = "".join(map(_find_kind, operands))
            if operator not in _OPERANDS or not regex.fullmatch(_OPERANDS[operator], kinds):
                raise UnclearPageError(f"the operator {operator[:10]}, or what stands before it")
            if operator in self._operators:
                self._operators[operator](number, operands)
        return self._content

    def _restore(self) -> None:
        if not self._saved:
            raise UnclearPageError("more states restored than saved")
        self._state = self._saved.pop()

    def _transform(self, _: int, given: Sequence[Any]) -> None:
        self._state.ctm = multiply(_read_matrix(given), self._state.ctm)

    def _set(self, **values: float) -> None:
        self._state = replace(self._state, **values)  # type: ignore[arg-type]

    def _set_line(self, matrix: Matrix) -> None:
        self._text = self._line = matrix

    def _move(self, x: float, y: float) -> None:
        self._set_line(multiply((1.0, 0.0, 0.0, 1.0, x, y), self._line))

    def _move_with_leading(self, _: int, given: Sequence[Any]) -> None:
        self._set(leading=-float(given[1]))
        self._move(float(given[0]), float(given[1]))

    def _set_font(self, _: int, given: Sequence[Any]) -> None:
        name = str(given[0])
        if name not in self._fonts:
            self._fonts[name] = read_font(self._content.resources["/Font"][name])
        self._state = replace(self._state, font=self._fonts[name], size=float(given[1]))

    def _set_state(self, _: int, given: Sequence[Any]) -> None:
        chosen = self._content.resources["/ExtGState"][str(given[0])]
        if "/Font" in chosen or str(chosen.get("/SMask", "/None")) != "/None":
            raise UnclearPageError("a graphics state with a font or a mask")

    def _check_render(self, _: int, given: Sequence[Any]) -> None:
        if int(given[0]) not in (0, 1, 2, 3):
            raise UnclearPageError("text that clips")

    def _check_space(self, _: int, given: Sequence[Any]) -> None:
        name = str(given[0])
        if name not in DEVICE_SPACES and name not in self._content.resources["/ColorSpace"]:
            raise UnclearPageError("a colour space that is not there")

    def _check_color(self, _: int, given: Sequence[Any]) -> None:
        if any(str(one).startswith("/") for one in given):
            raise UnclearPageError("patterns")

    def _draw(self, number: int, given: Sequence[Any]) -> None:
        drawn = self._content.resources["/XObject"][str(given[0])]
        kind = str(drawn.get("/Subtype", ""))
        if "/OC" in drawn:
            raise UnclearPageError("layers that can be switched off")
        if kind == "/Image":
            self._content.images.add(number)
            return
        if kind != "/Form":
            raise UnclearPageError(f"an XObject of the kind {kind[:20]}")
        matrix = _read_matrix(drawn["/Matrix"]) if "/Matrix" in drawn else IDENTITY
        state = replace(self._state, ctm=multiply(matrix, self._state.ctm))
        resources = drawn.get("/Resources", self._content.resources)
        content = _Reader(resources, drawn, state, self._depth + 1, self._count).read()
        self._content.forms[number] = (drawn, content)

    def _show_next(self, number: int, given: Sequence[Any]) -> None:
        self._move(0.0, -self._state.leading)
        self._show(number, [given[0]])

    def _show_spaced(self, number: int, given: Sequence[Any]) -> None:
        self._set(word_space=float(given[0]), character_space=float(given[1]))
        self._show_next(number, [given[2]])

    def _show(self, number: int, elements: Sequence[Any]) -> None:
        import pikepdf

        for index, element in enumerate(elements):
            if isinstance(element, pikepdf.String):
                self._show_string(number, index, bytes(element))
            else:
                self._advance(float(element))

    def _show_string(self, number: int, index: int, data: bytes) -> None:
        state, font = self._state, self._state.font
        if font is None or not state.size:
            raise UnclearPageError("text without a font")
        for offset, code in font.split(data):
            self._count[0] += 1
            if self._count[0] > _MAX_GLYPHS:
                raise UnclearPageError("too much text")
            spacing = state.character_space + (state.word_space if code == 32 and font.size == 1 else 0.0)
            advance = -font.find_width(code) - 1000 * spacing / state.size
            matrix = multiply(self._text, state.ctm)
            x, y = _apply(matrix, 0.0, state.rise)
            self._advance(advance)
            following = multiply(self._text, state.ctm)
            end_x, end_y = _apply(following, 0.0, state.rise)
            height = abs(state.size) * hypot(matrix[2], matrix[3])
            blank = code in font.blanks
            place = (number, index, offset)
            glyph = Glyph(x, y, end_x - x, end_y - y, height, blank, place, font.size, advance, (font.identity, code))
            self._content.glyphs.append(glyph)

    def _advance(self, thousandths: float) -> None:
        state = self._state
        self._text = multiply((1.0, 0.0, 0.0, 1.0, -thousandths / 1000 * state.size * state.scale, 0.0), self._text)


def _find_kind(operand: Any) -> str:
    """The letter of an operand in `_OPERANDS`; `?` for one that no operator takes."""
    import pikepdf

    if isinstance(operand, pikepdf.Array):
        kinds = {_find_kind(one) for one in operand}
        return "a" if kinds <= {"n"} else "t" if kinds <= {"n", "s"} else "?"
    if isinstance(operand, pikepdf.String):
        return "s"
    if isinstance(operand, pikepdf.Name):
        return "/"
    return "n" if isinstance(operand, int | float | Decimal) and not isinstance(operand, bool) else "?"


def multiply(one: Matrix, other: Matrix) -> Matrix:
    """The matrix that transforms by `one`, then by `other`."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _apply(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    return matrix[0] * x + matrix[2] * y + matrix[4], matrix[1] * x + matrix[3] * y + matrix[5]


def _read_matrix(given: Sequence[Any]) -> Matrix:
    a, b, c, d, e, f = (float(one) for one in given)
    return a, b, c, d, e, f
