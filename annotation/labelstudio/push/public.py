"""`goldspan.push`: samples of a workspace into a Label Studio project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.credentials import remember_project
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.project.access import connect, find_labels
from goldspan.annotation.labelstudio.project.adoption import find_adoption
from goldspan.annotation.labelstudio.push.receipt import PushedIds, record_pushed
from goldspan.annotation.labelstudio.push.run import PushOptions, PushReport, push_samples
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace, find_workspace
from goldspan.annotation.tombstones import read_tombstones
from goldspan.annotation.types import Sample


def push(
    samples: str | Path | Iterable[Sample] | None = None,
    project: int | str | None = None,
    *,
    labels: LabelSchema | None = None,
    data: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    options: PushOptions | None = None,
    on_error: OnError = raise_error,
    on_progress: Progress = ignore_progress,
) -> PushReport:
    """Bring samples with their pre-annotations into a Label Studio project, each exactly once.

    The project is created from the label schema if needed. Pushing again adds only what is missing. The project and
    the ids that arrived are recorded in the workspace.

    Args:
        samples: samples, or a file or folder of them; None: `annotation_samples` of the workspace.
        project: id or title; None: `LABEL_STUDIO_PROJECT_ID`, else the last one pushed to on the workspace's own
            server, else "Goldspan".
        labels: the label schema; None: that of an adopted project, else the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        url: address of Label Studio; None: `LABEL_STUDIO_URL`, else the workspace's own server.
        token: its token; None: `LABEL_STUDIO_API_KEY`, else that of the workspace's own server.
        options: how to push; its `project` is replaced by the one found.
        on_error: called with records of files that cannot be read; by default the first one is raised.
        on_progress: called with the stage, the number done and the number in all (0: not known).

    Raises:
        ConfigurationError: there is no address or token, or the project's config contradicts the label schema.
        ServiceError: Label Studio refused, or could not be reached.
        StateError: another push to the project does not end.
    """
    workspace = find_workspace(data)
    client, chosen = connect(workspace, url, token, project)
    labels = labels or find_labels(workspace, chosen)
    source = workspace.annotation_samples if samples is None else samples
    read = read_samples(source, labels, on_error) if isinstance(source, str | Path) else source
    options = replace(options, project=chosen) if options else PushOptions(chosen)
    return push_and_record(workspace, client, read, labels, options, on_progress)


def push_and_record(
    workspace: Workspace,
    client: StudioClient,
    samples: Iterable[Sample],
    labels: LabelSchema,
    options: PushOptions,
    progress: Progress,
) -> PushReport:
    """`push_samples`, and the project and the ids that arrived recorded in the workspace."""
    adoption = options.adoption or find_adoption(workspace, options.project)
    options = replace(options, adoption=adoption, erased=read_tombstones(workspace.root))
    passing = PushedIds(samples)
    report = push_samples(client, passing, labels, options, progress)
    if report.project is not None and not options.dry_run:
        remember_project(workspace, report.project)
        arrived = passing.without(refused.sample_id for refused in report.refused)
        record_pushed(workspace, client.url, report.project, report.title, arrived)
    return report


push_async = run_in_thread(push)
