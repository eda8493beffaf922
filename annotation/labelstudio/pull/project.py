"""Pull one project into one file: list what changed, fetch it, merge it.

A cheap listing finds the tasks that changed since the watermark. Only those are fetched, a few hundred at a time, into
a file beside the target from which an interrupted pull resumes. Then the target is merged and written atomically.
A target that is gone, empty, torn or has lost tasks is fetched as if for the first time.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import RecordError, TransientServiceError
from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient, split_chunks
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.api.progress import Progress
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.pull.changes import OVERLAP, Baseline, Changes, list_changes
from goldspan.annotation.labelstudio.pull.merge import (
    KnownTask,
    Merged,
    find_conflict_file,
    is_torn,
    merge_records,
    read_known_tasks,
)
from goldspan.annotation.labelstudio.pull.record_file import RecordFile
from goldspan.annotation.labelstudio.pull.records import Lint, RecordBuilder, TaskSource
from goldspan.annotation.labelstudio.pull.report import PullOptions, PullReport
from goldspan.annotation.labelstudio.pull.snapshot import iter_snapshot
from goldspan.annotation.labelstudio.pull.state import RefusedTask, load_state, save_state
from goldspan.annotation.locks import hold_lock

SNAPSHOT_FROM = 500
SNAPSHOT_SHARE = 0.2
"""From this many tasks, and from this share of the project on, a snapshot is faster than listing."""

_CHUNK = 200
_MAX_LINTS = 1000


@dataclass(frozen=True, slots=True)
class _Run:
    client: StudioClient
    project: int
    options: PullOptions
    known: dict[int, KnownTask]
    changes: Changes
    progress: Progress
    inputs: str


def pull_project(
    client: StudioClient,
    project: Mapping[str, Any],
    path: Path,
    labels: LabelSchema,
    options: PullOptions,
    source: TaskSource,
    progress: Progress,
) -> PullReport:
    """Pull what changed in a project into a file; errors are those of `pull_annotations`."""
    with hold_lock(f"pull {path.resolve()}"):
        state = load_state(path, client, project)
        known, torn = read_known_tasks(path), is_torn(path)
        if torn or not known or len(known) < state.tasks:
            state = replace(state, watermark="", settled="", refused={})
        rules = digest([labels.fingerprint, asdict(source.mapping)])
        refused = state.refused if state.rules == rules else {}
        now, stamps = time.time(), {int(task): entry.stamp for task, entry in state.refused.items()}
        is_over = now - (state.seen_at or now) >= OVERLAP.total_seconds()
        baseline = Baseline(known, stamps, state.watermark, state.settled, is_over)
        changes = list_changes(
            client, project["id"], baseline, full=options.full, untouched=options.untouched, progress=progress
        )
        retried = stamps.keys() - {int(task) for task in refused} - changes.gone - changes.wanted.keys()
        changes.wanted |= {task: state.refused[str(task)].stamp for task in retried}
        inputs = digest([rules, str(options.policy), sorted(options.policy.reviewers), options.snap])
        run = _Run(client, project["id"], options, known, changes, progress, inputs)
        users = client.list_users() if changes.wanted else {}
        builder = RecordBuilder(source, users, labels, options.policy, snap=options.snap)
        records = RecordFile(path.with_suffix(".part.jsonl"))
        finished = False
        try:
            fetched = _fetch(run, builder, records)
            merged = Merged(unchanged=len(known), total=len(known))
            if records.places or changes.gone or torn or not path.exists():
                merged = merge_records(path, records, changes.gone, take_remote=options.take_remote)
            settled = {str(task) for task in (*changes.gone, *changes.wanted)}
            fetched.refused |= {task: entry for task, entry in refused.items() if task not in settled}
            if is_over:
                state = replace(state, settled=state.watermark)
            if changes.watermark != state.watermark or not state.seen_at:
                state = replace(state, watermark=changes.watermark, seen_at=now)
            tasks = len(known) + len(merged.added) - len(merged.removed)
            state = replace(state, rules=rules, refused=fetched.refused, tasks=tasks)
            save_state(path, state)
            finished = True
        finally:
            records.close(finished=finished)
    return _report(run, project["title"], path, merged, fetched, full=options.full or not baseline.watermark)


@dataclass(slots=True)
class _Fetched:
    refused: dict[str, RefusedTask] = field(default_factory=dict)
    lints: list[Lint] = field(default_factory=list)
    lint_counts: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def _fetch(run: _Run, builder: RecordBuilder, records: RecordFile) -> _Fetched:
    fetched = _Fetched()
    drafts = {task for task, known in run.known.items() if known.drafts}
    wanted, erased = run.changes.wanted, run.options.erased
    records.keep_only({task: _mark(run, stamp) for task, stamp in wanted.items() if task not in drafts})
    left = wanted.keys() - records.places.keys()
    for number, task in enumerate(_iter_tasks(run, left), start=len(records.places)):
        if number % _CHUNK == 0:
            run.progress("fetching", number, len(wanted))
            records.flush()
        try:
            pulled = builder.build(task)
            erased.refuse(pulled.record["data"]["sample_id"], pulled.record["data"]["text"])
        except RecordError as error:
            sample_id = str(task["data"].get("sample_id") or "")
            sample_id = "" if erased.has_id(sample_id) else sample_id
            fetched.refused[str(task["id"])] = RefusedTask(wanted[task["id"]], sample_id, str(error))
            continue
        records.add(task["id"], _mark(run, wanted[task["id"]]), pulled.record)
        _count(fetched, pulled.record, pulled.lints, pulled.snapped)
    run.progress("fetching", len(run.changes.wanted), len(run.changes.wanted))
    return fetched


def _mark(run: _Run, stamp: str) -> str:
    """What a record is made from: an interrupted pull only reuses those that would be made the same."""
    return f"{stamp} {run.inputs}"


def _iter_tasks(run: _Run, left: set[int]) -> Iterator[dict[str, Any]]:
    """The remaining tasks: from a snapshot if they are many, else some hundreds at a time."""
    if len(left) >= SNAPSHOT_FROM and len(left) >= SNAPSHOT_SHARE * run.client.count_tasks(run.project):
        run.progress("waiting for a snapshot", 0, 0)
        with contextlib.suppress(TransientServiceError):
            for task in iter_snapshot(run.client, run.project, annotated_only=not run.options.untouched):
                if task["id"] in left:
                    left.discard(task["id"])
                    run.changes.wanted[task["id"]] = task["updated_at"]
                    yield task
    for chunk in split_chunks(sorted(left), _CHUNK):
        yield from map(run.client.fill_drafts, run.client.read_tasks(run.project, chunk, PULL_FIELDS))


def _count(fetched: _Fetched, record: dict[str, Any], lints: tuple[Lint, ...], snapped: int) -> None:
    fetched.lint_counts.update(lint.code for lint in lints)
    fetched.lints += lints[: max(0, _MAX_LINTS - len(fetched.lints))]
    fetched.counts["snapped"] += snapped
    fetched.counts["drafts"] += len(record.get("drafts", ()))
    for part in (*record["annotations"], *record.get("drafts", ())):
        fetched.counts["other_results"] += len(orjson.loads(part.get("other_results", "[]")))
    for annotation in record["annotations"]:
        if annotation.get("was_cancelled"):
            fetched.counts["cancelled"] += 1
        else:
            fetched.counts["annotations"] += 1
            fetched.counts["empty"] += not annotation["result"]


def _report(run: _Run, title: str, path: Path, merged: Merged, fetched: _Fetched, *, full: bool) -> PullReport:
    counts = fetched.counts
    return PullReport(
        project=run.project,
        title=title,
        file=path,
        full=full,
        added=len(merged.added),
        updated=len(merged.updated),
        removed=len(merged.removed),
        unchanged=merged.unchanged,
        total=merged.total,
        annotations=counts["annotations"],
        drafts=counts["drafts"],
        cancelled=counts["cancelled"],
        empty=counts["empty"],
        snapped=counts["snapped"],
        other_results=counts["other_results"],
        conflicts=tuple(merged.conflicts),
        conflict_file=find_conflict_file(path) if merged.conflicts else None,
        refused=tuple(RefusedSample(entry.sample_id, entry.reason) for entry in fetched.refused.values()),
        lint_counts=dict(fetched.lint_counts),
        lints=tuple(fetched.lints),
        watermark=run.changes.watermark,
    )
