"""Keep the columnar mirror of a workspace up to date: Parquet tables of its JSONL files.

Each sample file has its own folder of tables, rebuilt only when the file changes (size, time, inode, label schema).
Large files are split at line ends and read in parallel. The mirror can be deleted at any time.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.processes import open_workers
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.extract import extract_rows
from goldspan.dashboards.mirror.folder import FOLDER, explain_write_failure, prepare_folder
from goldspan.dashboards.mirror.sources import FileChangedError, Part, SampleFile, cut_source, list_sources, read_part
from goldspan.dashboards.mirror.tables import TABLES, make_frame

Progress = Callable[[int, int], None]
"""Called with the bytes read so far and the total."""

_ATTEMPTS = 5
_POLL_SECONDS = 0.25
_READ_ERRORS = (pl.exceptions.PolarsError, OSError, ValueError)
"""Raised when tables are truncated or missing."""

_MIN_PARALLEL_BYTES = 4 << 20
"""Bytes below which starting processes takes longer than reading."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The tables and their version. `changed` is the modification time of the newest file (epoch seconds).

    `unreadable` counts records that cannot be decoded. `share` of the annotation samples were drawn at random; below 1
    where there are too many to be read.
    """

    tables: dict[str, pl.DataFrame]
    version: str
    unreadable: int = 0
    changed: float | None = None
    share: float = 1.0

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def find_version(workspace: Workspace, labels: LabelSchema) -> str:
    """Compute the version the mirror would have now, from the size and time of each file."""
    return _name_version(list_sources(workspace, labels))


def _name_version(sources: Iterable[SampleFile]) -> str:
    return hashlib.sha256(" ".join(sorted(source.key for source in sources)).encode()).hexdigest()[:16]


def refresh_mirror(workspace: Workspace, labels: LabelSchema, progress: Progress | None = None) -> Mirror:
    """Update the mirror and load it. Only changed files are read again.

    Raises:
        StateError: the mirror cannot be written or read.
    """
    with _lock_tables(workspace, labels, progress) as (root, sources):
        try:
            return _load(root, sources)
        except _READ_ERRORS:
            _delete_others(root, {source.key for source in sources if _is_readable(root, source)})
        sources = _refresh(root, workspace, labels, progress)
        try:
            return _load(root, sources)
        except _READ_ERRORS:
            raise StateError(
                f"The dashboard's tables in {root} are damaged. Delete this folder and reload the page."
            ) from None


def update_tables(workspace: Workspace, labels: LabelSchema) -> None:
    """Update the mirror without loading it. Raises as `refresh_mirror` does."""
    with _lock_tables(workspace, labels, None):
        return


@contextmanager
def _lock_tables(
    workspace: Workspace, labels: LabelSchema, progress: Progress | None
) -> Iterator[tuple[Path, list[SampleFile]]]:
    """Update the tables and hold their lock; yields their folder and the files they cover."""
    root = workspace.root / FOLDER
    sources = list_sources(workspace, labels)
    if not sources:
        yield root, []
        return
    try:
        prepare_folder(workspace)
        with _acquire_lock(root, sources, progress):
            sources = _refresh(root, workspace, labels, progress)
            _delete_others(root, {source.key for source in sources})
            yield root, sources
    except OSError as error:
        raise explain_write_failure(root, error) from None


@contextmanager
def _acquire_lock(root: Path, sources: list[SampleFile], progress: Progress | None) -> Iterator[None]:
    """One process or page at a time updates the tables; the others report its progress."""
    lock = FileLock(root / "lock", mode=0o600)
    while True:
        try:
            lock.acquire(timeout=_POLL_SECONDS)
        except Timeout:
            if progress:
                with suppress(FileChangedError):
                    progress(*_measure_progress(root, sources))
            continue
        try:
            yield
        finally:
            lock.release()
        return


def _measure_progress(root: Path, sources: list[SampleFile]) -> tuple[int, int]:
    parts = [part for source in sources if not _is_done(root, source) for part in cut_source(source)]
    read = [part for part in parts if (root / part.source.key / str(part.start)).exists()]
    return sum(part.end - part.start for part in read), sum(part.end - part.start for part in parts)


def _refresh(root: Path, workspace: Workspace, labels: LabelSchema, progress: Progress | None) -> list[SampleFile]:
    """Read changed files; a file that changes meanwhile is read again.

    A file that never stops changing counts with the content it had when listed if it only grows; otherwise it is
    left out.
    """
    for _ in range(_ATTEMPTS):
        sources = list_sources(workspace, labels)
        with suppress(FileChangedError):
            _read_sources(root, sources, labels, progress)
            return sources
    read = []
    for source in list_sources(workspace, labels):
        with suppress(FileChangedError):
            _read_sources(root, [source._replace(growing=True)], labels, progress)
            read.append(source)
    return read


def _read_sources(root: Path, sources: list[SampleFile], labels: LabelSchema, progress: Progress | None) -> None:
    stale = [source for source in sources if not _is_done(root, source)]
    _read_parts([(root, part) for source in stale for part in cut_source(source)], labels, progress)
    for source in stale:
        (root / source.key).mkdir(exist_ok=True)
        (root / source.key / "done").touch()


def _is_done(root: Path, source: SampleFile) -> bool:
    return (root / source.key / "done").exists()


def _read_parts(parts: list[tuple[Path, Part]], labels: LabelSchema, progress: Progress | None) -> None:
    total = sum(part.end - part.start for _, part in parts)
    done = 0
    workers = min(os.cpu_count() or 1, len(parts))
    if workers < 2 or total < _MIN_PARALLEL_BYTES:
        for root, part in parts:
            _write_part(root, part, labels)
        return
    with open_workers(workers, gc.disable) as pool:
        futures = [(pool.submit(_write_part, root, part, labels), part) for root, part in parts]
        for future, part in futures:
            future.result()
            done += part.end - part.start
            if progress:
                progress(done, total)


def _write_part(root: Path, part: Part, labels: LabelSchema) -> None:
    """Read a part of a file and write its tables; they become visible together."""
    unreadable: list[int] = []
    rows = extract_rows(read_part(part, labels, unreadable), labels)
    folder = root / part.source.key
    folder.mkdir(exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder))
    for name, table in rows.items():
        make_frame(name, table).write_parquet(temporary / f"{name}.parquet", compression="lz4")
    (temporary / "unreadable").write_text(str(len(unreadable)))
    target = folder / f"{part.start}"
    shutil.rmtree(target, ignore_errors=True)
    temporary.replace(target)


def _delete_others(root: Path, wanted: set[str]) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


def _is_readable(root: Path, source: SampleFile) -> bool:
    """Return whether the tables of a file can be read."""
    try:
        _load(root, [source])
    except _READ_ERRORS:
        return False
    return True


def _load(root: Path, sources: list[SampleFile]) -> Mirror:
    parts = [part for source in sources for part in _list_parts(root / source.key)]
    samples = [_read_table(part, "samples") for part in parts]
    tables = {"samples": pl.concat([make_frame("samples", []), *samples]).with_row_index("sample")}
    for name in TABLES.keys() - {"samples"}:
        frames, first = [make_frame(name, [])], 0
        for part, head in zip(parts, samples, strict=True):
            frames.append(_read_table(part, name).with_columns(pl.col("sample") + pl.lit(first, pl.UInt32)))
            first += head.height
        tables[name] = _add_sample_columns(pl.concat(frames), tables["samples"])
    unreadable = sum(int((part / "unreadable").read_text()) for part in parts)
    changed = max((source.changed / 1e9 for source in sources), default=None)
    share = min((source.share for source in sources), default=1.0)
    return Mirror(_drop_repeated_samples(tables), _name_version(sources), unreadable, changed, share)


def _list_parts(folder: Path) -> list[Path]:
    parts = [path for path in folder.iterdir() if path.name.isdigit()]
    return sorted(parts, key=lambda path: int(path.name))


def _read_table(part: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(part / f"{name}.parquet", memory_map=False)


def _add_sample_columns(table: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """Add the language and document type of each row's sample."""
    return table.with_columns(samples[column].gather(table["sample"]) for column in ("language", "document_type"))


def _drop_repeated_samples(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Keep the first record of each sample id; drop the rows of the others."""
    samples = tables["samples"].unique(["sample_id"], keep="first", maintain_order=True)
    if samples.height == tables["samples"].height:
        return tables
    first = samples.select("sample")
    others = {
        name: table.join(first, on="sample", how="semi", maintain_order="left")
        for name, table in tables.items()
        if name != "samples"
    }
    return {"samples": samples, **others}
