"""`goldspan.pull`: the work of annotators from a Label Studio project into the workspace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.project.access import connect, find_labels
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import find_workspace


def pull(
    project: int | str | None = None,
    *,
    labels: LabelSchema | None = None,
    data: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    options: PullOptions | None = None,
    on_progress: Progress = ignore_progress,
) -> PullReport:
    """Bring every annotation of every annotator back; only what changed since the last pull is fetched.

    The samples are in `report.file`: `training_samples/<project>.jsonl` of the workspace unless `options` says
    otherwise.

    Args:
        project: id or title; None: `LABEL_STUDIO_PROJECT_ID`, else the last one pushed to on the workspace's own
            server, else "Goldspan".
        labels: the label schema; None: that of an adopted project, else the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        url: address of Label Studio; None: `LABEL_STUDIO_URL`, else the workspace's own server.
        token: its token; None: `LABEL_STUDIO_API_KEY`, else that of the workspace's own server.
        options: how to pull; its `project` is replaced by the one found.
        on_progress: called with the stage, the number done and the number in all (0: not known).

    Raises:
        ConfigurationError: there is no address or token.
        ServiceError: Label Studio refused, could not be reached, or has no such project.
        StateError: the file in the workspace holds another project, or another server's project of this number.
    """
    workspace = find_workspace(data)
    client, chosen = connect(workspace, url, token, project)
    labels = labels or find_labels(workspace, chosen)
    options = replace(options, project=chosen) if options else PullOptions(chosen)
    return pull_annotations(client, workspace, labels, options, on_progress)


pull_async = run_in_thread(pull)
