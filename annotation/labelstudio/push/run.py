"""Samples into Label Studio, each exactly once, with its pre-annotations.

Label Studio has no unique keys, no upsert and answers errors after it has committed. So a push first sweeps the
project for `data.sample_id`, imports only what is missing, repeats nothing blindly (after a doubtful failure it
waits for the server and sweeps again), and looks at the end for copies that another pusher left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.find import ensure_project, find_project, refuse_drift
from goldspan.annotation.labelstudio.project.views import ensure_views
from goldspan.annotation.labelstudio.push.delivery import (
    Delivery,
    Progress,
    add_predictions,
    import_entries,
    report_stage,
    sweep_onwards,
    tidy_up,
)
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.selection import Order, order_entries
from goldspan.annotation.labelstudio.push.spool import BATCH_TASKS, Spool, open_spool
from goldspan.annotation.labelstudio.push.sweep import sweep_project
from goldspan.annotation.labelstudio.push.validation import TaskGate, fill_spool
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.types import Sample


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
    refused: tuple[RefusedSample, ...] = ()
    dry_run: bool = False


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
            return _plan_only(client, spool, labels, options, refused, progress)
        with hold_lock(f"create {client.url} {options.project}"):
            project = ensure_project(client, options.project, labels)
        with hold_lock(f"push {client.url} {project['id']}", lambda: progress("waiting for another push", 0, 0)):
            delivery = Delivery(
                client, project["id"], spool, options.batch_size, options.patience, options.grace, progress
            )
            return _push(delivery, project, labels, options, refused)


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
    sweep = sweep_project(client, project["id"], spool.entries, advance=report_stage(progress, "sweeping"))
    plan = make_plan(spool.entries, sweep, replace=options.replace_predictions)
    return PushReport(
        project=project["id"],
        title=project["title"],
        created=len(plan.create),
        predicted=len(plan.predict),
        unchanged=plan.unchanged,
        gone=sweep.others + sweep.unnamed,
        control=sum(1 for entry in plan.create if not entry.versions),
        copies_kept=tuple(sweep.copies),
        model_version=options.model_version or _newest_version(spool),
        refused=refused + plan.refused,
        dry_run=True,
    )


def _push(
    delivery: Delivery,
    project: dict[str, object],
    labels: LabelSchema,
    options: PushOptions,
    refused: tuple[RefusedSample, ...],
) -> PushReport:
    client, number, spool = delivery.client, delivery.project, delivery.spool
    sweep_onwards(delivery)
    plan = make_plan(spool.entries, delivery.sweep, replace=options.replace_predictions)
    if options.overlap:
        share = {"maximum_annotations": 2, "overlap_cohort_percentage": round(options.overlap * 100)}
        client.update_project(number, share)
    create = order_entries(plan.create, options.order, labels)
    import_entries(delivery, create)
    create = [entry for entry in create if entry.sample_id not in delivery.refused]
    late = make_plan({entry.sample_id: entry for entry in create}, delivery.sweep, replace=False)
    predicted = add_predictions(delivery, [*plan.predict, *late.predict], plan.clear)
    removed, kept = tidy_up(delivery)
    if delivery.doubtful:
        client.reset_summary(number)
    version = options.model_version or _newest_version(spool) or str(project.get("model_version") or "")
    present = any(version in found.versions for found in delivery.sweep.found.values())
    if present and version != project.get("model_version"):
        client.update_project(number, {"model_version": version})
    return PushReport(
        project=number,
        title=str(project["title"]),
        created=len(create),
        predicted=predicted,
        unchanged=plan.unchanged,
        gone=delivery.sweep.others + delivery.sweep.unnamed,
        control=sum(1 for entry in create if not entry.versions),
        model_version=version,
        copies_removed=removed,
        copies_kept=kept,
        doubtful=delivery.doubtful,
        views=tuple(ensure_views(client, number)),
        refused=(*refused, *plan.refused, *delivery.refused.values()),
    )


def _newest_version(spool: Spool) -> str:
    versions = [entry.versions[-1] for entry in spool.entries.values() if entry.versions]
    return versions[-1] if versions else ""
