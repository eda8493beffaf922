"""An artifact: the folder that a method made, with the record of its fit, `method.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.errors import StateError
from goldspan.annotation.files import read_json, write_atomic

RECORD = "method.json"
SETTINGS_FILE = "predictor.toml"
"""Names the predictor that opens an artifact, and its options; a model directory has none."""
FORMAT = 1
_SCHEMA = "method-artifact"


@dataclass(frozen=True, slots=True)
class MethodArtifact:
    """A finished artifact: its folder, for `open_predictor`, and its record."""

    folder: Path
    record: Mapping[str, Any]

    @property
    def method(self) -> str:
        """The name of the method."""
        return str(self.record["method"])


def is_method_artifact(folder: Path) -> bool:
    """True if the folder was made by `goldspan method fit`."""
    return (folder / RECORD).is_file()


def read_artifact(folder: Path) -> MethodArtifact:
    """Read the record of an artifact.

    Raises:
        StateError: there is none, or it is not one.
    """
    path = folder / RECORD
    document = read_json(path, "Fit the method again.")
    _check(document, path)
    return MethodArtifact(folder, document)


def write_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Check the record and write it into an artifact.

    Raises:
        StateError: it breaks the JSON Schema, or the disk refused.
    """
    path, document = folder / RECORD, {"format": FORMAT, **record}
    _check(document, path)
    write_atomic(path, orjson.dumps(document, option=orjson.OPT_INDENT_2))


def write_settings(folder: Path, predictor: str, options: Mapping[str, str | int | float | bool | Path]) -> None:
    """Write `predictor.toml`. A `Path` is relative to the folder; None and secrets have no place here.

    Raises:
        StateError: the disk refused.
    """
    lines = [f"predictor = {_quote(predictor)}", "", "[options]"]
    lines += [f"{key} = {_quote(value)}" for key, value in options.items()]
    write_atomic(folder / SETTINGS_FILE, ("\n".join(lines) + "\n").encode())


def _quote(value: str | int | float | bool | Path) -> str:
    """A plain value as TOML: JSON texts are basic strings of TOML, except for the escape of DEL."""
    plain = str(value) if isinstance(value, Path) else value
    return orjson.dumps(plain).decode().replace("\x7f", "\\u007f")


def _check(document: Any, path: Path) -> None:
    if wrong := schemas.validator(_SCHEMA).explain(document, 1):
        raise StateError(f"{path} is not the record of a fit: {wrong}")
