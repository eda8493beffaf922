"""Samples on disk: JSONL, one task per line; also read from `.json` files that hold one task or a list.

Files are written whole (temporary file, fsync, rename) and only with tasks that satisfy the JSON Schema.
Files are streamed. A bad record goes to `on_error`, and reading continues.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from goldspan.annotation.checks import check_text, find_errors
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import DecodedTask, encode_task, load_task_validator, read_task, validate_task
from goldspan.annotation.types import Sample

OnError = Callable[[RecordError], None]
MAX_LINE = 64 * 1024 * 1024
"""Bytes; a longer line is refused instead of filling the memory."""

_COMPANIONS = (".state.json", ".conflicts.jsonl", ".part.jsonl")
"""Suffixes of companion files, which hold no samples and are skipped in folders."""


class JsonRecord(NamedTuple):
    """One JSON object of a file; `line` counts from 1 (in a `.json` list: the position in the list)."""

    file: str
    line: int
    value: dict[str, Any]


def raise_error(error: RecordError) -> None:
    """An `on_error` that stops at the first bad record."""
    raise error


def list_files(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    """The files themselves (one path or several), and the `.jsonl` and `.json` files of folders, sorted by name.

    Raises:
        InputError: a path does not exist, or a folder holds no such file.

    """
    files: list[Path] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if path.is_dir():
            found = sorted(file for file in path.iterdir() if _holds_samples(file))
            if not found:
                raise InputError(f"{path} holds no .jsonl or .json file.")
            files += found
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"There is no file {path}.")
    return files


def _holds_samples(file: Path) -> bool:
    return (
        file.suffix in {".jsonl", ".json"}
        and not file.name.endswith(_COMPANIONS)
        and not file.name.startswith(".")
        and file.is_file()
    )


def read_records(path: Path, on_error: OnError = raise_error) -> Iterator[JsonRecord]:
    """The JSON objects of a file, one at a time.

    Raises:
        InputError: the file cannot be opened.

    """
    try:
        with path.open("rb") as stream:
            yield from (
                _read_whole(path, stream, on_error) if path.suffix == ".json" else _read_lines(path, stream, on_error)
            )
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _read_lines(path: Path, stream: IO[bytes], on_error: OnError) -> Iterator[JsonRecord]:
    name = str(path)
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) >= MAX_LINE and not line.endswith(b"\n"):
            on_error(RecordError(f"the line is longer than {MAX_LINE >> 20} MiB", file=name, line=number))
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            continue
        if line.strip():
            yield from _parse(line, name, number, on_error)


def _read_whole(path: Path, stream: IO[bytes], on_error: OnError) -> Iterator[JsonRecord]:
    try:
        document = orjson.loads(stream.read().removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        return on_error(RecordError(f"not valid JSON: {error.msg}", file=str(path), line=error.lineno))
    for number, value in enumerate(document if isinstance(document, list) else [document], start=1):
        if isinstance(value, dict):
            yield JsonRecord(str(path), number, value)
        else:
            on_error(RecordError("expected a JSON object", file=str(path), line=number))
    return None


def _parse(line: bytes, name: str, number: int, on_error: OnError) -> Iterator[JsonRecord]:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        on_error(RecordError(f"not valid JSON: {error.msg} (column {error.colno})", file=name, line=number))
        return
    if isinstance(value, dict):
        yield JsonRecord(name, number, value)
    else:
        on_error(RecordError(f"expected a JSON object, found {type(value).__name__}", file=name, line=number))


def read_samples(
    paths: str | Path | Iterable[str | Path],
    labels: LabelSchema,
    on_error: OnError = raise_error,
    *,
    tolerant: bool = False,
) -> Iterator[Sample]:
    """The samples of files and folders, one at a time.

    A record with an issue in its regions or relations is refused; `tolerant` yields what can be read of it.
    """
    for record, (sample, issues) in read_tasks(paths, labels, on_error):
        if issues and not tolerant:
            on_error(RecordError(f"{issues[0].code}: {issues[0].message}", file=record.file, line=record.line))
        else:
            yield sample


def read_tasks(
    paths: str | Path | Iterable[str | Path], labels: LabelSchema, on_error: OnError = raise_error
) -> Iterator[tuple[JsonRecord, DecodedTask]]:
    """Every record with a text, decoded, from files and folders."""
    for file in list_files(paths):
        for record in read_records(file, on_error):
            try:
                decoded = read_task(record.value, labels)
            except RecordError as error:
                on_error(RecordError(error.reason, file=record.file, line=record.line, pointer=error.pointer))
            else:
                yield record, decoded


def prepare_task(sample: Sample, labels: LabelSchema) -> dict[str, Any]:
    """Encode a sample and check that it may be written or pushed.

    Raises:
        RecordError: it breaks the JSON Schema or has an issue of severity error.

    """
    for issue in check_text(sample.text):
        raise RecordError(f"{issue.code}: {issue.message}", pointer="/data/text")
    task = encode_task(sample, labels)
    if not load_task_validator(labels).accepts(task):
        problem = validate_task(task, labels)[0]
        raise RecordError(problem.message, pointer=problem.pointer)
    for annotation in sample.predictions:
        for issue in find_errors(sample.text, annotation, labels):
            raise RecordError(f"{issue.code}: {issue.message}")
    return task


def write_samples(
    path: str | Path, samples: Iterable[Sample], labels: LabelSchema, on_error: OnError = raise_error
) -> int:
    """Write samples as JSONL, whole or not at all; returns how many. Refused ones go to `on_error`."""
    written = 0
    with AtomicFile(Path(path)) as stream:
        for number, sample in enumerate(samples, start=1):
            try:
                task = prepare_task(sample, labels)
            except RecordError as error:
                on_error(RecordError(error.reason, file=str(path), line=number, pointer=error.pointer))
                continue
            stream.write(orjson.dumps(task, option=orjson.OPT_APPEND_NEWLINE))
            written += 1
    return written
