"""The columnar mirror of a workspace: Parquet tables that follow the JSONL files.

Each file of samples has its own folder of tables, made anew only when the file changed (size, time, label schema).
Large files are cut at line ends and read by several processes. A file that a run is just replacing is read as it was
opened. The mirror can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import polars as pl

from annotation.errors import InputError, RecordError
from annotation.identity import make_sample_id
from annotation.labels import LabelSchema
from annotation.store import list_files
from annotation.tasks import read_task
from annotation.workspace import Workspace
from dashboards.extract import FORMAT, TABLES, Located, extract_columns

Progress = Callable[[int, int], None]
LAYERS = ("training_samples", "annotation_samples")
"""Folders that are mirrored; of a sample in both, the record with the work of people counts."""

_PART_BYTES = 8 * 1024 * 1024
_TYPES = {"str": pl.String, "int": pl.Int64, "float": pl.Float64, "bool": pl.Boolean}


class Part(NamedTuple):
    """A stretch of a file that begins and ends at line ends."""

    file: Path
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mirror:
    """The tables, and a version that changes whenever they do."""

    tables: dict[str, pl.DataFrame]
    version: str
    unreadable: int

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def find_version(workspace: Workspace, labels: LabelSchema) -> str:
    """What the version of the mirror would be now: it costs a look at each file's size and time."""
    return _name_version(folder for folder, _ in _list_sources(workspace, labels))


def _name_version(folders: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(sorted(folders)).encode()).hexdigest()[:16]


def refresh_mirror(workspace: Workspace, labels: LabelSchema, progress: Progress | None = None) -> Mirror:
    """Bring the mirror up to date and load it. Only files that changed are read again."""
    root = workspace.root / ".dashboard"
    wanted = dict(_list_sources(workspace, labels))
    stale = [(folder, file, name) for folder, (file, name) in wanted.items() if not (root / folder / "done").exists()]
    parts = [(root / folder, part) for folder, file, name in stale for part in _cut(file, name)]
    _read_parts(parts, labels, progress)
    for folder, _, _ in stale:
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "done").touch()
    _forget_others(root, set(wanted))
    rank = {layer: number for number, layer in enumerate(LAYERS)}
    ordered = sorted((rank[name.split("/")[0]], name, folder) for folder, (_, name) in wanted.items())
    return _load(root, [(folder, name) for _, name, folder in ordered])


def _list_sources(workspace: Workspace, labels: LabelSchema) -> Iterator[tuple[str, tuple[Path, str]]]:
    for layer in LAYERS:
        try:
            files = list_files([workspace.root / layer])
        except InputError:
            continue
        for file in files:
            state = file.stat()
            key = f"{FORMAT} {layer}/{file.name} {state.st_size} {state.st_mtime_ns} {labels.fingerprint}"
            yield hashlib.sha256(key.encode()).hexdigest()[:24], (file, f"{layer}/{file.name}")


def _cut(file: Path, name: str) -> Iterator[Part]:
    size = file.stat().st_size
    if file.suffix == ".json" or size <= _PART_BYTES:
        yield Part(file, name, 0, size)
        return
    with file.open("rb") as stream:
        start = 0
        while start < size:
            stream.seek(min(start + _PART_BYTES, size))
            stream.readline()
            end = min(stream.tell(), size)
            yield Part(file, name, start, end)
            start = end


def _read_parts(parts: list[tuple[Path, Part]], labels: LabelSchema, progress: Progress | None) -> None:
    total = sum(part.end - part.start for _, part in parts)
    done = 0
    workers = min(os.cpu_count() or 1, len(parts))
    if workers < 2:
        for folder, part in parts:
            _write_part(folder, part, labels)
            done += part.end - part.start
            if progress:
                progress(done, total)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures = [(pool.submit(_write_part, folder, part, labels), part) for folder, part in parts]
        for future, part in futures:
            future.result()
            done += part.end - part.start
            if progress:
                progress(done, total)


def _write_part(folder: Path, part: Part, labels: LabelSchema) -> None:
    """Read a stretch of a file and write its tables; nothing is seen of them until all are whole."""
    unreadable: list[int] = []
    tables = extract_columns(_read(part, labels, unreadable), labels)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{part.start}"
    temporary = Path(tempfile.mkdtemp(dir=folder))
    for name, columns in tables.items():
        make_frame(name, columns).write_parquet(temporary / f"{name}.parquet", compression="lz4")
    (temporary / "unreadable").write_text(str(len(unreadable)))
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)


def make_frame(table: str, columns: dict[str, list[Any]]) -> pl.DataFrame:
    """A table with the types of its columns."""
    return pl.DataFrame(columns, schema={column: _TYPES[kind] for column, kind in TABLES[table].items()})


def _read(part: Part, labels: LabelSchema, unreadable: list[int]) -> Iterator[Located]:
    for offset, value in _read_values(part, unreadable):
        try:
            sample, issues = read_task(value, labels)
        except RecordError:
            unreadable.append(offset)
        else:
            yield Located(sample, part.name, offset, issues)


def _read_values(part: Part, unreadable: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    with part.file.open("rb") as stream:
        if part.file.suffix == ".json":
            values = _parse(stream.read(), unreadable, 0)
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
            offset += len(line)


def _parse(data: bytes, unreadable: list[int], offset: int) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        unreadable.append(offset)
        return None


def _forget_others(root: Path, wanted: set[str]) -> None:
    if root.is_dir():
        for folder in root.iterdir():
            if folder.is_dir() and folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)


def _load(root: Path, sources: list[tuple[str, str]]) -> Mirror:
    """`sources`: folder and name of each file, those whose records count most coming first."""
    tables = {}
    for name in TABLES:
        frames = [
            pl.read_parquet(file, memory_map=False).with_columns(pl.lit(number, pl.UInt32).alias("source"))
            for number, (folder, _) in enumerate(sources)
            for file in sorted((root / folder).glob(f"*/{name}.parquet"), key=lambda file: int(file.parent.name))
        ]
        empty = make_frame(name, {column: [] for column in TABLES[name]})
        tables[name] = pl.concat([empty.with_columns(pl.lit(0, pl.UInt32).alias("source")), *frames])
    unreadable = sum(int(file.read_text()) for folder, _ in sources for file in (root / folder).glob("*/unreadable"))
    return Mirror(_keep_first(tables), _name_version(folder for folder, _ in sources), unreadable)


def _keep_first(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Of a sample that stands in several files, the record in the first source; the others' rows go."""
    samples = tables["samples"]
    copies = samples.filter(samples["sample_id"].is_duplicated())
    if copies.is_empty():
        return tables
    first = copies.group_by("sample_id").agg(pl.col("source").min().alias("first"))
    kept = {
        name: table.join(first, on="sample_id", how="left")
        .filter(pl.col("first").is_null() | (pl.col("first") == pl.col("source")))
        .drop("first")
        for name, table in tables.items()
    }
    kept["samples"] = kept["samples"].unique(["sample_id"], keep="first", maintain_order=True)
    return kept


def find_record(workspace: Workspace, file: str, sample_id: str, offset: int) -> dict[str, Any] | None:
    """The record of a sample by the place that the mirror knows; None when the file has changed since."""
    layer, _, name = file.partition("/")
    path = workspace.root / layer / name
    if layer not in LAYERS or name != Path(name).name or not path.is_file():
        return None
    with path.open("rb") as stream:
        stream.seek(offset)
        data = stream.read() if path.suffix == ".json" else stream.readline()
    value = _parse(data, [], offset)
    for entry in value if isinstance(value, list) else [value]:
        fields = entry.get("data") if isinstance(entry, dict) else None
        if isinstance(fields, dict) and isinstance(fields.get("text"), str):
            known = fields.get("sample_id") or make_sample_id(fields["text"], str(fields.get("language") or ""))
            if known == sample_id:
                return dict(entry)
    return None
