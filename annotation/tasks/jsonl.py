"""JSON records of files: JSONL, one object per line, and `.json` files that hold one object or a list.

JSONL in UTF-8 is streamed. A bad record goes to `on_error`, and reading continues.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from goldspan.annotation.encoding import decode_text, detect_encoding
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import refuse_device
from goldspan.annotation.tasks.record import MAX_DEPTH, explain_json, is_deep, parse_json, unpack_record
from goldspan.annotation.wording import describe_error

OnError = Callable[[RecordError], None]
Coerce = Callable[[Any], Any]

MAX_LINE = 64 * 1024 * 1024
"""Bytes; a longer line is refused instead of filling the memory."""

MAX_FILE = 128 * 1024 * 1024
"""Bytes of a file that has to be read whole: JSON lists, and encodings other than UTF-8."""

LIST = re.compile(rb"(?:\xef\xbb\xbf)?\s*\[\s*[{\[]")
"""How a file begins that holds one list of rows, whatever its name."""


class JsonRecord(NamedTuple):
    """One JSON object of a file; `line` counts from 1 (in a `.json` list: the position in the list)."""

    file: str
    line: int
    value: dict[str, Any]


def raise_error(error: RecordError) -> None:
    """An `on_error` that stops at the first bad record."""
    raise error


def read_records(
    path: Path, on_error: OnError = raise_error, encoding: str = "", coerce: Coerce = lambda value: value
) -> Iterator[JsonRecord]:
    """The JSON objects of a file, one at a time; `encoding` overrides the one that is recognised.

    `coerce` may turn values of other forms into objects.

    Raises:
        InputError: the file cannot be opened or decoded, or a `.json` file is too large to be read whole.
    """
    reader = _Reader(str(path), on_error, coerce)
    try:
        with path.open("rb") as stream:
            refuse_device(stream, path)
            head = stream.peek(512)[:512]
            if path.suffix.lower() == ".json" or LIST.match(head):
                yield from reader.read_document(_read_limited(path, stream), encoding)
            elif encoding or detect_encoding(head) not in {"utf-8", "utf-8-sig"}:
                yield from reader.read_lines(io.BytesIO(_convert(_read_limited(path, stream), str(path), encoding)))
            else:
                yield from reader.read_lines(stream)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {describe_error(error)}.") from None


def _read_limited(path: Path, stream: IO[bytes]) -> bytes:
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise InputError(
            f"{path} is larger than {MAX_FILE >> 20} MiB. Convert it to JSONL in UTF-8, which is streamed."
        )
    return data


def _convert(data: bytes, name: str, encoding: str) -> bytes:
    return decode_text(data, name, encoding).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    on_error: OnError
    coerce: Coerce

    def read_lines(self, stream: IO[bytes]) -> Iterator[JsonRecord]:
        number = 0
        while line := stream.readline(MAX_LINE):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if len(line) >= MAX_LINE and not line.endswith(b"\n"):
                self._refuse(f"the line is longer than {MAX_LINE >> 20} MiB", number)
                while line and not line.endswith(b"\n"):
                    line = stream.readline(MAX_LINE)
            elif line.strip():
                yield from self._read_line(line, number)

    def read_document(self, data: bytes, encoding: str) -> Iterator[JsonRecord]:
        if encoding or detect_encoding(data[:512]) != "utf-8":
            data = _convert(data, self.name, encoding)
        try:
            document = parse_json(data)
        except ValueError as error:
            if b"\n{" in data.strip():
                yield from self.read_lines(io.BytesIO(data))
                return
            line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
            self._refuse(f"not valid JSON: {explain_json(data, error)}", line)
            return
        rows = self.coerce(document)
        for number, value in enumerate(rows if isinstance(rows, list) else [document], start=1):
            yield from self._accept(value, number)

    def _read_line(self, line: bytes, number: int) -> Iterator[JsonRecord]:
        try:
            value = parse_json(line)
        except ValueError as error:
            column = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
            self._refuse(f"not valid JSON: {explain_json(line, error)}{column}", number)
            return
        yield from self._accept(value, number)

    def _accept(self, value: Any, number: int) -> Iterator[JsonRecord]:
        coerced = self.coerce(value)
        record = coerced if isinstance(coerced, dict) else value
        if not isinstance(record, dict):
            self._refuse(f"expected a JSON object, found {type(record).__name__}", number)
            return
        try:
            unpacked = unpack_record(record)
        except RecordError as error:
            self._refuse(error.reason, number, error.pointer)
            return
        if is_deep(unpacked):
            self._refuse(f"the record is nested more than {MAX_DEPTH} deep", number)
            return
        yield JsonRecord(self.name, number, unpacked)

    def _refuse(self, reason: str, line: int, pointer: str = "") -> None:
        self.on_error(RecordError(reason, file=self.name, line=line, pointer=pointer))
