"""Ledgers on disk: JSONL, a header line, then one checked row a sample, sorted by sample id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.errors import RecordError
from goldspan.annotation.files import write_atomic

FORMAT = 1


def iter_rows(path: Path, schema: str) -> Iterator[dict[str, Any]]:
    """The rows of a ledger, checked against the JSON Schema of this name; none if the file does not exist.

    Raises:
        RecordError: the file cannot be read or is not such a ledger.
    """
    try:
        lines = path.read_bytes().splitlines() if path.exists() else []
    except OSError as error:
        raise RecordError(f"it cannot be read: {error.strerror}", file=str(path)) from None
    validator, title = schemas.validator(schema), schema.replace("-", " ")
    for number, line in enumerate(lines, 1):
        try:
            document = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise RecordError(f"it is not JSON: {error}", file=str(path), line=number) from None
        for problem in validator.problems(document)[:1]:
            reason = f"not a {title}: {problem.message}"
            raise RecordError(reason, file=str(path), line=number, pointer=problem.pointer)
        if (number == 1) != ("schema" in document):
            raise RecordError(f"a {title} has one header, in its first line", file=str(path), line=number)
        if number > 1:
            yield document


def write_rows(path: Path, schema: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a ledger whole.

    Raises:
        StateError: the disk refused.
    """
    header = {"schema": schema, "format": FORMAT}
    ordered = [header, *sorted(rows, key=lambda row: str(row["sample_id"]))]
    write_atomic(path, b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in ordered))
