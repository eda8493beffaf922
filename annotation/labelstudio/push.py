"""Samples into Label Studio, each exactly once, with its pre-annotations.

Label Studio has no unique keys, no upsert and answers errors after it has committed. So a push first sweeps the
project for `data.sample_id`, imports only what is missing, repeats nothing blindly (after a doubtful failure it
waits for the server and sweeps again), and looks at the end for copies that another pusher left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from annotation.errors import TransientServiceError
from annotation.labels import LabelSchema
from annotation.labelstudio.client import StudioClient
from annotation.labelstudio.copies import remove_copies, remove_double_predictions
from annotation.labelstudio.locks import hold_lock
from annotation.labelstudio.plan import make_plan
from annotation.labelstudio.project import ensure_project, find_project
from annotation.labelstudio.selection import Order, order_entries
from annotation.labelstudio.spool import BATCH_TASKS, Spool, SpoolEntry, open_spool, split_batches
from annotation.labelstudio.sweep import Sweep, sweep_project
from annotation.labelstudio.validation import Refused, TaskGate, fill_spool
from annotation.labelstudio.views import ensure_views
from annotation.types import Sample

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: unknown)."""

MAX_FAILURES = 6
"""Doubtful failures in a row, with nothing arriving in between, after which a push gives up."""


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push.

    `project` is an id or a title. `model_version` is the one shown to annotators (empty: the newest one pushed).
    `control_share` and `overlap` are shares from 0 to 1: tasks without pre-annotations, and tasks that go to two
    annotators. `patience` and `grace` are seconds: how long to wait for a server that is down, and how long to
    look for tasks of an import that failed doubtfully, since SQLite may commit them late.
    """

    project: int | str
    model_version: str = ""
    replace_predictions: bool = False
    dry_run: bool = False
    control_share: float = 0.0
    overlap: float = 0.0
    order: Order = Order.FILE
    batch_size: int = BATCH_TASKS
    patience: float = 180.0
    grace: float = 8.0


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did, or with `dry_run` would do. `gone` counts tasks that the samples given do not mention."""

    project: int | None
    title: str
    created: int = 0
    predicted: int = 0
    unchanged: int = 0
    gone: int = 0
    control: int = 0
    model_version: str = ""
    copies_removed: int = 0
    copies_kept: tuple[str, ...] = ()
    doubtful: int = 0
    views: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    dry_run: bool = False


@dataclass(slots=True)
class _Run:
    client: StudioClient
    project: int
    spool: Spool
    options: PushOptions
    progress: Progress
    sweep: Sweep = field(default_factory=Sweep)
    doubtful: int = 0


def push_samples(
    client: StudioClient,
    samples: Iterable[Sample],
    labels: LabelSchema,
    options: PushOptions,
    progress: Progress = lambda *_: None,
) -> PushReport:
    """Bring samples with their predictions into a project, which is created from the label schema if needed.

    Annotations by people are not sent: those are made in Label Studio. Samples that fail a check are refused and
    named in the report; the others go on.

    Raises:
        ConfigurationError: the token is refused, or the project's config contradicts the label schema.
        TerminalServiceError: there is no project with this id, or Label Studio refused an import for good.
        TransientServiceError: Label Studio stayed away longer than `patience`, or failed again and again.
        StateError: another push to the project on this machine did not end within an hour.

    """
    with open_spool() as spool:
        progress("checking", 0, 0)
        refused = tuple(fill_spool(spool, samples, TaskGate(labels, options.control_share)))
        if options.dry_run:
            return _plan_only(client, spool, options, refused, progress)
        with hold_lock(f"push {client.url} {options.project}", lambda: progress("waiting for another push", 0, 0)):
            project = ensure_project(client, options.project, labels)
            run = _Run(client, project["id"], spool, options, progress)
            return _push(run, project, labels, refused)


def _plan_only(
    client: StudioClient, spool: Spool, options: PushOptions, refused: tuple[Refused, ...], progress: Progress
) -> PushReport:
    project = find_project(client, options.project)
    if project is None:
        return PushReport(None, str(options.project), len(spool.entries), refused=refused, dry_run=True)
    sweep = sweep_project(client, project["id"], spool.entries, advance=_advance(progress, "sweeping"))
    plan = make_plan(spool.entries, sweep, replace=options.replace_predictions)
    return PushReport(
        project["id"],
        project["title"],
        len(plan.create),
        len(plan.predict),
        plan.unchanged,
        sweep.others + sweep.unnamed,
        copies_kept=tuple(sweep.copies),
        model_version=options.model_version or _newest_version(spool),
        refused=refused + plan.refused,
        dry_run=True,
    )


def _push(run: _Run, project: dict[str, object], labels: LabelSchema, refused: tuple[Refused, ...]) -> PushReport:
    options, spool = run.options, run.spool
    _sweep(run)
    plan = make_plan(spool.entries, run.sweep, replace=options.replace_predictions)
    if options.overlap:
        share = {"maximum_annotations": 2, "overlap_cohort_percentage": round(options.overlap * 100)}
        run.client.update_project(run.project, share)
    create = order_entries(plan.create, options.order, labels)
    _import(run, create)
    late = make_plan({entry.sample_id: entry for entry in create}, run.sweep, replace=False)
    predicted = _predict(run, [*plan.predict, *late.predict], plan.clear)
    removed, kept = _tidy(run)
    if run.doubtful:
        run.client.reset_summary(run.project)
    version = options.model_version or _newest_version(spool) or str(project.get("model_version") or "")
    present = any(version in found.versions for found in run.sweep.found.values())
    if present and version != project.get("model_version"):
        run.client.update_project(run.project, {"model_version": version})
    return PushReport(
        run.project,
        str(project["title"]),
        len(create),
        predicted,
        plan.unchanged,
        run.sweep.others + run.sweep.unnamed,
        sum(1 for entry in create if not entry.versions),
        version,
        removed,
        kept,
        run.doubtful,
        tuple(ensure_views(run.client, run.project)),
        refused + plan.refused,
    )


def _import(run: _Run, entries: list[SpoolEntry]) -> None:
    total, failures = len(entries), 0
    missing = entries
    while missing:
        arrived = len(run.sweep.found)
        try:
            _import_batches(run, missing, total)
        except TransientServiceError as error:
            run.doubtful += 1
            _recover(run, missing, error)
            failures = 0 if len(run.sweep.found) > arrived else failures + 1
            if failures >= MAX_FAILURES:
                raise
        else:
            _sweep(run)
            failures += 1
            if failures >= MAX_FAILURES:
                break
        missing = [entry for entry in missing if entry.sample_id not in run.sweep.found]
    if missing:
        raise TransientServiceError(
            f"Label Studio accepted the import, but {len(missing)} of {total} tasks did not arrive. Push again."
        )


def _import_batches(run: _Run, entries: list[SpoolEntry], total: int) -> None:
    done = total - len(entries)
    for batch in split_batches(entries, run.options.batch_size):
        run.progress("importing", done, total)
        reply = run.client.import_tasks(run.project, [run.spool.read(entry) for entry in batch])
        expected = sum(len(entry.versions) for entry in batch)
        if reply.get("task_count") != len(batch) or reply.get("prediction_count") != expected:
            raise TransientServiceError(
                f"Label Studio stored {reply.get('task_count')} of {len(batch)} tasks and "
                f"{reply.get('prediction_count')} of {expected} predictions of a batch."
            )
        done += len(batch)
    run.progress("importing", done, total)


def _recover(run: _Run, missing: list[SpoolEntry], error: TransientServiceError) -> None:
    """Wait until the server answers and what it may still be committing can be seen."""
    run.progress("waiting for Label Studio", 0, 0)
    run.client.wait_until_up(run.options.patience)
    deadline = time.monotonic() + (error.retry_after or run.options.grace)
    pause = 0.5
    while True:
        before = len(run.sweep.found)
        _sweep(run)
        if len(run.sweep.found) > before or time.monotonic() >= deadline:
            return
        time.sleep(pause)
        pause = min(pause * 2, 4.0)


def _predict(run: _Run, lacking: Sequence[str], clear: Sequence[int]) -> int:
    """Add the predictions that tasks lack; how many tasks got one."""
    if clear:
        run.progress("removing old predictions", 0, len(clear))
        run.client.delete_task_predictions(run.project, clear)
    wanted = [run.spool.entries[sample_id] for sample_id in lacking]
    for attempt in range(MAX_FAILURES + 1):
        try:
            _send_predictions(run, wanted, afresh=bool(clear) and attempt == 0)
            break
        except TransientServiceError as error:
            if attempt == MAX_FAILURES:
                raise
            run.doubtful += 1
            _recover_predictions(run, error)
        repeat = make_plan({entry.sample_id: entry for entry in wanted}, run.sweep, replace=False)
        wanted = [run.spool.entries[sample_id] for sample_id in repeat.predict]
    if lacking:
        _sweep_afresh(run)
    return len(lacking)


def _recover_predictions(run: _Run, error: TransientServiceError) -> None:
    run.progress("waiting for Label Studio", 0, 0)
    run.client.wait_until_up(run.options.patience)
    time.sleep(error.retry_after or run.options.grace)
    _sweep_afresh(run)


def _send_predictions(run: _Run, entries: list[SpoolEntry], *, afresh: bool) -> None:
    done = 0
    for batch in split_batches(entries, run.options.batch_size):
        run.progress("adding predictions", done, len(entries))
        body = []
        for entry in batch:
            found = run.sweep.found[entry.sample_id]
            present = frozenset() if afresh else found.versions
            body += [
                prediction | {"task": found.task}
                for prediction in run.spool.load(entry)["predictions"]
                if prediction["model_version"] not in present
            ]
        if (created := run.client.import_predictions(run.project, body)) != len(body):
            raise TransientServiceError(f"Label Studio stored {created} of {len(body)} predictions.")
        done += len(batch)


def _tidy(run: _Run) -> tuple[int, tuple[str, ...]]:
    """Sweep behind everybody's imports, remove copies and predictions that arrived twice."""
    if run.client.count_tasks(run.project) != run.sweep.tasks:
        _sweep_afresh(run)
    remove_double_predictions(run.client, run.project, run.sweep)
    return remove_copies(run.client, run.project, run.sweep)


def _sweep(run: _Run) -> None:
    sweep_project(
        run.client, run.project, run.spool.entries, into=run.sweep, advance=_advance(run.progress, "sweeping")
    )


def _sweep_afresh(run: _Run) -> None:
    run.sweep = Sweep()
    _sweep(run)


def _newest_version(spool: Spool) -> str:
    versions = [entry.versions[-1] for entry in spool.entries.values() if entry.versions]
    return versions[-1] if versions else ""


def _advance(progress: Progress, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done, total)
