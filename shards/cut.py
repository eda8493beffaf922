"""Cut large files of lines into shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import AtomicFile
from goldspan.shards.storage import strip_packing, unpack

ENDINGS = (".jsonl", ".ndjson", ".txt")


def cut_files(files: Iterable[Path], output: Path, rows: int) -> list[Path]:
    """Write `<output>/<name>-00000.jsonl` … with `rows` lines each; the lines stay as they are.

    Raises:
        InputError: a file is not there, or is not made of lines.
        StateError: a shard exists, or the disk refuses.

    """
    made: list[Path] = []
    for file in files:
        name = Path(strip_packing(file.name))
        if name.suffix not in ENDINGS:
            raise InputError(f"{file} cannot be cut into lines; give one of {', '.join(ENDINGS)}.")
        if not file.is_file():
            raise InputError(f"There is no file {file}.")
        with unpack(file) as plain, plain.open("rb") as stream:
            for number, lines in enumerate(_take(stream, rows)):
                path = output / f"{name.stem}-{number:05}{name.suffix}"
                with AtomicFile(path, replace=False) as shard:
                    for line in lines:
                        shard.write(line if line.endswith(b"\n") else line + b"\n")
                made.append(path)
    return made


def _take(stream: IO[bytes], rows: int) -> Iterator[Iterator[bytes]]:
    """Groups of lines; each is used up before the next."""
    while first := stream.readline():
        yield _chain(first, islice(stream, rows - 1))


def _chain(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
