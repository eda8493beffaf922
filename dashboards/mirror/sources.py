"""List the sample files behind the mirror, split them into parts, and read records from them.

A file replaced while it is being read raises `FileChangedError`, and is read again. A file that cannot be opened
counts as one unreadable record.
"""

from __future__ import annotations

import codecs
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson
import polars as pl

from goldspan.annotation.errors import InputError, RecordError, StateError, show_name
from goldspan.annotation.files import find_json
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.tasks.jsonl import MAX_LINE
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.regions import read_text
from goldspan.annotation.tasks.store import list_files
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.dashboards.mirror.extract import StoredSample
from goldspan.dashboards.mirror.tables import FORMAT

LAYERS = ("training_samples", "annotation_samples")
"""Mirrored folders, in order of precedence: of a sample in both, the reviewed record counts."""

MAX_BYTES = 256 << 20
"""Bytes of annotation samples that are read: about 200,000 samples, 0.5 GB of memory. Of more, some parts are drawn."""

_PART_BYTES = 8 * 1024 * 1024
_REPLACED = "\N{REPLACEMENT CHARACTER}"


class FileChangedError(Exception):
    """The file changed after it was listed; list it again."""


class SampleFile(NamedTuple):
    """A sample file: the name of its tables, its name in the workspace, and its version.

    `growing`: it may have grown since it was listed; only the listed bytes are read. `share`: of its parts, so many
    are drawn (1, 1/2, 1/4 …).
    """

    key: str
    file: Path
    name: str
    size: int
    inode: int
    changed: int
    growing: bool = False
    share: float = 1.0


class Part(NamedTuple):
    """A byte range of a file that begins and ends at line ends; `.json` files have one part."""

    source: SampleFile
    start: int
    end: int


def list_sources(workspace: Workspace, labels: LabelSchema) -> list[SampleFile]:
    """List the sample files of all layers, in order of precedence.

    Files of `training_samples` are read whole. Of more than `MAX_BYTES` of annotation samples, a share of the parts is.

    Raises:
        StateError: a folder of samples cannot be read.
    """
    sources = []
    for layer in LAYERS:
        states = {}
        for file in _list_layer(workspace.root / layer):
            with suppress(OSError):
                states[file] = file.stat()
        share = 1.0 if layer == LAYERS[0] else _choose_share(sum(state.st_size for state in states.values()))
        for file, state in states.items():
            versions = f"{state.st_size} {state.st_mtime_ns} {state.st_ino} {os.access(file, os.R_OK)}"
            stamp = f"{FORMAT} {share} {layer}/{file.name} {versions} {labels.fingerprint}"
            key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:24]
            name = f"{layer}/{show_name(file.name)}"
            sources.append(SampleFile(key, file, name, state.st_size, state.st_ino, state.st_mtime_ns, share=share))
    return sources


def _choose_share(size: int) -> float:
    """The largest power of 1/2 that leaves at most `MAX_BYTES` of so many."""
    share = 1.0
    while size * share > MAX_BYTES:
        share /= 2
    return share


def _list_layer(folder: Path) -> list[Path]:
    try:
        return list_files([folder])
    except InputError:
        return []
    except OSError as error:
        raise StateError(f"{folder} cannot be read: {error.strerror}. Let your user read this folder.") from None


def cut_source(source: SampleFile) -> list[Part]:
    """Split a file into parts of about 8 MiB, and draw its share of them by a hash of their places.

    Raises:
        FileChangedError: the file was replaced or is gone.
    """
    return [part for part in _list_parts(source) if _is_drawn(part)]


def _is_drawn(part: Part) -> bool:
    place = f"{part.source.name} {part.start}".encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha256(place).digest()[:8], "big") < part.source.share * 2**64


def _list_parts(source: SampleFile) -> list[Part]:
    if source.file.suffix == ".json" or source.size <= _PART_BYTES:
        return [Part(source, 0, source.size)]
    parts = []
    try:
        stream = _open(source)
    except OSError:
        return [Part(source, 0, source.size)]
    with stream:
        start = 0
        while start < source.size:
            stream.seek(min(start + _PART_BYTES, source.size))
            stream.readline()
            end = min(stream.tell(), source.size)
            parts.append(Part(source, start, end))
            start = end
    return parts


def read_part(part: Part, labels: LabelSchema, unreadable: list[int]) -> Iterator[StoredSample]:
    """Read the samples of a part; offsets of unreadable records are added to `unreadable`.

    Raises:
        FileChangedError: the file was replaced or is gone.
    """
    try:
        for offset, value in _read_values(part, unreadable):
            try:
                sample, issues = read_task(value, labels)
            except RecordError:
                unreadable.append(offset)
            else:
                task = value.get("id")
                known = task if isinstance(task, int) and 0 < task < 2**63 else None
                yield StoredSample(sample, part.source.name, offset, issues, known)
    except OSError:
        unreadable.append(part.start)


def _open(source: SampleFile) -> BinaryIO:
    try:
        stream = source.file.open("rb")
    except FileNotFoundError:
        raise FileChangedError from None
    state = os.fstat(stream.fileno())
    same = (state.st_size, state.st_mtime_ns) == (source.size, source.changed)
    grown = source.growing and state.st_size >= source.size
    if state.st_ino != source.inode or not (same or grown):
        stream.close()
        raise FileChangedError
    return stream


def _read_values(part: Part, unreadable: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    with _open(part.source) as stream:
        if part.source.file.suffix == ".json":
            values = _parse(stream.read(part.end), 0)
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, dict):
                    yield 0, value
                else:
                    unreadable.append(0)
            return
        stream.seek(part.start)
        for offset, line in _read_lines(stream, part.start, part.end):
            value = _parse(line, offset)
            if isinstance(value, dict):
                yield offset, value
            elif line.endswith(b"\n") or not part.source.growing:
                unreadable.append(offset)


def _read_lines(stream: BinaryIO, offset: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield non-empty lines that begin before `end`, with their offsets; over-long lines are truncated."""
    while offset < end and (line := stream.readline(MAX_LINE)):
        if line.strip() and (offset or line.strip() != codecs.BOM_UTF8):
            yield offset, line
        offset += len(line)
        while len(line) == MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE)
            offset += len(line)


def _parse(data: bytes, offset: int) -> Any:
    """Parse the JSON value at an offset, unpacked; None if invalid. A byte order mark is allowed at offset 0 only."""
    try:
        value = orjson.loads(data if offset else data.removeprefix(codecs.BOM_UTF8))
        return unpack_record(value) if isinstance(value, dict) else value
    except (orjson.JSONDecodeError, RecordError):
        return None


def find_record(workspace: Workspace, file: str, sample_id: str, offset: int) -> dict[str, Any] | None:
    """Read the record of a sample at its mirrored location; None if the file has changed since."""
    layer, _, name = file.partition("/")
    if layer not in LAYERS or name != Path(name).name:
        return None
    for path in find_files(workspace.root / layer, name):
        for entry in _read_entries(path, offset):
            fields = entry.get("data") if isinstance(entry, dict) else None
            if isinstance(fields, dict) and isinstance(fields.get("text"), str):
                known = read_text(fields.get("sample_id") or "")
                if sample_id == (known or make_sample_id(fields["text"], read_text(fields.get("language") or ""))):
                    return dict(entry)
    return None


def find_files(folder: Path, name: str) -> list[Path]:
    """Find the files displayed under a name; several only if the name is not valid UTF-8."""
    if _REPLACED not in name:
        return [folder / name]
    try:
        return sorted(file for file in folder.iterdir() if show_name(file.name) == name)
    except OSError:
        return []


def _read_entries(path: Path, offset: int) -> list[Any]:
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            value = _parse(stream.read() if path.suffix == ".json" else stream.readline(), offset)
    except OSError:
        return []
    return value if isinstance(value, list) else [value]


def load_samples(workspace: Workspace, places: pl.DataFrame, labels: LabelSchema) -> Iterator[Sample]:
    """Read samples by location (columns file, sample_id, offset); those that changed since are skipped."""
    for place in places.select("file", "sample_id", "offset").iter_rows():
        record = find_record(workspace, *place)
        if record is not None:
            yield read_task(record, labels).sample


def read_pull_state(path: Path) -> dict[str, Any]:
    """Read the state the last pull stored beside a sample file: url, project, watermark; empty without a pull."""
    return find_json(path.with_name(f"{path.stem}.state.json"))
