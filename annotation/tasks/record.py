"""Records on disk: one JSON object per line, with the same typed keys in every file.

Free-form metadata (`data.provenance`) is one JSON string on disk and an object in memory, so that files with other
metadata still have one type; files that older versions wrote, with an object, are read as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

MAX_DEPTH = 64
"""Levels of lists and objects in a record."""


def pack_record(task: Mapping[str, Any]) -> bytes:
    """A task as the line that is written."""
    data = task.get("data")
    if isinstance(data, dict) and not isinstance(data.get("provenance"), str):
        provenance = orjson.dumps(data.get("provenance") or {}).decode()
        task = {**task, "data": {**data, "provenance": provenance}}
    return orjson.dumps(task, option=orjson.OPT_APPEND_NEWLINE)


def unpack_record(record: dict[str, Any]) -> dict[str, Any]:
    """A record as it is used in memory: `data.provenance` is an object."""
    data = record.get("data")
    if isinstance(data, dict) and isinstance(data.get("provenance"), str):
        try:
            provenance = orjson.loads(data["provenance"] or "{}")
        except orjson.JSONDecodeError:
            return record
        if isinstance(provenance, dict):
            return {**record, "data": {**data, "provenance": provenance}}
    return record


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
