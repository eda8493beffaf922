"""The work of annotators out of Label Studio: all of it once, then only what changed.

First a cheap listing says which tasks somebody touched since the watermark; only those are fetched, a few hundred
at a time, into a file beside the target from which an interrupted pull goes on. Then the target is merged and
written whole. Label Studio does not move a task's `updated_at` for drafts, so tasks with drafts are always fetched;
it does not list deleted tasks, so the ids are swept when the counts say that something is gone.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from annotation.errors import RecordError, TransientServiceError
from annotation.labels import LabelSchema
from annotation.labelstudio.client import StudioClient, split_chunks
from annotation.labelstudio.ledger import (
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
from annotation.labelstudio.locks import hold_lock
from annotation.labelstudio.merge import Policy
from annotation.labelstudio.project import require_project
from annotation.labelstudio.records import PULL_FIELDS, Lint, RecordBuilder
from annotation.labelstudio.snapshot import iter_snapshot
from annotation.labelstudio.validation import Refused
from annotation.workspace import Workspace

Progress = Callable[[str, int, int], None]

OVERLAP = timedelta(minutes=5)
"""How far an incremental pull looks back behind its watermark: transactions commit later than they are stamped."""

SNAPSHOT_FROM = 500
SNAPSHOT_SHARE = 0.2
"""From this many tasks, and from this share of the project on, a snapshot is faster than listing."""

_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
_CHUNK = 200
_LIST_FIELDS = "id,updated_at,total_annotations,cancelled_annotations,draft_exists"
_MAX_LINTS = 1000


@dataclass(frozen=True, slots=True)
class PullOptions:
    """How to pull.

    `project` is an id or a title. `full` fetches every task instead of those changed since the last pull; it alone
    sees predictions that were added to tasks which nobody has touched since. `untouched`
    also brings tasks that nobody has worked on. `snap` moves spans that cut a word to word borders. `take_remote`
    lets Label Studio win where both sides edited a record.
    """

    project: int | str
    output: Path | None = None
    full: bool = False
    untouched: bool = False
    snap: bool = False
    take_remote: bool = False
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class PullReport:
    """What a pull did; `annotations` and the like count what is in the records fetched this time."""

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
    refused: tuple[Refused, ...] = ()
    lint_counts: dict[str, int] = field(default_factory=dict)
    lints: tuple[Lint, ...] = ()
    watermark: str = ""


@dataclass(slots=True)
class _Run:
    client: StudioClient
    project: int
    options: PullOptions
    state: PullState
    known: dict[int, KnownTask]
    progress: Progress
    wanted: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    watermark: str = ""


def pull_annotations(
    client: StudioClient,
    workspace: Workspace,
    labels: LabelSchema,
    options: PullOptions,
    progress: Progress = lambda *_: None,
) -> PullReport:
    """Bring every annotation of every annotator into `training_samples/<project>.jsonl`.

    Drafts and skipped tasks are told apart, empty reviews are kept, predictions are complete; of several annotations
    the one that the policy chooses comes first. Records whose text was changed in Label Studio, or that break the
    task schema, are refused and named; what the file held of them stays.

    Raises:
        InputError: there is no project with this title.
        ConfigurationError: the token is refused.
        TerminalServiceError: there is no project with this id.
        TransientServiceError: Label Studio does not answer; run it again, it goes on where it stopped.
        StateError: the file belongs to another project.

    """
    project = require_project(client, options.project)
    path = options.output or workspace.training_samples / f"{make_file_stem(project['title'])}.jsonl"
    with hold_lock(f"pull {path.resolve()}"):
        state = load_state(path, client, project["id"])
        run = _Run(client, project["id"], options, state, read_known_tasks(path), progress)
        _list_changes(run)
        builder = RecordBuilder(run.project, client.list_users(), labels, options.policy, snap=options.snap)
        records = RecordFile(path.with_suffix(".part.jsonl"))
        finished = False
        try:
            fetched = _fetch(run, builder, records)
            merged = (
                merge_records(path, records, run.gone, take_remote=options.take_remote)
                if _changes(run, records, path)
                else Merged(unchanged=len(run.known), total=len(run.known))
            )
            save_state(path, PullState(client.url, run.project, run.watermark))
            finished = True
        finally:
            records.close(finished=finished)
    return _report(run, project["title"], path, merged, fetched)


def make_file_stem(title: str) -> str:
    """A file name for a project's title: lower case, runs of anything but letters and digits become one hyphen."""
    return re.sub(r"[\W_]+", "-", title.casefold()).strip("-") or "project"


@dataclass(slots=True)
class _Fetched:
    refused: list[Refused] = field(default_factory=list)
    lints: list[Lint] = field(default_factory=list)
    lint_counts: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


def _list_changes(run: _Run) -> None:
    """Fill `wanted` with the tasks to fetch and `gone` with those that left the project."""
    full = run.options.full or not run.state.watermark
    run.watermark = run.state.watermark
    listed = set()
    for task in _iter_listing(run, [] if full else [_since(run.state.watermark)]):
        listed.add(task["id"])
        run.watermark = max(run.watermark, task["updated_at"])
        _sort_in(run, task)
    if full:
        run.gone |= run.known.keys() - listed
        return
    for task in _iter_listing(run, [_DRAFT_EXISTS]):
        _sort_in(run, task)
    lost_drafts = [task for task, known in run.known.items() if known.drafts and task not in run.wanted]
    for task in run.client.read_tasks(run.project, lost_drafts, _LIST_FIELDS):
        _sort_in(run, task)
    if _count_remote(run) != len((run.known.keys() | run.wanted.keys()) - run.gone):
        present = {task["id"] for task in _iter_listing(run, [], "id")}
        run.gone |= run.known.keys() - present


def _sort_in(run: _Run, task: dict[str, Any]) -> None:
    known = run.known.get(task["id"])
    touched = task["total_annotations"] or task["cancelled_annotations"] or task["draft_exists"]
    if touched or run.options.untouched:
        drafts = task["draft_exists"] or (known is not None and known.drafts)
        if run.options.full or drafts or known is None or known.stamp != task["updated_at"]:
            run.wanted[task["id"]] = task["updated_at"]
    elif known is not None:
        run.gone.add(task["id"])


def _count_remote(run: _Run) -> int:
    """How many tasks the file should hold after this pull, by Label Studio's own counts."""
    if run.options.untouched:
        return run.client.count_tasks(run.project)
    submitted = run.client.count_tasks(run.project, [_number("total_annotations", "greater", 0)])
    none_submitted = _number("total_annotations", "equal", 0)
    skipped = run.client.count_tasks(run.project, [none_submitted, _number("cancelled_annotations", "greater", 0)])
    nothing = [none_submitted, _number("cancelled_annotations", "equal", 0), _DRAFT_EXISTS]
    return submitted + skipped + run.client.count_tasks(run.project, nothing)


def _iter_listing(run: _Run, filters: list[dict[str, Any]], include: str = _LIST_FIELDS) -> Iterator[dict[str, Any]]:
    def advance(done: int, total: int) -> None:
        run.progress("listing", done, total)

    return run.client.iter_tasks(run.project, include, filters=filters, page_size=2000, advance=advance)


def _fetch(run: _Run, builder: RecordBuilder, records: RecordFile) -> _Fetched:
    fetched = _Fetched()
    drafts = {task for task, known in run.known.items() if known.drafts}
    records.keep_only({task: stamp for task, stamp in run.wanted.items() if task not in drafts})
    left = run.wanted.keys() - records.places.keys()
    for number, task in enumerate(_iter_tasks(run, left), start=len(records.places)):
        if number % _CHUNK == 0:
            run.progress("fetching", number, len(run.wanted))
            records.flush()
        try:
            pulled = builder.build(task)
        except RecordError as error:
            fetched.refused.append(Refused(str(task["data"].get("sample_id") or ""), str(error)))
            continue
        records.add(task["id"], run.wanted[task["id"]], pulled.record)
        _count(fetched, pulled.record, pulled.lints, pulled.snapped)
    run.progress("fetching", len(run.wanted), len(run.wanted))
    return fetched


def _iter_tasks(run: _Run, left: set[int]) -> Iterator[dict[str, Any]]:
    """The tasks that are left to fetch: out of a snapshot if they are many, else some hundreds at a time."""
    if len(left) >= SNAPSHOT_FROM and len(left) >= SNAPSHOT_SHARE * run.client.count_tasks(run.project):
        run.progress("waiting for a snapshot", 0, 0)
        with contextlib.suppress(TransientServiceError):
            for task in iter_snapshot(run.client, run.project, annotated_only=not run.options.untouched):
                if task["id"] in left:
                    left.discard(task["id"])
                    run.wanted[task["id"]] = task["updated_at"]
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


def _changes(run: _Run, records: RecordFile, path: Path) -> bool:
    return bool(records.places) or bool(run.gone) or not path.exists()


def _report(run: _Run, title: str, path: Path, merged: Merged, fetched: _Fetched) -> PullReport:
    counts = fetched.counts
    return PullReport(
        project=run.project,
        title=title,
        file=path,
        full=run.options.full or not run.state.watermark,
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
        watermark=run.watermark,
    )


def _since(watermark: str) -> dict[str, Any]:
    moment = datetime.strptime(watermark, _STAMP).replace(tzinfo=UTC) - OVERLAP
    value = moment.strftime(_STAMP)
    return {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime", "value": value}


def _number(column: str, operator: str, value: int) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": "Number", "value": value}


_DRAFT_EXISTS = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}
