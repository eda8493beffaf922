"""What readers of files share: options, rows with their places, and the content of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.encoding import decode_head, decode_text
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import MEANINGS, RawRow, RowError
from goldspan.annotation.formats.wrappers import unwrap_rows
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import MAX_FILE, JsonRecord, OnError, read_records
from goldspan.annotation.types import Sample

_HEAD = 65_536
"""Bytes of a file that tell its format."""
PROBE = 20
"""Rows of a file that tell its format."""


class LineError(ValueError):
    """What is wrong with a line of a file that is being read."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


class SourceRow(NamedTuple):
    """A row and its place: a raw row to convert, or a sample that was read whole."""

    file: str
    line: int
    value: RawRow | Sample


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a file where it does not say: see the options of `goldspan samples import`.

    `outside` are the labels that are mapped to ours by name.
    """

    labels: LabelSchema
    text_key: str = ""
    columns: Mapping[str, str] | None = None
    tag_names: tuple[str, ...] = ()
    encoding: str = ""
    by_line: bool = False
    language: str = ""
    outside: Set[str] = frozenset()

    @property
    def rows(self) -> RowOptions:
        """The part that readers of rows take."""
        return RowOptions(self.labels, self.text_key, self.tag_names, self.outside)


def read_rows(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[JsonRecord]:
    """The rows of a JSON file, whatever they are wrapped in."""
    return read_records(path, on_error, options.encoding, coerce=unwrap_rows)


def read_head(path: Path, encoding: str = "") -> str:
    """The first lines of a file, decoded.

    Raises:
        InputError: it cannot be read, or there is no such encoding.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    head = decode_head(data, encoding)
    return head[: head.rfind("\n") + 1] or head if len(data) == _HEAD else head


def holds_mark(path: Path, mark: bytes) -> bool:
    """True for a file with a mark near its beginning."""
    with path.open("rb") as stream:
        return mark in stream.read(_HEAD)


def ignore_error(error: RecordError) -> None:
    """Errors of a probe are reported when the file is read."""


def make_record_error(error: RowError, file: str, line: int) -> RecordError:
    """The refusal of a row: its code's meaning, and what was found."""
    meaning = MEANINGS.get(error.code)  # type: ignore[call-overload]
    parts = [part for part in (meaning or "", error.detail) if part]
    pointer = {"no_text": "/text"}.get(error.code, "")
    return RecordError(
        ": ".join(parts) if meaning else f"{error.code}: {error.detail}", file=file, line=line, pointer=pointer
    )


def read_whole(path: Path, options: ReadOptions) -> str:
    """A whole text file, decoded.

    Raises:
        InputError: it cannot be read or decoded, or is too large.
    """
    return decode_text(read_bytes(path), str(path), options.encoding)


def read_bytes(path: Path) -> bytes:
    """A whole file.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        if path.stat().st_size > MAX_FILE:
            raise InputError(f"{path} is larger than {MAX_FILE >> 20} MiB. Split it.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def read_documents(
    path: Path, suffixes: Set[str], on_error: OnError, read: Callable[[Path], Iterable[RawRow]]
) -> Iterator[SourceRow]:
    """The rows of a file, or of the files of a folder that end so; a file that cannot be read goes to `on_error`.

    Raises:
        InputError: a folder has no such file, or a file cannot be read at all.
    """
    files = list_documents(path, suffixes) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no {' or '.join(sorted(suffixes))} file.")
    for file in files:
        try:
            rows = list(read(file))
        except LineError as error:
            on_error(RecordError(str(error), file=str(file), line=error.line))
        except RowError as error:
            on_error(make_record_error(error, str(file), 1))
        except RecordError as error:
            on_error(error)
        else:
            yield from (SourceRow(str(file), number, row) for number, row in enumerate(rows, start=1))


def list_documents(folder: Path, suffixes: Set[str]) -> list[Path]:
    """The files of a folder that end so, at any depth, without hidden ones, in the order of their names."""
    files = (file for file in sorted(folder.rglob("*")) if file.suffix.lower() in suffixes and file.is_file())
    return [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
