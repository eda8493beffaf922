"""One reader for each shape of row. Which one fits is seen from the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.hub.rows import ai4privacy, gretel, kiji, nemotron
from goldspan.annotation.hub.rows.raw import RawRow


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape of row: which columns show it, and how a row is read (raises RowError)."""

    name: str
    accepts: Callable[[frozenset[str]], bool]
    read_row: Callable[[Mapping[str, Any]], RawRow]


SHAPES = tuple(Shape(module.NAME, module.accepts, module.read_row) for module in (kiji, ai4privacy, nemotron, gretel))


def find_shape(columns: Iterable[str]) -> Shape:
    """The shape that these columns show.

    Raises:
        InputError: no reader knows them.

    """
    names = frozenset(columns)
    for shape in SHAPES:
        if shape.accepts(names):
            return shape
    raise InputError(
        f"The columns {', '.join(sorted(names)) or '(none)'} fit no known data set. Known shapes: "
        f"{', '.join(shape.name for shape in SHAPES)}. `goldspan samples import` reads text with entities of your own."
    )


def get_shape(name: str) -> Shape:
    """The shape of this name.

    Raises:
        UnknownNameError: there is none.

    """
    for shape in SHAPES:
        if shape.name == name:
            return shape
    raise UnknownNameError("row shape", name, (shape.name for shape in SHAPES))
