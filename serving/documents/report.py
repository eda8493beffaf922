"""The report of masked files: one JSON line a file, chained by hash, without text."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import explain_disk
from goldspan.masking.keys import MaskingKey

REPORT = "masking-report.jsonl"
"""Name of the report in the output folder."""

_START = "0" * 64


class MaskingReport:
    """Records of what was masked, each with the hash of the one before; a changed or missing record is noticed.

    Raises:
        StateError: the report was changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, Mapping[str, Any]] = {}
        self._results: set[tuple[Any, Any]] = set()
        self._last = _START
        for number, line in enumerate(_read_lines(path), start=1):
            record = _parse(line)
            if record.get("previous") != self._last:
                raise StateError(f"{path}: line {number} does not follow the line before it; the report was changed.")
            self._take(record, line)

    def find(self, file: str) -> Mapping[str, Any]:
        """The last record of a file; empty if there is none."""
        return self._records.get(file, {})

    def holds(self, file: str, result: str) -> bool:
        """True if any record of the file has this digest as its result."""
        return (file, result) in self._results

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a record."""
        line = orjson.dumps({**record, "previous": self._last}, option=orjson.OPT_SORT_KEYS)
        with explain_disk(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as stream:
                stream.write(line + b"\n")
        self._take(record, line)

    def _take(self, record: Mapping[str, Any], line: bytes) -> None:
        self._records[str(record.get("file"))] = record
        self._results.add((record.get("file"), record.get("result")))
        self._last = hashlib.sha256(line).hexdigest()


def digest_file(path: Path, key: MaskingKey | None = None) -> str:
    """SHA-256 of a file; with a key HMAC-SHA-256, so that nobody can test whether a known file was the source."""
    hashed = hmac.new(key.derive("files"), digestmod=hashlib.sha256) if key else hashlib.sha256()
    with explain_disk(path), path.open("rb") as stream:
        while block := stream.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def _read_lines(path: Path) -> Iterator[bytes]:
    """Whole lines; one that a crash cut short is taken off the file."""
    if not path.exists():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        with explain_disk(path), path.open("r+b") as stream:
            stream.truncate(len(whole))
    yield from whole.splitlines()


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return record if isinstance(record, dict) else {}
