"""The example data as a project that a dashboard can show: a copy, since a dashboard writes into its workspace."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import goldspan
from goldspan import schemas
from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.project import FILE

_LABELS = re.compile(r'^labels = "(?:\.\./)*schemas/(?P<name>[^"]+)"$', re.MULTILINE)


def list_examples() -> list[str]:
    """The names of the examples."""
    return sorted(file.parent.name for file in _find_root().glob(f"*/{FILE}"))


def copy_example(name: str, target: Path) -> Path:
    """Copy an example; the folder of the project, which is also its workspace.

    Raises:
        UnknownNameError: there is no such example.
    """
    if name not in list_examples():
        raise UnknownNameError("example", name, list_examples())
    folder = target / f"example-{name}"
    shutil.copytree(_find_root() / name, folder)
    file = folder / FILE
    text = _LABELS.sub(lambda match: f'labels = "{schemas.path(match["name"]).resolve().as_posix()}"', file.read_text())
    file.write_text(text)
    return folder


def _find_root() -> Path:
    return Path(goldspan.__file__).parent / "example_data"
