"""Contracts that a stranger can read: JSON Schemas, the label schema, taxonomies; and a small loader."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

_FOLDER = Path(__file__).parent


class Problem(NamedTuple):
    """One place where a document breaks its schema: JSON pointer and what was expected."""

    pointer: str
    message: str


class Validator:
    """Checks documents against one JSON Schema (2020-12)."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        self._compiled = jsonschema_rs.validator_for(dict(schema), mask="the value")

    def accepts(self, document: Any) -> bool:
        """True if the document keeps the schema; one with a lone surrogate keeps none."""
        try:
            return bool(self._compiled.is_valid(document))
        except UnicodeEncodeError:
            return False

    def explain(self, document: Any, most: int = 3) -> str:
        """What is wrong with a document, its first problems in one line; empty if it keeps the schema."""
        return "; ".join(f"{one.pointer or '/'} {one.message}" for one in self.problems(document)[:most])

    def problems(self, document: Any) -> list[Problem]:
        """Every broken place. Messages never quote the document."""
        if self.accepts(document):
            return []
        try:
            return [
                Problem("".join(f"/{part}" for part in error.instance_path), shorten(self._explain(error)))
                for error in self._compiled.iter_errors(document)
            ]
        except UnicodeEncodeError:
            return [Problem("", "a string or key holds a lone surrogate, which JSON and databases cannot store")]

    def list_best_problems(self, document: Any) -> list[Problem]:
        """What people who edit the document by hand have to correct: of each value what explains most, each key."""
        if self._compiled.is_valid(document):
            return []
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

        errors = Draft202012Validator(dict(self.schema)).iter_errors(document)
        return list(dict.fromkeys(problem for error in errors for problem in _describe(best_match([error]))))

    def _explain(self, error: jsonschema_rs.ValidationError) -> str:
        """The validator's message, and what the schema's own description says would be right."""
        *path, _ = error.schema_path or [""]
        place: Any = self.schema
        for part in path:
            place = place[part]
        expected = place.get("description") if path and isinstance(place, dict) else None
        return f"{error.message}; expected {expected}" if isinstance(expected, str) else str(error.message)


def _describe(error: Any) -> Iterator[Problem]:
    """What is wrong, and what would be right, in one sentence for each key."""
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    if "propertyNames" in error.absolute_schema_path:
        pointer += f"/{error.instance}"
    schema = error.schema if isinstance(error.schema, dict) else {}
    known = schema.get("properties", {})
    if error.validator == "additionalProperties" and known:
        for name in sorted(set(error.instance) - set(known)):
            nearest = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(sorted(known))}"
            yield Problem(f"{pointer}/{name}", shorten(f"unknown key {name!r} ({advice})"))
    elif error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Problem(pointer, f"the key {name!r} is missing")
    else:
        value = _name_value(error.instance)
        if expected := schema.get("description") or _name_expected(error):
            yield Problem(pointer, shorten(f"{value} is not allowed; expected {expected}"))
        else:
            yield Problem(pointer, shorten(error.message.replace(repr(error.instance), value)))


def _name_value(value: Any) -> str:
    """A value as people wrote it; of a table or list, which may hold anything, only what it is."""
    if value and isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…"


_MOST_QUOTED = 80
_TYPES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "object": "a table",
    "string": "a string",
}


def _name_expected(error: Any) -> str:
    """The values or the type that a schema without a description allows; empty where its message says more."""
    if error.validator == "enum":
        return ", ".join(map(str, error.validator_value))
    return _TYPES.get(str(error.validator_value), "") if error.validator == "type" else ""


def shorten(message: str, limit: int = 300) -> str:
    """The message with its middle left out when it is long."""
    return message if len(message) <= limit else f"{message[: limit // 2]} … {message[-limit // 2 :]}"


def path(name: str) -> Path:
    """Where a file of this folder lies."""
    return _FOLDER / name


@cache
def load(name: str) -> Mapping[str, Any]:
    """The JSON Schema `name` (as in `schemas/<name>.schema.json`), without the labels filled in."""
    document: Mapping[str, Any] = orjson.loads(path(f"{name}.schema.json").read_bytes())
    return document


def fill(name: str, enums: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """The JSON Schema `name` with the `$defs` named in `enums` narrowed to these strings."""
    schema: dict[str, Any] = orjson.loads(orjson.dumps(load(name)))
    for definition, values in enums.items():
        if definition in schema.get("$defs", {}):
            schema["$defs"][definition] = {"enum": list(values)}
    return schema


@cache
def validator(name: str, enums: tuple[tuple[str, tuple[str, ...]], ...] = ()) -> Validator:
    """The compiled validator of a schema; compiled once per set of labels."""
    return Validator(fill(name, dict(enums)))
