"""Read what fine-tuning APIs say of errors, and of lines of a file, whatever their form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from goldspan.annotation.redaction import redact
from goldspan.generators.providers.fields import as_mapping, list_mappings, read_count, read_text
from goldspan.generators.providers.tuning.values import RowProblem

_SHOWN = 500
_LINES = re.compile(r"(?i)\b(?:lines?|rows?|examples?)\s+((?:#?\d+(?:\s*(?:,|and|&)\s*(?=#?\d))?)+)[:,)]?\s*([^;\n]*)")
_NUMBER = re.compile(r"\d+")


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
