"""Push samples with their pre-annotations to Label Studio, each exactly once.

Label Studio has no unique keys, no upsert, and may report an error after a commit. So a push first indexes the
project by `data.sample_id` (an empty one gets the first samples while the others are read), imports only what is
missing, retries nothing blindly (after an uncertain failure it waits for the server and indexes again), and finally
removes duplicates left by another push.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.project.find import ensure_project, find_project, refuse_drift
from goldspan.annotation.labelstudio.project.views import ensure_views
from goldspan.annotation.labelstudio.push.adopted import push_to_adoption
from goldspan.annotation.labelstudio.push.entries import plan_push, push_entries
from goldspan.annotation.labelstudio.push.report import PushOptions, PushReport
from goldspan.annotation.labelstudio.push.spool import open_spool
from goldspan.annotation.labelstudio.push.stream import stream_samples
from goldspan.annotation.labelstudio.push.target import NativeTarget
from goldspan.annotation.labelstudio.push.upload import Upload
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.types import Sample

__all__ = ["PushOptions", "PushReport", "push_samples"]


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
    if options.adoption is not None:
        return push_to_adoption(client, samples, labels, options, options.adoption, progress)
    validator = TaskValidator(labels, options.control_share, options.erased)
    with open_spool() as spool:
        target = NativeTarget(spool)
        if options.dry_run:
            progress("checking", 0, 0)
            refused = tuple(fill_spool(spool, samples, validator))
            project = find_project(client, options.project)
            if project is None:
                return PushReport(None, str(options.project), len(spool.entries), refused=refused, dry_run=True)
            refuse_drift(project, labels)
            return plan_push(Upload(client, project["id"], spool, target, options, progress), project, refused)
        with hold_lock(f"create {client.url} {options.project}"):
            project = ensure_project(client, options.project, labels)
        with hold_lock(f"push {client.url} {project['id']}", lambda: progress("waiting for another push", 0, 0)):
            upload = Upload(client, project["id"], spool, target, options, progress)
            share = {"maximum_annotations": 2, "overlap_cohort_percentage": round(options.overlap * 100)}
            if options.overlap:
                client.update_project(upload.project, share)
            streamed = stream_samples(upload, samples, validator)
            report = push_entries(upload, project, labels, streamed)
            return replace(report, views=tuple(ensure_views(client, upload.project)))
