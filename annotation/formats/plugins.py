"""Formats of other packages: entry points of the group `goldspan.formats`.

An entry point names an object with `name`, `description` and `read(path, options, on_error)`, which yields
`goldspan.annotation.formats.reading.SourceRow`.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from goldspan.annotation.errors import ConfigurationError

if TYPE_CHECKING:
    from goldspan.annotation.formats.source import FileFormat

GROUP = "goldspan.formats"


@cache
def find_plugins() -> tuple[FileFormat, ...]:
    """The formats that installed packages add.

    Raises:
        ConfigurationError: one cannot be loaded.
    """
    found: list[FileFormat] = []
    for entry in entry_points(group=GROUP):
        try:
            found.append(entry.load())
        except Exception as error:  # noqa: BLE001
            raise ConfigurationError(f"The format {entry.name} ({entry.value}) cannot be loaded: {error}.") from None
    return tuple(found)
