"""Validation messages for fault plans: which fault, which field, and what would be right.

The rules are those of `schemas/faults.schema.json`; this module words the messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.errors import RecordError, UnknownNameError


def check_plan(document: Mapping[str, Any]) -> None:
    """Refuse a parsed plan that breaks the schema.

    Raises:
        RecordError: it names the fault by its number, the field, and what would be right.
    """
    schema = schemas.load("faults")
    for name, value in document.items():
        if name not in schema["properties"]:
            raise RecordError(
                f"A fault plan has no {name!r}; it takes `seed` and, for each fault, a table [[faults]].",
                pointer=f"/{name}",
            )
        if name != "faults":
            _check_field("The fault plan", name, value, schema["properties"][name], f"/{name}")
    faults = document.get("faults", [])
    if not isinstance(faults, list) or not all(isinstance(fault, Mapping) for fault in faults):
        raise RecordError("Each fault is a table of its own: write [[faults]] above it.", pointer="/faults")
    for number, fault in enumerate(faults):
        _check_fault(fault, f"Fault {number + 1} of {len(faults)}", f"/faults/{number}")


def _check_fault(fault: Mapping[str, Any], title: str, pointer: str) -> None:
    kinds = _list_kinds()
    kind = fault.get("kind")
    if kind is None:
        raise RecordError(f"{title} has no `kind`. Known: {', '.join(sorted(kinds))}.", pointer=pointer)
    if not isinstance(kind, str) or kind not in kinds:
        raise RecordError(f"{title}: {_explain_kind(kind, kinds)}", pointer=f"{pointer}/kind")
    title, rules = f"{title} ({kind})", kinds[kind]
    for name in rules.get("required", ()):
        if name not in fault:
            raise RecordError(f"{title} needs `{name}`: {_describe(rules['properties'][name])}.", pointer=pointer)
    for name, value in fault.items():
        if name not in rules["properties"]:
            allowed = ", ".join(f"`{field}`" for field in rules["properties"])
            raise RecordError(f"{title} has no `{name}`; it takes {allowed}.", pointer=f"{pointer}/{name}")
        _check_field(title, name, value, rules["properties"][name], f"{pointer}/{name}")


def _list_kinds() -> dict[str, Mapping[str, Any]]:
    """The part of the schema for each kind of fault."""
    return {
        kind: branch
        for branch in schemas.load("faults")["$defs"]["fault"]["oneOf"]
        for kind in _list_values(branch["properties"]["kind"])
    }


def _list_values(rule: Mapping[str, Any]) -> list[str]:
    return [rule["const"]] if "const" in rule else list(rule["enum"])


def _explain_kind(kind: Any, kinds: Mapping[str, Any]) -> str:
    known = f"Known: {', '.join(sorted(kinds))}."
    message = str(UnknownNameError("kind", str(kind), kinds))
    return message if known in message else f"{message} {known}"


def _check_field(title: str, name: str, value: Any, rule: Mapping[str, Any], pointer: str) -> None:
    rule = _resolve(rule)
    if not _accepts(rule, value):
        shown = schemas.shorten(repr(value) if isinstance(value, str) else str(value), 80)
        raise RecordError(f"{title}: `{name}` is {shown}, but must be {_describe(rule)}.", pointer=pointer)


def _accepts(rule: Mapping[str, Any], value: Any) -> bool:
    try:
        return schemas.Validator(rule).accepts(value)
    except ValueError:  # dates and times of TOML have no place in JSON
        return False


def _resolve(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in rule:
        return rule
    found: Mapping[str, Any] = schemas.load("faults")["$defs"][rule["$ref"].rpartition("/")[2]]
    return found


def _describe(rule: Mapping[str, Any]) -> str:
    """What a field may be: `a number from 0 to 1`, `one of upload, create`."""
    rule = _resolve(rule)
    if "enum" in rule or "const" in rule:
        return f"one of {', '.join(_list_values(rule))}"
    noun = "a whole number" if rule["type"] == "integer" else "a number"
    if "maximum" in rule:
        return f"{noun} from {rule['minimum']} to {rule['maximum']}"
    return f"{noun}, {rule['minimum']} or more"
