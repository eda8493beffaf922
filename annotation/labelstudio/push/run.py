"""Push samples with their pre-annotations to Label Studio, each exactly once.

Label Studio has no unique keys, no upsert, and may report an error after a commit. So a push first indexes the
project by `data.sample_id`, imports only what is missing, retries nothing blindly (after an uncertain failure it waits
for the server and indexes again), and finally removes duplicates left by another push.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress, report_stage
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.find import ensure_project, find_project, refuse_drift
from goldspan.annotation.labelstudio.project.views import ensure_views
from goldspan.annotation.labelstudio.push.index import index_project
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.selection import Order, order_entries
from goldspan.annotation.labelstudio.push.spool import BATCH_TASKS, Spool, open_spool
from goldspan.annotation.labelstudio.push.upload import (
    Upload,
    add_predictions,
    extend_index,
    import_entries,
    remove_duplicates,
)
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.types import Sample


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of a push.

    `project` is an id or a title. `model_version` is the one shown to annotators (empty: the newest one pushed).
    `control_share` and `overlap` are shares from 0 to 1: tasks without pre-annotations, and tasks that go to two
    annotators. `patience` and `grace` are seconds: how long to wait for a server that is down, and for the
    tasks of an import with an uncertain outcome, which SQLite may commit late.
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
    """Result of a push, or of a dry run. `gone` counts tasks that are not among the samples."""

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
    refused: tuple[RefusedSample, ...] = ()
    dry_run: bool = False


def push_samples(
    client: StudioClient,
    samples: Iterable[Sample],
    labels: LabelSchema,
    options: PushOptions,
    progress: Progress = ignore_progress,
) -> PushReport:
    """Push samples with their predictions to a project, which is created from the label schema if needed.

    Annotations by people are not sent: those are made in Label Studio. Samples that fail a check are refused and
    named in the report; the others are pushed.

    Raises:
        ConfigurationError: the token is refused, or the project's config contradicts the label schema.
        TerminalServiceError: there is no project with this id, or Label Studio refused an import for good.
        TransientServiceError: Label Studio stayed down longer than `patience`, or kept failing.
        StateError: another push to the project on this machine did not end within an hour.

    """
    with open_spool() as spool:
        progress("checking", 0, 0)
        refused = tuple(fill_spool(spool, samples, TaskValidator(labels, options.control_share)))
        if options.dry_run:
            return _plan_only(client, spool, labels, options, refused, progress)
        with hold_lock(f"create {client.url} {options.project}"):
            project = ensure_project(client, options.project, labels)
        with hold_lock(f"push {client.url} {project['id']}", lambda: progress("waiting for another push", 0, 0)):
            upload = Upload(client, project["id"], spool, options.batch_size, options.patience, options.grace, progress)
            return _push(upload, project, labels, options, refused)


def _plan_only(
    client: StudioClient,
    spool: Spool,
    labels: LabelSchema,
    options: PushOptions,
    refused: tuple[RefusedSample, ...],
    progress: Progress,
) -> PushReport:
    project = find_project(client, options.project)
    if project is None:
        return PushReport(None, str(options.project), len(spool.entries), refused=refused, dry_run=True)
    refuse_drift(project, labels)
    index = index_project(client, project["id"], spool.entries, advance=report_stage(progress, "listing tasks"))
    plan = make_plan(spool.entries, index, replace=options.replace_predictions)
    return PushReport(
        project=project["id"],
        title=project["title"],
        created=len(plan.create),
        predicted=len(plan.predict),
        unchanged=plan.unchanged,
        gone=index.others + index.unnamed,
        control=sum(1 for entry in plan.create if not entry.versions),
        copies_kept=tuple(index.duplicates),
        model_version=options.model_version or _newest_version(spool),
        refused=refused + plan.refused,
        dry_run=True,
    )


def _push(
    upload: Upload,
    project: dict[str, object],
    labels: LabelSchema,
    options: PushOptions,
    refused: tuple[RefusedSample, ...],
) -> PushReport:
    client, number, spool = upload.client, upload.project, upload.spool
    extend_index(upload)
    plan = make_plan(spool.entries, upload.index, replace=options.replace_predictions)
    if options.overlap:
        share = {"maximum_annotations": 2, "overlap_cohort_percentage": round(options.overlap * 100)}
        client.update_project(number, share)
    create = order_entries(plan.create, options.order, labels)
    import_entries(upload, create)
    create = [entry for entry in create if entry.sample_id not in upload.refused]
    late = make_plan({entry.sample_id: entry for entry in create}, upload.index, replace=False)
    predicted = add_predictions(upload, [*plan.predict, *late.predict], plan.clear)
    removed, kept = remove_duplicates(upload)
    if upload.doubtful:
        client.reset_summary(number)
    version = options.model_version or _newest_version(spool) or str(project.get("model_version") or "")
    present = any(version in found.versions for found in upload.index.found.values())
    if present and version != project.get("model_version"):
        client.update_project(number, {"model_version": version})
    return PushReport(
        project=number,
        title=str(project["title"]),
        created=len(create),
        predicted=predicted,
        unchanged=plan.unchanged,
        gone=upload.index.others + upload.index.unnamed,
        control=sum(1 for entry in create if not entry.versions),
        model_version=version,
        copies_removed=removed,
        copies_kept=kept,
        doubtful=upload.doubtful,
        views=tuple(ensure_views(client, number)),
        refused=(*refused, *plan.refused, *upload.refused.values()),
    )


def _newest_version(spool: Spool) -> str:
    versions = [entry.versions[-1] for entry in spool.entries.values() if entry.versions]
    return versions[-1] if versions else ""
