"""Samples on disk: JSONL, one task per line; also read from `.json` files that hold one task or a list.

Files are written whole (temporary file, fsync, rename) and only with tasks that satisfy the JSON Schema.
Files are streamed. A bad record goes to `on_error`, and reading continues.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from goldspan.annotation.checks import check_text, find_errors
from goldspan.annotation.encoding import decode_text, detect_encoding
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import AtomicFile, refuse_device, suggest_path
from goldspan.annotation.identity import IdentityCheck
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.codec import DecodedTask, encode_task, load_task_validator, read_task, validate_task
from goldspan.annotation.tasks.record import MAX_DEPTH, explain_json, is_deep, pack_record, parse_json, unpack_record
from goldspan.annotation.tombstones import Tombstones, find_tombstones
from goldspan.annotation.types import Sample

OnError = Callable[[RecordError], None]
MAX_LINE = 64 * 1024 * 1024
"""Bytes; a longer line is refused instead of filling the memory."""

MAX_FILE = 128 * 1024 * 1024
"""Bytes of a file that has to be read whole: JSON lists, and encodings other than UTF-8."""

_COMPANIONS = (".state.json", ".conflicts.jsonl", ".part.jsonl", ".rejections.jsonl")
"""Suffixes of companion files, which hold no samples and are skipped in folders."""


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


_OTHER_FILES = frozenset(
    {".csv", ".tsv", ".psv", ".txt", ".md", ".xlsx", ".conll", ".conllu", ".bio", ".bioes", ".iob", ".iob2", ".ann"}
    | {".spacy", ".parquet", ".arrow", ".xml", ".xmi", ".tei", ".yml", ".yaml"}
)
"""Endings of files that are never samples."""


_FILLED_BY = {
    "training_samples": " `goldspan studio pull` brings the reviews.",
    "annotation_samples": " `goldspan samples import` or `goldspan generate start` fills it.",
}
"""What makes the folders of a workspace."""


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
                raise InputError(
                    f"{path} holds no .jsonl or .json file. `goldspan samples import {path}` reads others."
                )
            files += found
        elif path.suffix.lower() in _OTHER_FILES:
            raise InputError(f"{path} is not a file of samples. `goldspan samples import {path}` makes one of it.")
        elif path.exists():
            files.append(path)
        else:
            raise InputError(f"There is no file {path}.{_FILLED_BY.get(path.name) or suggest_path(path)}")
    return files


def _holds_samples(file: Path) -> bool:
    return (
        file.suffix in {".jsonl", ".json"}
        and not file.name.endswith(_COMPANIONS)
        and not file.name.startswith(".")
        and file.is_file()
    )


def read_records(
    path: Path,
    on_error: OnError = raise_error,
    encoding: str = "",
    coerce: Callable[[Any], Any] = lambda value: value,
) -> Iterator[JsonRecord]:
    """The JSON objects of a file, one at a time; `encoding` overrides the one that is recognised.

    `coerce` may turn values of other forms into objects.

    Raises:
        InputError: the file cannot be opened or decoded, or a `.json` file is too large to be read whole.
    """
    try:
        with path.open("rb") as stream:
            refuse_device(stream, path)
            head = stream.peek(512)[:512]
            if path.suffix.lower() == ".json" or LIST.match(head):
                yield from _read_whole(path, stream, on_error, (encoding, coerce))
            elif encoding or detect_encoding(head) not in {"utf-8", "utf-8-sig"}:
                text = decode_text(_read_limited(path, stream), str(path), encoding)
                yield from _read_lines(path, io.BytesIO(text.encode("utf-8", "surrogatepass")), on_error, coerce)
            else:
                yield from _read_lines(path, stream, on_error, coerce)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _read_limited(path: Path, stream: IO[bytes]) -> bytes:
    data = stream.read(MAX_FILE + 1)
    if len(data) > MAX_FILE:
        raise InputError(
            f"{path} is larger than {MAX_FILE >> 20} MiB. Convert it to JSONL in UTF-8, which is streamed."
        )
    return data


def _read_lines(path: Path, stream: IO[bytes], on_error: OnError, coerce: Callable[[Any], Any]) -> Iterator[JsonRecord]:
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
            yield from _parse(line, name, number, on_error, coerce)


def _read_whole(
    path: Path, stream: IO[bytes], on_error: OnError, how: tuple[str, Callable[[Any], Any]]
) -> Iterator[JsonRecord]:
    encoding, coerce = how
    name = str(path)
    data = _read_limited(path, stream)
    if encoding or detect_encoding(data[:512]) != "utf-8":
        data = decode_text(data, name, encoding).encode("utf-8", "surrogatepass")
    try:
        document = parse_json(data)
    except ValueError as error:
        if b"\n{" in data.strip():
            yield from _read_lines(path, io.BytesIO(data), on_error, coerce)
            return
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        on_error(RecordError(f"not valid JSON: {explain_json(data, error)}", file=name, line=line))
        return
    for number, value in enumerate(_list_records(document, coerce), start=1):
        yield from _accept(_coerce_record(value, coerce), name, number, on_error)


def _list_records(document: Any, coerce: Callable[[Any], Any]) -> list[Any]:
    found = coerce(document)
    if isinstance(found, list):
        return found
    return [document]


def _parse(
    line: bytes, name: str, number: int, on_error: OnError, coerce: Callable[[Any], Any]
) -> Iterator[JsonRecord]:
    try:
        value = parse_json(line)
    except ValueError as error:
        column = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        on_error(RecordError(f"not valid JSON: {explain_json(line, error)}{column}", file=name, line=number))
        return
    yield from _accept(_coerce_record(value, coerce), name, number, on_error)


def _coerce_record(value: Any, coerce: Callable[[Any], Any]) -> Any:
    made = coerce(value)
    return made if isinstance(made, dict) else value


def _accept(value: Any, name: str, number: int, on_error: OnError) -> Iterator[JsonRecord]:
    if not isinstance(value, dict):
        on_error(RecordError(f"expected a JSON object, found {type(value).__name__}", file=name, line=number))
        return
    try:
        record = _unpack(value)
    except RecordError as error:
        on_error(RecordError(error.reason, file=name, line=number, pointer=error.pointer))
    else:
        yield JsonRecord(name, number, record)


def _unpack(value: dict[str, Any]) -> dict[str, Any]:
    record = unpack_record(value)
    if is_deep(record):
        raise RecordError(f"the record is nested more than {MAX_DEPTH} deep")
    return record


def read_samples(
    paths: str | Path | Iterable[str | Path],
    labels: LabelSchema | None = None,
    on_error: OnError = raise_error,
    *,
    tolerant: bool = False,
    unique: bool = True,
) -> Iterator[Sample]:
    """The samples of files and folders, one at a time; without `labels` by the label schema that `load_labels()` finds.

    A record with an issue in its regions or relations is refused, and so is one whose id stood before with another
    text or whose text stood before with another id (`IdentityCheck`; not if `unique` is False).
    `tolerant` yields what can be read of a record, whatever its identity.
    """
    identities = IdentityCheck()
    for record, (sample, issues) in read_tasks(paths, load_labels() if labels is None else labels, on_error):
        if tolerant:
            yield sample
        elif issues:
            on_error(RecordError(f"{issues[0].code}: {issues[0].message}", file=record.file, line=record.line))
        elif unique and (problem := identities.add(sample)):
            on_error(RecordError(problem, file=record.file, line=record.line, pointer="/data/sample_id"))
        else:
            yield sample


def read_tasks(
    paths: str | Path | Iterable[str | Path], labels: LabelSchema, on_error: OnError = raise_error
) -> Iterator[tuple[JsonRecord, DecodedTask]]:
    """Every record with a text, decoded, from files and folders; what was erased from their workspace is refused."""
    for file in list_files(paths):
        erased = find_tombstones(file)
        for record in read_records(file, on_error):
            try:
                decoded = read_task(record.value, labels)
                erased.refuse(decoded.sample.sample_id, decoded.sample.text)
            except RecordError as error:
                on_error(RecordError(error.reason, file=record.file, line=record.line, pointer=error.pointer))
            else:
                yield record, decoded


def drop_erased(samples: Iterable[Sample], erased: Tombstones, on_error: OnError = raise_error) -> Iterator[Sample]:
    """The samples without those that were erased, which go to `on_error`."""
    for sample in samples:
        try:
            erased.refuse(sample.sample_id, sample.text)
        except RecordError as error:
            on_error(error)
        else:
            yield sample


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
        for issue in find_errors(sample.text, annotation, labels, sample.language):
            raise RecordError(f"{issue.code}: {issue.message}")
    return task


def write_samples(
    path: str | Path,
    samples: Iterable[Sample],
    labels: LabelSchema | None = None,
    on_error: OnError = raise_error,
    *,
    replace: bool = True,
) -> int:
    """Write samples as JSONL, whole or not at all; returns how many. Refused ones go to `on_error`.

    What was erased from the file's workspace is refused too. Without `labels`, the label schema is the one that
    `load_labels()` finds.

    Raises:
        StateError: the disk refused, or the file exists and `replace` is False.
    """
    written = 0
    schema = load_labels() if labels is None else labels
    erased = find_tombstones(Path(path))
    with AtomicFile(Path(path), replace=replace) as stream:
        for number, sample in enumerate(samples, start=1):
            try:
                erased.refuse(sample.sample_id, sample.text)
                task = prepare_task(sample, schema)
            except RecordError as error:
                on_error(RecordError(error.reason, file=str(path), line=number, pointer=error.pointer))
                continue
            stream.write(pack_record(task))
            written += 1
    return written
