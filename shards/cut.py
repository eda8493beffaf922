"""Cut large files of lines into shards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import IO

import orjson

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.tasks.jsonl import raise_error
from goldspan.annotation.tombstones import REFUSAL, Tombstones, find_tombstones
from goldspan.shards.packing import strip_packing, unpack

ENDINGS = (".jsonl", ".ndjson", ".txt")


def cut_files(
    files: Iterable[Path], output: Path, rows: int, on_error: Callable[[RecordError], None] = raise_error
) -> list[Path]:
    """Write `<output>/<name>-00000.jsonl` … with `rows` lines each; the lines stay as they are.

    Lines with what was erased from the workspace that `output` lies in go to `on_error`.

    Raises:
        InputError: a file is not there, or is not made of lines.
        StateError: a shard exists, or the disk refuses.
    """
    made: list[Path] = []
    erased = find_tombstones(output)
    for file in files:
        name = Path(strip_packing(file.name))
        if name.suffix not in ENDINGS:
            raise InputError(f"{file} cannot be cut into lines; give one of {', '.join(ENDINGS)}.")
        if not file.is_file():
            raise InputError(f"There is no file {file}.")
        with unpack(file) as plain, plain.open("rb") as stream:
            for number, lines in enumerate(_take(_drop_erased(stream, file, erased, on_error), rows)):
                path = output / f"{name.stem}-{number:05}{name.suffix}"
                with AtomicFile(path, replace=False) as shard:
                    for line in lines:
                        shard.write(line if line.endswith(b"\n") else line + b"\n")
                made.append(path)
    return made


def _drop_erased(
    stream: IO[bytes], file: Path, erased: Tombstones, on_error: Callable[[RecordError], None]
) -> Iterator[bytes]:
    for number, line in enumerate(stream, start=1):
        if erased and any(erased.has_text(text) or erased.has_id(text) for text in _list_texts(line)):
            on_error(RecordError(REFUSAL, file=str(file), line=number))
        else:
            yield line


def _list_texts(line: bytes) -> list[str]:
    """The strings of a JSON line, or the line itself."""
    try:
        found, values = [], [orjson.loads(line)]
    except orjson.JSONDecodeError:
        return [line.decode("utf-8", "replace").strip()]
    while values:
        value = values.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, list | dict):
            values.extend(value.values() if isinstance(value, dict) else value)
    return found


def _take(lines: Iterator[bytes], rows: int) -> Iterator[Iterator[bytes]]:
    """Groups of lines; each is used up before the next."""
    for first in lines:
        yield chain([first], islice(lines, rows - 1))
