"""Readers of rows, one per shape, chosen by the columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.hub.rows import ai4privacy, gretel, kiji, nemotron
from goldspan.annotation.hub.rows.raw import RawRow


@dataclass(frozen=True, slots=True)
class RowShape:
    """A shape of row: recognised by its columns; `read_row` raises RowError."""

    name: str
    accepts: Callable[[frozenset[str]], bool]
    read_row: Callable[[Mapping[str, Any]], RawRow]


SHAPES = tuple(
    RowShape(module.NAME, module.accepts, module.read_row) for module in (kiji, ai4privacy, nemotron, gretel)
)


def find_shape(columns: Iterable[str]) -> RowShape:
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


def get_shape(name: str) -> RowShape:
    """The shape of this name.

    Raises:
        UnknownNameError: there is none.

    """
    for shape in SHAPES:
        if shape.name == name:
            return shape
    raise UnknownNameError("row shape", name, (shape.name for shape in SHAPES))
