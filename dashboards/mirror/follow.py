"""The columnar mirror of a workspace: Parquet tables that follow the JSONL files.

Each file of samples has its own folder of tables, made anew only when the file changed (size, time, inode, label
schema). Large files are cut at line ends and read by several processes. The mirror can be deleted at any time.
"""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import polars as pl
from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.extract import extract_rows
from goldspan.dashboards.mirror.folder import explain_tables
from goldspan.dashboards.mirror.sources import FileChangedError, Part, SampleFile, cut_source, list_sources, read_part
from goldspan.dashboards.mirror.tables import TABLES, make_frame

Progress = Callable[[int, int], None]
"""Called with the bytes that are read and those there are."""

_ATTEMPTS = 5
_LOOK_EVERY = 0.25
_DAMAGES = (pl.exceptions.PolarsError, OSError, ValueError)
"""What reading tables raises that were cut off or lost."""

_WORTH_PROCESSES = 4 << 20
"""Bytes; processes of their own take longer to start than this takes to read."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """The tables, and a version that changes whenever they do. `changed` is when the newest file did (epoch seconds).

    `unreadable` counts records that are no samples.
    """

    tables: dict[str, pl.DataFrame]
    version: str
    unreadable: int = 0
    changed: float | None = None

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def find_version(workspace: Workspace, labels: LabelSchema) -> str:
    """What the version of the mirror would be now: it costs a look at each file's size and time."""
    return _name_version(list_sources(workspace, labels))


def _name_version(sources: Iterable[SampleFile]) -> str:
    return hashlib.sha256(" ".join(sorted(source.key for source in sources)).encode()).hexdigest()[:16]


def refresh_mirror(workspace: Workspace, labels: LabelSchema, progress: Progress | None = None) -> Mirror:
    """Bring the mirror up to date and load it. Only files that changed are read again.

    Raises:
        StateError: the mirror cannot be written.

    """
    with _hold_tables(workspace, labels, progress) as (root, sources):
        try:
            return _load(root, sources)
        except _DAMAGES:
            _forget_others(root, {source.key for source in sources if _is_whole(root, source)})
        sources = _follow(root, workspace, labels, progress)
        try:
            return _load(root, sources)
        except _DAMAGES:
            raise StateError(
                f"The dashboard's tables in {root} are damaged. Delete this folder and look again."
            ) from None


def update_tables(workspace: Workspace, labels: LabelSchema) -> None:
    """Bring the mirror up to date without loading it. Raises as `refresh_mirror` does."""
    with _hold_tables(workspace, labels, None):
        return


@contextmanager
def _hold_tables(
    workspace: Workspace, labels: LabelSchema, progress: Progress | None
) -> Iterator[tuple[Path, list[SampleFile]]]:
    """The folder of the tables and the files in it, up to date, while nobody else changes them."""
    root = workspace.root / ".dashboard"
    sources = list_sources(workspace, labels)
    if not sources:
        yield root, []
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _take_lock(root, sources, progress):
            sources = _follow(root, workspace, labels, progress)
            _forget_others(root, {source.key for source in sources})
            yield root, sources
    except OSError as error:
        raise explain_tables(root, error) from None


@contextmanager
def _take_lock(root: Path, sources: list[SampleFile], progress: Progress | None) -> Iterator[None]:
    """One process or page at a time follows the files; the others see how far it is."""
    lock = FileLock(root / "lock")
    while True:
        try:
            lock.acquire(timeout=_LOOK_EVERY)
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


def _follow(root: Path, workspace: Workspace, labels: LabelSchema, progress: Progress | None) -> list[SampleFile]:
    """Read what changed; a file that changes meanwhile is read again.

    Of one that goes on and on, what it held when it was listed counts, as long as it only grows; else it is left out.
    """
    for _ in range(_ATTEMPTS):
        sources = list_sources(workspace, labels)
        with suppress(FileChangedError):
            _read_sources(root, sources, labels, progress)
            return sources
    kept = []
    for source in list_sources(workspace, labels):
        with suppress(FileChangedError):
            _read_sources(root, [source._replace(growing=True)], labels, progress)
            kept.append(source)
    return kept


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
    if workers < 2 or total < _WORTH_PROCESSES:
        for root, part in parts:
            _write_part(root, part, labels)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=gc.disable) as pool:
        futures = [(pool.submit(_write_part, root, part, labels), part) for root, part in parts]
        try:
            for future, part in futures:
                future.result()
                done += part.end - part.start
                if progress:
                    progress(done, total)
        finally:
            pool.shutdown(cancel_futures=True)


def _write_part(root: Path, part: Part, labels: LabelSchema) -> None:
    """Read a stretch of a file and write its tables; nothing is seen of them until all are whole."""
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


def _forget_others(root: Path, wanted: set[str]) -> None:
    for folder in root.iterdir():
        if folder.is_dir() and folder.name not in wanted:
            shutil.rmtree(folder, ignore_errors=True)


def _is_whole(root: Path, source: SampleFile) -> bool:
    """Whether the tables of a file can be read."""
    try:
        _load(root, [source])
    except _DAMAGES:
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
        tables[name] = _describe(pl.concat(frames), tables["samples"])
    unreadable = sum(int((part / "unreadable").read_text()) for part in parts)
    changed = max((source.changed / 1e9 for source in sources), default=None)
    return Mirror(_keep_first(tables), _name_version(sources), unreadable, changed)


def _list_parts(folder: Path) -> list[Path]:
    parts = [path for path in folder.iterdir() if path.name.isdigit()]
    return sorted(parts, key=lambda path: int(path.name))


def _read_table(part: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(part / f"{name}.parquet", memory_map=False)


def _describe(table: pl.DataFrame, samples: pl.DataFrame) -> pl.DataFrame:
    """The table with language and document type of the samples that its rows belong to."""
    return table.with_columns(samples[column].gather(table["sample"]) for column in ("language", "document_type"))


def _keep_first(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Of a sample that stands in several places, the record in the first one; the rows of the others go."""
    samples = tables["samples"].unique(["sample_id"], keep="first", maintain_order=True)
    if samples.height == tables["samples"].height:
        return tables
    kept = samples.select("sample")
    others = {
        name: table.join(kept, on="sample", how="semi", maintain_order="left")
        for name, table in tables.items()
        if name != "samples"
    }
    return {"samples": samples, **others}
