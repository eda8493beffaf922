"""Edit and review a label schema."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from goldspan.annotation.errors import InputError, SchemaError, UnknownNameError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.labels.schema import Label, LabelSchema, build_labels, load_labels
from goldspan.annotation.labels.validators import VALIDATORS
from goldspan.annotation.labels.values import find_mismatch, load_terms, probe_pattern

_HEADER = re.compile(r"\s*\[\s*(?:labels|mentions)\s*\.\s*([A-Z][A-Z0-9_]*)\s*\]")

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
    findings = [*_review_colors(labels)]
    hotkeys: dict[str, str] = {}
    for label in labels.labels:
        if label.validator and label.validator not in VALIDATORS:
            findings.append(
                SchemaFinding(label.code, f"validator {label.validator!r} is none of {', '.join(VALIDATORS)}")
            )
        if measure_contrast(label.color) < MIN_CONTRAST:
            findings.append(SchemaFinding(label.code, f"color {label.color} is too pale on white; use a darker one"))
        if label.hotkey in hotkeys:
            findings.append(SchemaFinding(label.code, f"hotkey {label.hotkey} is also used by {hotkeys[label.hotkey]}"))
        if label.hotkey:
            hotkeys.setdefault(label.hotkey, label.code)
        findings += _review_values(label, labels)
        if not label.guidance:
            findings.append(SchemaFinding(label.code, "no hints; generators and annotators have only its name"))
    return findings


def _review_colors(labels: LabelSchema) -> Iterator[SchemaFinding]:
    """One finding for all colours that labels share."""
    users: dict[str, list[str]] = {}
    for label in labels.labels:
        users.setdefault(label.color.lower(), []).append(label.code)
    shared = {color: codes for color, codes in users.items() if len(codes) > 1}
    if shared:
        named = "; ".join(f"{color} by {', '.join(codes)}" for color, codes in shared.items())
        yield SchemaFinding(next(iter(shared.values()))[0], f"labels share a color: {named}")


def _review_values(label: Label, labels: LabelSchema) -> Iterator[SchemaFinding]:
    """What is wrong with the source of a label's values, its pattern, its terms and its examples."""
    needed = {
        "pattern": label.pattern,
        "list": label.terms or label.terms_file,
        "faker": label.faker,
        "function": label.function,
    }
    if label.values in needed and not needed[label.values]:
        key = "terms" if label.values == "list" else label.values
        yield SchemaFinding(label.code, f'values = "{label.values}" needs {key}')
    try:
        if label.pattern and (problem := probe_pattern(label)):
            yield SchemaFinding(label.code, problem)
        if label.terms or label.terms_file:
            load_terms(label)
        wrong = [value for value in label.examples if find_mismatch(label, value)]
    except SchemaError as error:
        yield SchemaFinding(label.code, str(error))
        return
    for value in wrong:
        yield SchemaFinding(label.code, f"the example {value!r} is none of its values by its own pattern or terms")


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


def copy_label(path: Path, old: str, new: str) -> None:
    """Add a label that is like another one, before it in the file; nothing is done if it is there already.

    Raises:
        SchemaError: the file has no table of its own for `old`, or would no longer be valid. It is unchanged then.
    """
    text = _read(path)
    document = tomllib.loads(text)
    if any(new in document.get(layer, {}) for layer in _LAYER_TABLES):
        return
    lines = text.splitlines(keepends=True)
    start, end = _find_table(path, lines, old)
    table = lines[start:end]
    table[0] = table[0].replace(f".{old}", f".{new}", 1)
    if not table[-1].endswith("\n"):
        table[-1] += "\n"
    if table[-1].strip():
        table.append("\n")
    _write(path, "".join([*lines[:start], *table, *lines[start:]]))


def drop_label(path: Path, code: str) -> None:
    """Remove a label; nothing is done if it is not there.

    Raises:
        SchemaError: the file has no table of its own for the label, or would no longer be valid. It is unchanged then.
    """
    text = _read(path)
    document = tomllib.loads(text)
    if not any(code in document.get(layer, {}) for layer in _LAYER_TABLES):
        return
    lines = text.splitlines(keepends=True)
    start, end = _find_table(path, lines, code)
    _write(path, "".join(lines[:start] + lines[end:]))


def rename_tags(path: Path, old: str, new: str) -> None:
    """Rename the tags of a label in the examples of a label file."""
    text = _read(path)
    if (changed := _replace_tags(text, old, new)) != text:
        _write(path, changed)


def rename_in_phrases(labels: LabelSchema, old: str, new: str) -> None:
    """Rename a label in the project's phrases for the offline author."""
    for path in sorted(labels.purpose.phrases.glob("*.toml")) if labels.purpose.phrases else ():
        text = path.read_bytes().decode("utf-8-sig")
        if (changed := _replace_tags(text, old, new).replace(f"{{{old}}}", f"{{{new}}}")) != text:
            write_atomic(path, changed.encode())


def _replace_tags(text: str, old: str, new: str) -> str:
    return text.replace(f"<{old}>", f"<{new}>").replace(f"</{old}>", f"</{new}>")


def edit_label(path: Path, code: str, fields: Mapping[str, Any]) -> Label:
    """Set fields of a label; the rest of the file stays as it is. A value of None removes the field.

    Raises:
        SchemaError: there is no such table, or the file would no longer be valid. It is unchanged then.
        UnknownNameError: there is no such label or validator.
    """
    load_labels(path)[code]
    if (validator := fields.get("validator")) and validator not in VALIDATORS:
        raise UnknownNameError("validator", validator, VALIDATORS)
    lines = _read(path).splitlines(keepends=True)
    start, end = _find_table(path, lines, code)
    table = lines[start:end]
    for name, value in fields.items():
        table = _set_field(path, table, name, value)
    return _write(path, "".join(lines[:start] + table + lines[end:]))[code]


_LAYER_TABLES = ("labels", "mentions")


def _set_field(path: Path, table: list[str], name: str, value: Any) -> list[str]:
    place = next((at for at, line in enumerate(table) if re.match(rf"\s*{re.escape(name)}\s*=", line)), None)
    line = [] if value is None else [f"{name} = {_format_toml(value)}\n"]
    if place is None:
        at = next(at for at in range(len(table), 0, -1) if table[at - 1].strip())
        if not table[at - 1].endswith("\n"):
            table = [*table[: at - 1], table[at - 1] + "\n", *table[at:]]
        return [*table[:at], *line, *table[at:]]
    try:
        tomllib.loads(table[place])
    except tomllib.TOMLDecodeError:
        raise SchemaError(f"{path}: {name} is written over several lines; edit it there.") from None
    return [*table[:place], *line, *table[place + 1 :]]


def _find_table(path: Path, lines: Sequence[str], code: str) -> tuple[int, int]:
    """Lines of a label's table: from its header to the comments before the next header."""
    start = next((at for at, line in enumerate(lines) if (m := _HEADER.match(line)) and m[1] == code), None)
    if start is None:
        raise SchemaError(f"{path} has no table [labels.{code}] of its own; edit it by hand.")
    end = next((at for at in range(start + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    if end < len(lines):
        while end > start + 1 and lines[end - 1].lstrip().startswith("#"):
            end -= 1
    return start, end


def _read(path: Path) -> str:
    load_labels(path)
    return path.read_bytes().decode("utf-8-sig")


def _write(path: Path, text: str) -> LabelSchema:
    """Write the file if it is a valid label schema."""
    labels = build_labels(tomllib.loads(text))
    write_atomic(path, text.encode(), path.stat().st_mode & 0o777)
    return labels


def _format_toml(value: Any) -> str:
    if isinstance(value, bool | str | int | float | list):
        return json.dumps(value, ensure_ascii=False)
    raise InputError(f"A label has no field of type {type(value).__name__}.")
