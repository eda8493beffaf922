"""Minimal documents for a JSON Schema: the answer to requests that are not Goldspan's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def make_example(schema: Mapping[str, Any]) -> Any:
    """The smallest plain document for the schema; `$ref` into the same document, `anyOf` takes the first way."""
    return _make(schema, schema, 0)


def _make(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        return _make(_follow(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for way in ("anyOf", "oneOf", "allOf"):
        if schema.get(way):
            return _make(schema[way][0], root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _make_typed(kind[0] if isinstance(kind, list) else kind, schema, root, depth)


def _make_typed(kind: str, schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Any:
    match kind:
        case "object":
            properties = schema.get("properties", {})
            return {name: _make(properties.get(name, {}), root, depth + 1) for name in schema.get("required", ())}
        case "array":
            count = max(int(schema.get("minItems", 0)), 0 if depth > 8 else 1)
            return [_make(schema.get("items", {}), root, depth + 1) for _ in range(count)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return "example".ljust(int(schema.get("minLength", 0)), "e")[: int(schema.get("maxLength", 10_000))]


def _follow(reference: str, root: Mapping[str, Any]) -> Mapping[str, Any]:
    target: Any = root
    for part in reference.removeprefix("#/").split("/"):
        target = target[part]
    found: Mapping[str, Any] = target
    return found
