"""Read fields of JSON documents that a provider may leave out, rename or send as another type."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from goldspan.annotation.redaction import redact
from goldspan.generators.providers.parsing import as_mapping
from goldspan.generators.providers.tuning.values import RowProblem

_SHOWN = 500
_LINES = re.compile(r"(?i)\b(?:lines?|rows?|examples?)\s+((?:#?\d+(?:\s*(?:,|and|&)\s*(?=#?\d))?)+)[:,)]?\s*([^;\n]*)")
_NUMBER = re.compile(r"\d+")


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
        except ValueError:
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
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if isinstance(value, str):
            try:
                return datetime.fromisoformat(value).timestamp()
            except ValueError:
                continue
    return 0.0


def read_message(document: Any) -> str:
    """What an error document says, whichever provider wrote it; nothing that looks like a secret."""
    if isinstance(document, str):
        return redact(document, limit=_SHOWN)
    body = as_mapping(document)
    inner = body.get("error") or body.get("detail") or body.get("message")
    if isinstance(inner, Mapping):
        return redact(read_text(inner, "message", "detail", "code"), limit=_SHOWN)
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        said = "; ".join(read_text(entry, "msg", "message") for entry in list_mappings(list(inner)))
        return redact(said, limit=_SHOWN)
    return redact(inner, limit=_SHOWN) if isinstance(inner, str) else ""


def read_line_entries(job: Mapping[str, Any]) -> Iterator[RowProblem]:
    """Problems of single lines where a job lists them as objects with `line` or `row`."""
    for name in ("error", "errors", "validation_errors"):
        value = job.get(name)
        lists = [value, *(value.values() if isinstance(value, Mapping) else ())]
        for entry in (entry for one in lists for entry in list_mappings(one)):
            if line := read_count(entry, "line", "line_number", "row"):
                yield RowProblem(line, redact(read_text(entry, "message", "error", "reason"), limit=_SHOWN))


def read_named_lines(message: str) -> tuple[RowProblem, ...]:
    """The lines that a message names: `line 3: …; lines 7 and 9: …`."""
    return tuple(
        RowProblem(int(number), said.strip(" ."))
        for numbers, said in _LINES.findall(message)
        for number in _NUMBER.findall(numbers)
    )


def name_document(document: Mapping[str, Any]) -> str:
    """An id for a document without one: the same for the same content."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()[:24]
