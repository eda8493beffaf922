"""Records on disk: one JSON object per line, with the same keys of the same types in every line of every file.

A packed record is a Label Studio task whose lists and free-form objects are JSON strings:

    id: int (0: not from Label Studio)
    data: {text, sample_id, text_sha256, language, country, document_type, provenance, fields: str}
    predictions, annotations, drafts: str

So `datasets.load_dataset("json")` reads any of our files together: Arrow gives an empty list no type, and takes the
types of all files from the first. `provenance` and `fields` (what else the task's data holds) are objects in memory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from goldspan.annotation.errors import RecordError

MAX_DEPTH = 64
"""Levels of lists and objects in a record."""

TEXT_FIELDS = ("text", "sample_id", "text_sha256", "language", "country", "document_type")
"""The fields of `data` that are strings in memory too."""

_PACKED_ID = re.compile(rb'\{"id":(\d{1,18}),"data":\{')

LAYERS = ("predictions", "annotations", "drafts")
"""The lists of annotations of a task."""


def pack_record(task: Mapping[str, Any]) -> bytes:
    """A task, packed or not, as the line that is written; `unpack_record` is its inverse."""
    task = unpack_record(dict(task))
    data = task["data"]
    packed = {name: data.get(name) or "" for name in TEXT_FIELDS}
    packed["provenance"] = _dump(data.get("provenance") or {})
    packed["fields"] = _dump({name: value for name, value in data.items() if name not in packed})
    record = {"id": task.get("id") or 0, "data": packed} | {name: _dump(task.get(name) or []) for name in LAYERS}
    others = {name: value for name, value in task.items() if name not in record}
    return orjson.dumps(record | others, option=orjson.OPT_APPEND_NEWLINE)


def unpack_record(record: dict[str, Any]) -> dict[str, Any]:
    """A record as it is used in memory; one that is not packed, as older versions wrote it, stays as it is.

    Raises:
        RecordError: a layer is a string that holds no list.
    """
    data = record.get("data")
    packed = {name: layer for name in LAYERS if isinstance(layer := record.get(name), str)}
    if not isinstance(data, dict) or not (packed or isinstance(data.get("provenance"), str)):
        return record
    unpacked = unpack_data(record)
    for name, layer in packed.items():
        unpacked[name] = _load_layer(layer, name)
    if len(packed) == len(LAYERS):
        for name in ("id", "drafts"):
            if not unpacked.get(name):
                unpacked.pop(name, None)
    return unpacked


def is_packed(record: Mapping[str, Any]) -> bool:
    """True for a record as `pack_record` writes it."""
    return all(isinstance(record.get(name), str) for name in LAYERS)


def unpack_data(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the objects of its data in memory and its layers as they are; `holds_layer` looks at those."""
    data = record.get("data")
    if not isinstance(data, dict) or not (isinstance(data.get("provenance"), str) or is_packed(record)):
        return {**record}
    provenance, fields = (_load_object(data.get(name)) for name in ("provenance", "fields"))
    unpacked = data if provenance is None else {**data, "provenance": provenance}
    if fields is not None:
        unpacked = {name: value for name, value in unpacked.items() if name != "fields"} | fields
    return {**record, "data": unpacked}


def holds_layer(record: Mapping[str, Any], name: str) -> bool:
    """True if a layer of a record, packed or not, holds anything."""
    return record.get(name) not in (None, [], "", "[]")


def read_packed_id(line: bytes) -> int | None:
    """The id of a packed line without parsing it; None for any other line."""
    found = _PACKED_ID.match(line)
    return int(found[1]) if found and b'"predictions":"' in line else None


def _load_object(value: Any) -> dict[str, Any] | None:
    try:
        found = orjson.loads(value or "{}") if isinstance(value, str) else None
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _load_layer(layer: str, name: str) -> list[Any]:
    try:
        found = orjson.loads(layer or "[]")
    except orjson.JSONDecodeError as error:
        raise RecordError(f"expected JSON text with a list, found none: {error.msg}", pointer=f"/{name}") from None
    if not isinstance(found, list):
        raise RecordError(f"expected JSON text with a list, found {type(found).__name__}", pointer=f"/{name}")
    return found


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()


def parse_json(data: bytes) -> Any:
    """Parse JSON; `NaN` and `Infinity`, which Python and pandas write, become null.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        if b"NaN" not in data and b"Infinity" not in data:
            raise
    try:
        document = json.loads(data.decode(), parse_constant=lambda name: None)
        orjson.dumps(document)
    except RecursionError:
        raise ValueError("nested too deep") from None
    except TypeError:
        raise ValueError("a lone surrogate, a number beyond 64 bits, or nested too deep") from None
    return document


def explain_json(data: bytes, error: ValueError) -> str:
    """Why data is not JSON, in one line."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return (
            f"not UTF-8 (byte {problem.start}); import it with --encoding latin-1 or cp1252, or convert it with iconv"
        )
    return str(getattr(error, "msg", error))


def is_deep(value: Any) -> bool:
    """True if lists and objects are nested more than `MAX_DEPTH` levels deep."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return False
    return True
