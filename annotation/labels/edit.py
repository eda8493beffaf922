"""Edit and review a label schema."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from goldspan.annotation.errors import InputError, SchemaError, UnknownNameError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labels.schema import Label, LabelSchema, build_labels, load_labels
from goldspan.annotation.labels.validators import VALIDATORS

MIN_CONTRAST = 3.0
"""WCAG 2.2, success criterion 1.4.11: graphical objects against what lies beside them."""


class SchemaFinding(NamedTuple):
    """Something in a label schema that should be corrected."""

    label: str
    message: str


def measure_contrast(color: str) -> float:
    """Contrast of a colour with white, 1 to 21 (WCAG 2.2, relative luminance)."""
    channels = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    luminance = sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
    return 1.05 / (luminance + 0.05)


def review_labels(labels: LabelSchema) -> list[SchemaFinding]:
    """Find pale or shared colours, unknown validators, clashing hotkeys and missing hints."""
    findings: list[SchemaFinding] = []
    colors: dict[str, str] = {}
    hotkeys: dict[str, str] = {}
    for label in labels.labels:
        if label.validator and label.validator not in VALIDATORS:
            findings.append(
                SchemaFinding(label.code, f"validator {label.validator!r} is none of {', '.join(VALIDATORS)}")
            )
        if measure_contrast(label.color) < MIN_CONTRAST:
            findings.append(SchemaFinding(label.code, f"color {label.color} is too pale on white; use a darker one"))
        for kind, value, seen in (("color", label.color.lower(), colors), ("hotkey", label.hotkey, hotkeys)):
            if value and value in seen:
                findings.append(SchemaFinding(label.code, f"{kind} {value} is also used by {seen[value]}"))
            seen.setdefault(value, label.code)
        if not label.hints:
            findings.append(SchemaFinding(label.code, "no hints; generators and annotators have only its name"))
    return findings


def add_label(path: Path, code: str, fields: dict[str, Any]) -> Label:
    """Append a label to a label file; the rest of the file stays as it is, comments included.

    `fields` are those of a label in the file (name, category, group, kind, color, chance, hints, validator, target).

    Raises:
        SchemaError: the label exists, or the file would no longer be a valid label schema. The file is unchanged then.
        UnknownNameError: there is no such validator.

    """
    if code in load_labels(path):
        raise SchemaError(f"{path} has a label {code} already. Edit it there.")
    if (validator := fields.get("validator")) and validator not in VALIDATORS:
        raise UnknownNameError("validator", validator, VALIDATORS)
    build_labels({"labels": {code: fields}})
    lines = [f"[labels.{code}]", *(f"{name} = {_format_toml(value)}" for name, value in fields.items())]
    original = path.read_bytes().decode("utf-8-sig").rstrip("\r\n")
    newline = "\r\n" if "\r\n" in original else "\n"
    changed = original + newline * 2 + newline.join(lines) + newline
    added = build_labels(tomllib.loads(changed))[code]
    write_atomic(path, changed.encode(), path.stat().st_mode & 0o777)
    return added


def _format_toml(value: Any) -> str:
    if isinstance(value, str | int | float | list):
        return json.dumps(value, ensure_ascii=False)
    raise InputError(f"A label has no field of type {type(value).__name__}.")
