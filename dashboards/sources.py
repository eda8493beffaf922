"""The files behind the mirror: which there are, how they are cut into parts, and how records are read from them.

A file that a run replaces while it is being read is noticed: the part is then read again from the new file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from annotation.errors import InputError, RecordError
from annotation.identity import make_sample_id
from annotation.labels import LabelSchema
from annotation.store import list_files
from annotation.tasks import read_task
from annotation.types import Sample
from annotation.workspace import Workspace
from dashboards.extract import Located
from dashboards.tables import FORMAT

LAYERS = ("training_samples", "annotation_samples")
"""Folders that are mirrored; of a sample in both, the record with the work of people counts."""

_PART_BYTES = 8 * 1024 * 1024


class FileChangedError(Exception):
    """The file was replaced after it was listed; it has to be listed again."""


class Source(NamedTuple):
    """A file of samples: the name of its tables, its name in the workspace, and what tells its versions apart."""

    key: str
    file: Path
    name: str
    size: int
    inode: int
    changed: int


class Part(NamedTuple):
    """A stretch of a file that begins and ends at line ends; `.json` files have one part."""

    source: Source
    start: int
    end: int


def list_sources(workspace: Workspace, labels: LabelSchema) -> list[Source]:
    """The files of all layers, those first whose records count most."""
    sources = []
    for layer in LAYERS:
        try:
            files = list_files([workspace.root / layer])
        except InputError:
            continue
        for file in files:
            try:
                state = file.stat()
            except OSError:
                continue
            name = f"{layer}/{file.name}"
            stamp = f"{FORMAT} {name} {state.st_size} {state.st_mtime_ns} {state.st_ino} {labels.fingerprint}"
            key = hashlib.sha256(stamp.encode("utf-8", "surrogateescape")).hexdigest()[:24]
            sources.append(Source(key, file, name, state.st_size, state.st_ino, state.st_mtime_ns))
    return sources


def cut_source(source: Source) -> list[Part]:
    """The parts of a file, about 8 MiB each.

    Raises:
        FileChangedError: the file was replaced or is gone.

    """
    if source.file.suffix == ".json" or source.size <= _PART_BYTES:
        return [Part(source, 0, source.size)]
    parts = []
    with _open(source) as stream:
        start = 0
        while start < source.size:
            stream.seek(min(start + _PART_BYTES, source.size))
            stream.readline()
            end = min(stream.tell(), source.size)
            parts.append(Part(source, start, end))
            start = end
    return parts


def read_part(part: Part, labels: LabelSchema, unreadable: list[int]) -> Iterator[Located]:
    """The samples of a part; offsets of what cannot be read are added to `unreadable`.

    Raises:
        FileChangedError: the file was replaced or is gone.

    """
    for offset, value in _read_values(part, unreadable):
        try:
            sample, issues = read_task(value, labels)
        except RecordError:
            unreadable.append(offset)
        else:
            yield Located(sample, part.source.name, offset, issues)


def _open(source: Source) -> Any:
    try:
        stream = source.file.open("rb")
    except OSError:
        raise FileChangedError from None
    state = os.fstat(stream.fileno())
    if (state.st_size, state.st_ino, state.st_mtime_ns) != (source.size, source.inode, source.changed):
        stream.close()
        raise FileChangedError
    return stream


def _read_values(part: Part, unreadable: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    with _open(part.source) as stream:
        if part.source.file.suffix == ".json":
            values = _parse(stream.read(part.end), unreadable, 0)
            for value in values if isinstance(values, list) else [values]:
                if isinstance(value, dict):
                    yield 0, value
            return
        stream.seek(part.start)
        offset = part.start
        while offset < part.end and (line := stream.readline()):
            value = _parse(line, unreadable, offset) if line.strip() else None
            if isinstance(value, dict):
                yield offset, value
            elif value is not None:
                unreadable.append(offset)
            offset += len(line)


def _parse(data: bytes, unreadable: list[int], offset: int) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        unreadable.append(offset)
        return None


def find_record(workspace: Workspace, file: str, sample_id: str, offset: int) -> dict[str, Any] | None:
    """The record of a sample by the place that the mirror knows; None when the file has changed since."""
    layer, _, name = file.partition("/")
    path = workspace.root / layer / name
    if layer not in LAYERS or name != Path(name).name:
        return None
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            value = _parse(stream.read() if path.suffix == ".json" else stream.readline(), [], offset)
    except OSError:
        return None
    for entry in value if isinstance(value, list) else [value]:
        fields = entry.get("data") if isinstance(entry, dict) else None
        if isinstance(fields, dict) and isinstance(fields.get("text"), str):
            known = fields.get("sample_id") or make_sample_id(fields["text"], str(fields.get("language") or ""))
            if known == sample_id:
                return dict(entry)
    return None


def load_samples(workspace: Workspace, places: pl.DataFrame, labels: LabelSchema) -> Iterator[Sample]:
    """Samples by their places (columns file, sample_id, offset), read from their files; changed ones are left out."""
    for place in places.select("file", "sample_id", "offset").iter_rows():
        record = find_record(workspace, *place)
        if record is not None:
            yield read_task(record, labels).sample


def read_pull_state(path: Path) -> dict[str, Any]:
    """What the last pull into a file of samples noted beside it: url, project, watermark; empty without a pull."""
    try:
        state = orjson.loads(path.with_name(f"{path.stem}.state.json").read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return state if isinstance(state, dict) else {}
