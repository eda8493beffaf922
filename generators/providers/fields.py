"""Read fields of JSON documents that a provider may leave out, rename or send as another type."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def as_mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def list_mappings(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; nothing for anything else."""
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def read_text(document: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text; numbers count as text."""
    for name in names:
        value = document.get(name)
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
    return ""


def read_number(document: Mapping[str, Any], *names: str) -> float | None:
    """The first of these fields that holds a finite number, also written as text."""
    for name in names:
        value = document.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            continue
        try:
            number = float(value)
        except (ValueError, OverflowError):
            continue
        if math.isfinite(number):
            return number
    return None


def read_count(document: Mapping[str, Any], *names: str) -> int:
    """The first of these fields that holds a number, as a whole number of at least 0."""
    number = read_number(document, *names)
    return int(number) if number is not None and 0 < number < 1e15 else 0


def read_time(document: Mapping[str, Any], *names: str) -> float:
    """The first of these fields that holds a time (seconds since 1970, or ISO 8601), in seconds; 0.0 without one."""
    for name in names:
        value = document.get(name)
        if isinstance(value, str):
            with contextlib.suppress(ValueError, OverflowError):
                return datetime.fromisoformat(value).timestamp()
        elif (number := read_number(document, name)) is not None:
            return number
    return 0.0
