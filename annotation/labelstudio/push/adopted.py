"""Push predictions to adopted projects: under the team's own names, without a change to their screens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.adoption import AdoptedProject, Adoption
from goldspan.annotation.labelstudio.project.find import require_project
from goldspan.annotation.labelstudio.push.entries import plan_push, push_entries
from goldspan.annotation.labelstudio.push.report import PushOptions, PushReport
from goldspan.annotation.labelstudio.push.spool import Spool, open_spool
from goldspan.annotation.labelstudio.push.target import AdoptedTarget
from goldspan.annotation.labelstudio.push.upload import Upload
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.types import Sample


def push_to_adoption(
    client: StudioClient,
    samples: Iterable[Sample],
    labels: LabelSchema,
    options: PushOptions,
    adoption: Adoption,
    progress: Progress,
) -> PushReport:
    """Push to the project that `options.project` names, or to all of them if it names the adoption.

    Tasks are recognised by their texts. A text that a project lacks becomes a new task where the project shows
    `<Text>`, and is refused elsewhere.

    Raises:
        ConfigurationError: an option would change the team's settings or delete their predictions.
        StateError: a project is not the one that was adopted.
        As `push_samples` otherwise.
    """
    if options.overlap or options.control_share or options.replace_predictions:
        raise ConfigurationError(
            f"{adoption.name} is an adopted project: --overlap, --control-share and --replace-predictions would change "
            "what belongs to its team. Leave them out."
        )
    named = adoption.find(options.project)
    projects = adoption.projects if named is None else (named,)
    with open_spool() as spool:
        progress("checking", 0, 0)
        validator = TaskValidator(labels, erased=options.erased, keeps_text=True)
        refused = tuple(fill_spool(spool, samples, validator))
        reports = [_push_one(client, spool, labels, options, adoption, item, progress) for item in projects]
    return replace(
        reports[0],
        title=adoption.name if len(projects) > 1 else reports[0].title,
        created=sum(report.created for report in reports),
        predicted=sum(report.predicted for report in reports),
        unchanged=sum(report.unchanged for report in reports),
        gone=sum(report.gone for report in reports),
        doubtful=sum(report.doubtful for report in reports),
        refused=(*refused, *dict.fromkeys(item for report in reports for item in report.refused)),
    )


def _push_one(
    client: StudioClient,
    spool: Spool,
    labels: LabelSchema,
    options: PushOptions,
    adoption: Adoption,
    adopted: AdoptedProject,
    progress: Progress,
) -> PushReport:
    project = require_project(client, adopted.id)
    target = AdoptedTarget(client, adopted.id, adoption.map_project(project, labels), spool)
    strange = {
        sample_id: missing
        for sample_id, entry in spool.entries.items()
        if (missing := target.find_missing_labels(entry, labels.mention_codes))
    }
    refused = tuple(
        RefusedSample(sample_id, f"project {adopted.id} has no label for {', '.join(missing)}")
        for sample_id, missing in strange.items()
    )
    upload = Upload(client, adopted.id, spool.without(strange), target, options, progress)
    if options.dry_run:
        return plan_push(upload, project, refused)
    with hold_lock(f"push {client.url} {adopted.id}", lambda: progress("waiting for another push", 0, 0)):
        return push_entries(upload, project, labels, refused, is_adopted=True)
