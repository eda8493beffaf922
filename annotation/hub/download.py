"""Download a Hub data set as samples: shard by shard, resumable, with a reason for each rejected row.

Each shard becomes one JSONL file (or one file for each sample) and one file of rejections. `download.json` records
the commit and the result of every finished shard; a later run continues from there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.mapping import map_label
from goldspan.annotation.formats.rows import RowShape, find_shape, get_shape
from goldspan.annotation.formats.rows.convert import RowSource, convert_row
from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import Code, RowError
from goldspan.annotation.hub.client import fetch_file, open_snapshot
from goldspan.annotation.hub.shards import HubShard, list_shards, read_rows
from goldspan.annotation.hub.state import DownloadReport, DownloadState, Layout, ShardResult
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import (
    OWN,
    Taxonomy,
    find_taxonomy,
    list_taxonomies,
    load_taxonomy,
    open_taxonomy,
)
from goldspan.annotation.tasks.codec import encode_task, load_task_validator, validate_task
from goldspan.annotation.tasks.record import pack_record
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
    on_shard: Callable[[HubShard, ShardResult], None] = lambda shard, result: None,
) -> DownloadReport:
    """Download a data set into `output` and report every row.

    `labels_map` maps external labels to ours (empty: drop), before any taxonomy.
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
    pairs = labels_map or {}
    chosen = _add_pairs(open_taxonomy(taxonomy or used, labels), labels, pairs) if taxonomy or used else None
    for file, shard in shards.items():
        if file in done:
            continue
        local = fetch_file(snapshot, file)
        options = RowOptions(labels)
        rows = read_rows(local, file)
        probe = list(islice(rows, _PROBE))
        shape = find_shape(column for row in probe if row for column in row) if probe else get_shape("kiji")
        found = _list_labels(probe, shape, options)
        chosen = chosen or _choose_taxonomy(repository, found, shape, (labels, pairs))
        source = RowSource(repository, snapshot.revision, shard.split)
        done[file] = convert_shard(state, shard, chain(probe, rows), (shape, source, chosen, options), seen)
        state.write(chosen.name, done)
        on_shard(shard, done[file])
    return DownloadReport(
        repository,
        snapshot.revision,
        snapshot.licence,
        chosen.name if chosen else "",
        str(state.folder),
        {file: done[file] for file in shards},
    )


def convert_rows(
    rows: Iterable[Row], shape: RowShape, source: RowSource, taxonomy: Taxonomy, options: RowOptions
) -> Iterable[Sample | RowError]:
    """One sample or one rejection for each row, in order; None is a row that could not be read."""
    for number, row in enumerate(rows):
        try:
            if row is None:
                raise RowError(Code.UNREADABLE_ROW)
            yield convert_row(shape.read_row(row, options), number, source, taxonomy, options.labels)
        except RowError as error:
            yield error


def convert_shard(
    state: DownloadState,
    shard: HubShard,
    rows: Iterable[Row],
    context: tuple[RowShape, RowSource, Taxonomy, RowOptions],
    seen: set[int],
) -> ShardResult:
    """Write the samples and rejections of one shard; `seen` holds what came before and grows."""
    total = kept = 0
    rejected: Counter[str] = Counter()
    unmapped: Counter[str] = Counter()
    erased = find_tombstones(state.output)
    with AtomicFile(state.locate_rejections(shard)) as rejections, state.open_samples(shard) as write:
        for converted in convert_rows(rows, *context):
            if isinstance(converted, Sample) and (
                erased.has_id(converted.sample_id) or erased.has_text(converted.text)
            ):
                converted = RowError(Code.ERASED)
            outcome = _write_sample(converted, write, context[-1].labels, seen)
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


def _choose_taxonomy(
    repository: str, found: set[str], shape: RowShape, mapping: tuple[LabelSchema, Mapping[str, str]]
) -> Taxonomy:
    """The taxonomy that lists the repository, else our own labels, else one that knows them all; pairs come first."""
    labels, pairs = mapping
    own = open_taxonomy(OWN, labels)
    listed = any(repository in load_taxonomy(name).repositories for name in list_taxonomies())
    missing = found - pairs.keys()
    if not listed and (shape.name == "kiji" or pairs) and missing <= own.targets.keys():
        chosen = own
    else:
        chosen = find_taxonomy(repository, missing)
    return _add_pairs(chosen, labels, pairs)


def _add_pairs(taxonomy: Taxonomy, labels: LabelSchema, pairs: Mapping[str, str]) -> Taxonomy:
    given = {external: map_label(external, ours, labels) for external, ours in pairs.items()}
    return replace(taxonomy, targets={**taxonomy.targets, **given})


def _list_labels(rows: Iterable[Row], shape: RowShape, options: RowOptions) -> set[str]:
    found: set[str] = set()
    for row in rows:
        try:
            found.update(label for span in shape.read_row(row or {}, options).spans for label in span.labels)
        except RowError:
            continue
    return found
