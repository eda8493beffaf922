"""Push the samples of a spool to one project, or plan to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.backend import shows_live_model
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.report import PushReport
from goldspan.annotation.labelstudio.push.selection import order_entries
from goldspan.annotation.labelstudio.push.spool import Spool
from goldspan.annotation.labelstudio.push.upload import (
    Upload,
    add_predictions,
    extend_index,
    import_entries,
    refresh_index,
    remove_duplicates,
)


def plan_push(upload: Upload, project: Mapping[str, Any], refused: tuple[RefusedSample, ...]) -> PushReport:
    """What a push would do."""
    extend_index(upload)
    options, index = upload.options, upload.index
    plan = make_plan(upload.spool.entries, index, replace=options.replace_predictions)
    return PushReport(
        project=upload.project,
        title=project["title"],
        created=len(plan.create),
        predicted=len(plan.predict),
        unchanged=plan.unchanged,
        gone=index.others + index.unnamed,
        control=sum(1 for entry in plan.create if not entry.versions),
        copies_kept=tuple(index.duplicates),
        model_version=options.model_version or _newest_version(upload.spool),
        refused=refused + plan.refused,
        dry_run=True,
    )


def push_entries(
    upload: Upload,
    project: Mapping[str, Any],
    labels: LabelSchema,
    refused: tuple[RefusedSample, ...],
    *,
    is_adopted: bool = False,
) -> PushReport:
    """Import what is missing, add predictions, and choose the version that annotators see.

    In an adopted project nothing is deleted, and the version is chosen only if one is named.
    """
    client, number, spool, options = upload.client, upload.project, upload.spool, upload.options
    extend_index(upload)
    plan = make_plan(spool.entries, upload.index, replace=options.replace_predictions)
    arrived = upload.streamed & upload.index.found.keys()
    streamed = {name: entry for name, entry in spool.entries.items() if name in arrived}
    unchanged = plan.unchanged - make_plan(streamed, upload.index, replace=False).unchanged
    missing = [entry for entry in plan.create if entry.sample_id not in upload.refused]
    create = order_entries(missing, options.order, labels)
    import_entries(upload, create)
    create = [entry for entry in create if entry.sample_id not in upload.refused]
    late = make_plan({entry.sample_id: entry for entry in create}, upload.index, replace=False)
    created = [*streamed.values(), *create]
    predicted = add_predictions(upload, [*plan.predict, *late.predict], plan.clear)
    refresh_index(upload)
    removed, kept = (0, tuple(upload.index.duplicates)) if is_adopted else remove_duplicates(upload)
    if upload.doubtful:
        client.reset_summary(number)
    version = options.model_version or ("" if is_adopted else _newest_version(spool))
    present = any(version in found.versions for found in upload.index.found.values())
    version = show_version(client, project, version if present else "", chosen=bool(options.model_version))
    return PushReport(
        project=number,
        title=str(project["title"]),
        created=len(created),
        predicted=predicted,
        unchanged=unchanged,
        gone=upload.index.others + upload.index.unnamed,
        control=sum(1 for entry in created if not entry.versions),
        model_version=version,
        copies_removed=removed,
        copies_kept=kept,
        doubtful=upload.doubtful,
        refused=(*refused, *plan.refused, *upload.refused.values()),
    )


def show_version(client: StudioClient, project: Mapping[str, Any], version: str, *, chosen: bool) -> str:
    """Let annotators see the predictions of a version; the one that they see then.

    An empty version changes nothing, and neither does one that nobody has `chosen` where they see a live model.
    """
    shown = str(project.get("model_version") or "")
    if version in {"", shown}:
        return shown
    if shown and not chosen and shows_live_model(project, client.backends.list_all(project["id"])):
        return shown
    client.update_project(project["id"], {"model_version": version})
    return version


def _newest_version(spool: Spool) -> str:
    versions = [entry.versions[-1] for entry in spool.entries.values() if entry.versions]
    return versions[-1] if versions else ""
