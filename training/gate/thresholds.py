"""Thresholds of the gate: `gate.toml` of the workspace, else the one that ships with Goldspan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import SchemaError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.tasks.workspace import Workspace

Thresholds = Mapping[str, Mapping[str, float]]

_LARGEST = 10**12


def load_thresholds(workspace: Workspace) -> Thresholds:
    """The workspace's `gate.toml`, else the one that ships with Goldspan.

    Raises:
        SchemaError: the file is broken or has a threshold that the gate does not know.
    """
    _, document = read_gate_file(workspace)
    return {section: bounds for section, bounds in document.items() if section != "model"}


def read_gate_file(workspace: Workspace) -> tuple[Path, dict[str, Any]]:
    """The gate file that holds for a workspace, and its content.

    Raises:
        SchemaError: the file is broken.
    """
    own = workspace.root / "gate.toml"
    path = own if own.exists() else schemas.path("gate.toml")
    document = read_toml(path, SchemaError)
    if place := _find_endless(document):
        raise SchemaError(f"{path}: {place} must be a finite number, {_LARGEST} at most.")
    if wrong := schemas.validator("gate").explain(document, 1):
        raise SchemaError(f"{path}: {wrong}")
    return path, document


def _find_endless(value: Any, place: str = "") -> str:
    """Where a threshold is infinite, not a number, or out of range."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        places = (_find_endless(inner, f"{place}/{name}") for name, inner in items)
        return next(filter(None, places), "")
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        return place
    return ""


def write_default_thresholds(workspace: Workspace) -> Path:
    """Copy the default thresholds into the workspace, to be edited; an existing file stays."""
    path = workspace.root / "gate.toml"
    if not path.exists():
        write_atomic(path, schemas.path("gate.toml").read_bytes())
    return path
