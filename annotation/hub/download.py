"""Download a Hub data set as samples: shard by shard, resumable, with a reason for each rejected row.

Each shard becomes one JSONL file (or one file for each sample) and one file of rejections. `download.json` records
the commit and the result of every finished shard; a later run continues from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, RecordError, UnknownNameError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.detection import SURE, detect_rows
from goldspan.annotation.formats.mapping import build_mapping
from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows import SHAPES, RowShape, get_shape
from goldspan.annotation.formats.rows.convert import RowDefaults, RowSource, convert_row
from goldspan.annotation.formats.rows.raw import Code, RawRow, RowError
from goldspan.annotation.formats.source import read_shaped
from goldspan.annotation.hub.client import fetch_file, open_snapshot
from goldspan.annotation.hub.shards import HubShard, list_shards, read_rows
from goldspan.annotation.hub.state import DownloadReport, DownloadState, Layout, ShardResult
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import Taxonomy, find_taxonomy
from goldspan.annotation.tasks.codec import encode_task, load_task_validator, validate_task
from goldspan.annotation.tasks.record import pack_record
from goldspan.annotation.tasks.store import prepare_task
from goldspan.annotation.tombstones import find_tombstones
from goldspan.annotation.types import Sample

_PROBE = 64
Row = Mapping[str, Any] | None


def download_dataset(
    repository: str,
    output: Path,
    labels: LabelSchema,
    *,
    revision: str | None = None,
    splits: Sequence[str] = (),
    layout: Layout = "jsonl",
    taxonomy: str | None = None,
    labels_map: Mapping[str, str] | None = None,
    language: str = "",
    on_shard: Callable[[HubShard, ShardResult], None] = lambda shard, result: None,
) -> DownloadReport:
    """Download a data set into `output` and report every row.

    Rows are read as `samples import` reads those of a file. `labels_map` maps external labels to ours (empty: drop),
    before any taxonomy; `language` is that of rows that name none.
    Shards that an earlier run finished are not read again. Memory does not grow with the data set, apart from
    one number for each sample that keeps the same text from coming twice.

    Raises:
        InputError: the data set has a shape, labels or splits that are not known.
        StateError: `output` holds another revision of this data set.
        ServiceError: the Hub did not answer as it should.
    """
    snapshot = open_snapshot(repository, revision)
    state = DownloadState(snapshot, output, layout, labels.fingerprint)
    used, done = state.read()
    shards = {shard.file: shard for shard in list_shards(snapshot.files, splits)}
    seen = {_make_key(name) for name in state.collect_ids(shard for file, shard in shards.items() if file in done)}
    options = ReadOptions(labels)
    for file, shard in shards.items():
        if file in done:
            continue
        local = fetch_file(snapshot, file)
        rows = read_rows(local, file)
        probe = list(islice(rows, _PROBE))
        shape = _find_shape(probe)
        preferred = taxonomy or used or _find_listed(repository)
        found = _list_labels(probe, shape, options)
        mapping, unknown = build_mapping(found, labels, labels_map or {}, preferred or shape.taxonomy)
        if unknown and not preferred:
            raise InputError(
                f"{repository} has labels that nothing maps: {', '.join(unknown)}. Map them with --labels-map, or name "
                "the taxonomy with --taxonomy."
            )
        used = mapping.name
        source = RowSource(repository, snapshot.revision, shard.split)
        reader = RowReader(shape, source, mapping, options, RowDefaults(language) if language else None)
        done[file] = convert_shard(state, shard, chain(probe, rows), reader, seen)
        state.write(used, done)
        on_shard(shard, done[file])
    return DownloadReport(
        repository,
        snapshot.revision,
        snapshot.licence,
        used,
        str(state.folder),
        {file: done[file] for file in shards},
    )


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one shard; `defaults` is None where each row has to name its language."""

    shape: RowShape
    source: RowSource
    taxonomy: Taxonomy
    options: ReadOptions
    defaults: RowDefaults | None = None

    def convert(self, row: Row, number: int) -> Sample | RowError:
        """The sample of a row, under the id of its text, or its rejection; None is a row that could not be read."""
        try:
            if row is None:
                return RowError(Code.UNREADABLE_ROW)
            sample = self._read(row, number)
        except RowError as error:
            return error
        return replace(sample, sample_id=make_sample_id(sample.text, sample.language))

    def _read(self, row: Mapping[str, Any], number: int) -> Sample:
        found, labels = read_shaped(row, self.shape, self.options), self.options.labels
        if isinstance(found, RawRow):
            return convert_row(found, number, self.source, self.taxonomy, labels, self.defaults)
        try:
            prepare_task(found, labels)
        except RecordError as error:
            raise RowError(Code.UNWRITABLE, error.pointer) from None
        place = self.source.describe(RawRow(found.text), number)
        return replace(found, provenance={**found.provenance, **place})


def convert_shard(
    state: DownloadState,
    shard: HubShard,
    rows: Iterable[Row],
    reader: RowReader,
    seen: set[int],
) -> ShardResult:
    """Write the samples and rejections of one shard; `seen` holds what came before and grows."""
    total = kept = 0
    rejected: Counter[str] = Counter()
    unmapped: Counter[str] = Counter()
    erased = find_tombstones(state.output)
    with AtomicFile(state.locate_rejections(shard)) as rejections, state.open_samples(shard) as write:
        for row in rows:
            converted = reader.convert(row, total)
            if isinstance(converted, Sample) and (
                erased.has_id(converted.sample_id) or erased.has_text(converted.text)
            ):
                converted = RowError(Code.ERASED)
            outcome = _write_sample(converted, write, reader.options.labels, seen)
            if isinstance(outcome, RowError):
                rejected[outcome.code] += 1
                record = {"file": shard.file, "row": total, "code": outcome.code, "detail": outcome.detail}
                rejections.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
            else:
                kept += 1
                unmapped.update(outcome.provenance.get("unmapped", {}))
            total += 1
    return ShardResult(shard.split, total, kept, dict(sorted(rejected.items())), dict(sorted(unmapped.items())))


def _write_sample(
    converted: Sample | RowError, write: Callable[[str, bytes], None], labels: LabelSchema, seen: set[int]
) -> Sample | RowError:
    if isinstance(converted, RowError):
        return converted
    key = _make_key(converted.sample_id)
    if key in seen:
        return RowError(Code.DUPLICATE_TEXT)
    task = encode_task(converted, labels)
    if not load_task_validator(labels).accepts(task):
        return RowError(Code.UNWRITABLE, validate_task(task, labels)[0].pointer)
    write(converted.sample_id, pack_record(task))
    seen.add(key)
    return converted


def _make_key(sample_id: str) -> int:
    return int(sample_id.replace("-", "")[:16], 16)


def _find_shape(rows: Sequence[Row]) -> RowShape:
    """The shape of the first rows of a shard; that of an empty shard does not matter.

    Raises:
        InputError: no reader knows them.
    """
    if not (read := [row for row in rows if row is not None]):
        return SHAPES[0]
    found = detect_rows(read)
    if found.sureness < SURE:
        columns = ", ".join(sorted({column for row in read for column in row})) or "(none)"
        raise InputError(
            f"The columns {columns} fit no known data set. Known shapes: {', '.join(shape.name for shape in SHAPES)}. "
            "Save the data set as JSONL and name its columns to `goldspan samples import`."
        )
    return get_shape(found.format)


def _find_listed(repository: str) -> str:
    """The name of the taxonomy that lists the repository; empty if none does."""
    try:
        return find_taxonomy(repository).name
    except UnknownNameError:
        return ""


def _list_labels(rows: Iterable[Row], shape: RowShape, options: ReadOptions) -> list[str]:
    found: dict[str, None] = {}
    for row in rows:
        with suppress(RowError):
            read = read_shaped(row or {}, shape, options)
            if isinstance(read, RawRow):
                found.update((label, None) for span in read.spans for label in span.labels)
    return list(found)
