"""Pull annotations from Label Studio: everything once, then only changes.

A cheap listing finds the tasks that changed since the watermark. Only those are fetched, a few hundred at a time, into
a file beside the target from which an interrupted pull resumes. Then the target is merged and written atomically.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import RecordError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient, split_chunks
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.find import require_project
from goldspan.annotation.labelstudio.pull.changes import Changes, list_changes
from goldspan.annotation.labelstudio.pull.file import (
    KnownTask,
    Merged,
    PullState,
    RecordFile,
    find_conflict_file,
    load_state,
    merge_records,
    read_known_tasks,
    save_state,
)
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy
from goldspan.annotation.labelstudio.pull.records import Lint, RecordBuilder
from goldspan.annotation.labelstudio.pull.snapshot import iter_snapshot
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.workspace import Workspace

SNAPSHOT_FROM = 500
SNAPSHOT_SHARE = 0.2
"""From this many tasks, and from this share of the project on, a snapshot is faster than listing."""

_CHUNK = 200
_MAX_LINTS = 1000


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Options of a pull.

    `project` is an id or a title. `full` fetches every task instead of those changed since the last pull; only it
    sees predictions added later to tasks that nobody has touched. `untouched`
    also brings tasks that nobody has worked on. `snap` moves spans that cut a word to word borders. `take_remote`
    lets Label Studio win where both sides edited a record.
    """

    project: int | str
    output: Path | None = None
    full: bool = False
    untouched: bool = False
    snap: bool = False
    take_remote: bool = False
    policy: RankingPolicy = field(default_factory=RankingPolicy)


@dataclass(frozen=True, slots=True)
class PullReport:
    """Result of a pull; `annotations`, `drafts` etc. count what was fetched this time."""

    project: int
    title: str
    file: Path
    full: bool
    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    total: int = 0
    annotations: int = 0
    drafts: int = 0
    cancelled: int = 0
    empty: int = 0
    snapped: int = 0
    conflicts: tuple[str, ...] = ()
    conflict_file: Path | None = None
    refused: tuple[RefusedSample, ...] = ()
    lint_counts: dict[str, int] = field(default_factory=dict)
    lints: tuple[Lint, ...] = ()
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class _Run:
    client: StudioClient
    project: int
    options: PullOptions
    known: dict[int, KnownTask]
    changes: Changes
    progress: Progress


def pull_annotations(
    client: StudioClient,
    workspace: Workspace,
    labels: LabelSchema,
    options: PullOptions,
    progress: Progress = ignore_progress,
) -> PullReport:
    """Pull every annotation of every annotator into `training_samples/<project>.jsonl`.

    Drafts and skipped tasks are told apart, empty reviews are kept, predictions are complete; of several annotations
    the one that the policy chooses comes first. Records whose text was changed in Label Studio, or that break the
    task schema, are refused and named; their lines in the file stay as they were.

    Raises:
        InputError: there is no project with this title.
        ConfigurationError: the token is refused.
        TerminalServiceError: there is no project with this id.
        TransientServiceError: Label Studio does not answer; run it again to resume.
        StateError: the file belongs to another project.

    """
    project = require_project(client, options.project)
    path = options.output or workspace.training_samples / f"{make_file_stem(project['title'])}.jsonl"
    with hold_lock(f"pull {path.resolve()}"):
        state = load_state(path, client, project["id"])
        known = read_known_tasks(path)
        changes = list_changes(
            client,
            project["id"],
            known,
            state.watermark,
            full=options.full,
            untouched=options.untouched,
            progress=progress,
        )
        run = _Run(client, project["id"], options, known, changes, progress)
        builder = RecordBuilder(run.project, client.list_users(), labels, options.policy, snap=options.snap)
        records = RecordFile(path.with_suffix(".part.jsonl"))
        finished = False
        try:
            fetched = _fetch(run, builder, records)
            merged = Merged(unchanged=len(known), total=len(known))
            if records.places or changes.gone or not path.exists():
                merged = merge_records(path, records, changes.gone, take_remote=options.take_remote)
            save_state(path, PullState(client.url, run.project, changes.watermark))
            finished = True
        finally:
            records.close(finished=finished)
    return _report(run, project["title"], path, merged, fetched, full=options.full or not state.watermark)


def make_file_stem(title: str) -> str:
    """A file name for a project's title: lower case, runs of anything but letters and digits become one hyphen."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or "project"


@dataclass(slots=True)
class _Fetched:
    refused: list[RefusedSample] = field(default_factory=list)
    lints: list[Lint] = field(default_factory=list)
    lint_counts: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def _fetch(run: _Run, builder: RecordBuilder, records: RecordFile) -> _Fetched:
    fetched = _Fetched()
    drafts = {task for task, known in run.known.items() if known.drafts}
    wanted = run.changes.wanted
    records.keep_only({task: _mark(run, stamp) for task, stamp in wanted.items() if task not in drafts})
    left = wanted.keys() - records.places.keys()
    for number, task in enumerate(_iter_tasks(run, left), start=len(records.places)):
        if number % _CHUNK == 0:
            run.progress("fetching", number, len(wanted))
            records.flush()
        try:
            pulled = builder.build(task)
        except RecordError as error:
            fetched.refused.append(RefusedSample(str(task["data"].get("sample_id") or ""), str(error)))
            continue
        records.add(task["id"], _mark(run, wanted[task["id"]]), pulled.record)
        _count(fetched, pulled.record, pulled.lints, pulled.snapped)
    run.progress("fetching", len(run.changes.wanted), len(run.changes.wanted))
    return fetched


def _mark(run: _Run, stamp: str) -> str:
    """The inputs of a record: an interrupted pull only reuses records with the same inputs."""
    return f"{stamp} {run.options.policy} {run.options.snap}"


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
        conflicts=tuple(merged.conflicts),
        conflict_file=find_conflict_file(path) if merged.conflicts else None,
        refused=tuple(fetched.refused),
        lint_counts=dict(fetched.lint_counts),
        lints=tuple(fetched.lints),
        watermark=run.changes.watermark,
    )
