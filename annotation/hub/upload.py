"""Build a Hub data set: Parquet shards by split, and a card."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.corpus.outline import find_source, outline_sample
from goldspan.annotation.corpus.quality.measure import QualityReport, measure_quality
from goldspan.annotation.corpus.splits import Split, SplitReport, report_split, split_samples
from goldspan.annotation.errors import InputError
from goldspan.annotation.files import explain_disk, make_private_folder, open_private, write_atomic
from goldspan.annotation.hub.card import CardFacts, render_card
from goldspan.annotation.hub.features import make_features, make_row
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample

SHARD_ROWS = 50_000
_GROUP_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Release:
    """A data set on this disk, ready to be published: `README.md` and `data/<split>-….parquet`."""

    folder: Path
    samples: int
    skipped: int
    digest: str
    files: dict[str, int]
    split: SplitReport
    quality: QualityReport


def build_release(
    folder: Path,
    repository: str,
    read: Callable[[], Iterable[Sample]],
    labels: LabelSchema,
    *,
    test_ratio: float = 0.1,
    licence: str = "other",
    seed: int = 0,
    shard_rows: int = SHARD_ROWS,
) -> Release:
    """Write a data set into an empty folder.

    `read` gives the samples anew each time it is called: they are read to measure, to split and to write them, and
    never held all at once. Samples without an annotation are skipped and counted.

    Raises:
        InputError: there is no sample with an annotation, the share is not between 0 and 1, or the folder is not empty.
        StateError: the disk refused.
    """
    if not 0 < test_ratio < 1:
        raise InputError(f"The share of the test split is {test_ratio}; it must lie between 0 and 1.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not an empty folder. Give a new one.")
    quality = measure_quality(_keep_annotated(read()), labels)
    if not quality.samples:
        raise InputError("There is no sample with an annotation to upload.")
    outlines = []
    skipped = 0
    for sample in read():
        if sample.best:
            outlines.append(outline_sample(sample))
        else:
            skipped += 1
    ratios = {"train": 1 - test_ratio, "test": test_ratio}
    split = split_samples(outlines, ratios, seed=seed)
    report = report_split(outlines, split, ratios, seed=seed)
    names = [f"g-{outlines[group].sample_id[:13]}" for group in split.groups]
    del outlines
    facts = CardFacts()
    with explain_disk(folder):
        digest, files = _write_shards(folder, _keep_annotated(read()), split, names, facts, shard_rows)
    card = render_card(repository.split("/")[-1], facts, report, quality, labels, licence=licence, digest=digest)
    write_atomic(folder / "README.md", card.encode())
    return Release(folder, facts.samples, skipped, digest, files, report, quality)


def _keep_annotated(samples: Iterable[Sample]) -> Iterable[Sample]:
    return (sample for sample in samples if sample.best)


def _write_shards(
    folder: Path, samples: Iterable[Sample], split: Split, groups: Sequence[str], facts: CardFacts, shard_rows: int
) -> tuple[str, dict[str, int]]:
    """Parquet files of all splits, written side by side; returns the digest of all rows and the rows of each file."""
    make_private_folder(folder / "data")
    sizes = {name: len(split.members(name)) for name in split.names}
    rows_digest = hashlib.sha256()
    files: dict[str, int] = {}
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(_SplitWriter(folder / "data", name, size, shard_rows, files))
            for name, size in sizes.items()
            if size
        }
        for sample, name, group in zip(samples, split.assignment, groups, strict=True):
            source = find_source(sample.provenance)
            facts.add(sample, source)
            row = make_row(sample, source, group)
            rows_digest.update(orjson.dumps(row))
            writers[name].add(row)
    return rows_digest.hexdigest(), files


class _SplitWriter:
    """Writes the rows of one split into as many shards as it takes, a thousand rows at a time."""

    def __init__(self, folder: Path, name: str, size: int, shard_rows: int, files: dict[str, int]) -> None:
        self._folder, self._name, self._shard_rows, self._files = folder, name, shard_rows, files
        self._shards = max(-(-size // shard_rows), 1)
        self._schema = make_features().arrow_schema
        self._rows: list[dict[str, Any]] = []
        self._number = self._in_shard = 0
        self._writer: Any = None

    def __enter__(self) -> _SplitWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._flush()
        self._close()

    def add(self, row: dict[str, Any]) -> None:
        """Take one row."""
        self._rows.append(row)
        self._in_shard += 1
        if self._in_shard == self._shard_rows:
            self._flush()
            self._close()
        elif len(self._rows) == _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow
        import pyarrow.parquet

        if not self._rows:
            return
        if self._writer is None:
            file = f"{self._name}-{self._number:05}-of-{self._shards:05}.parquet"
            os.close(open_private(str(self._folder / file), os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
            self._writer = pyarrow.parquet.ParquetWriter(self._folder / file, self._schema, compression="zstd")
            self._files[f"data/{file}"] = 0
        self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
        self._files[f"data/{self._name}-{self._number:05}-of-{self._shards:05}.parquet"] += len(self._rows)
        self._rows = []

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._number += 1
            self._in_shard = 0
