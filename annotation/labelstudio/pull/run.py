"""Pull annotations from Label Studio: everything once, then only changes."""

from __future__ import annotations

from dataclasses import replace

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress
from goldspan.annotation.labelstudio.project.adoption import find_adoption
from goldspan.annotation.labelstudio.project.find import make_file_stem, require_project
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.labelstudio.pull.joining import pull_adoption
from goldspan.annotation.labelstudio.pull.project import pull_project
from goldspan.annotation.labelstudio.pull.records import TaskSource
from goldspan.annotation.labelstudio.pull.report import PullOptions, PullReport
from goldspan.annotation.labelstudio.pull.state import find_pulled_file
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.tombstones import read_tombstones

__all__ = ["PullOptions", "PullReport", "pull_annotations"]


def pull_annotations(
    client: StudioClient,
    workspace: Workspace,
    labels: LabelSchema,
    options: PullOptions,
    progress: Progress = ignore_progress,
) -> PullReport:
    """Pull every annotation of every annotator into `training_samples/<project>.jsonl`.

    The name is that of the first pull: a project that was given another title since stays in its file.

    Drafts and skipped tasks are told apart, empty reviews are kept, predictions are complete; of several annotations
    the one that the policy chooses comes first. Records whose text was changed in Label Studio, or that break the
    task schema, are refused and named; their lines in the file stay as they were.

    Raises:
        InputError: there is no project with this title.
        ConfigurationError: the token is refused.
        TerminalServiceError: there is no project with this id.
        TransientServiceError: Label Studio does not answer; run it again to resume.
        StateError: the file belongs to another project, or to the project of this number on another server.
    """
    options = replace(options, erased=read_tombstones(workspace.root))
    if adoption := find_adoption(workspace, options.project):
        return pull_adoption(client, workspace, adoption, labels, options, progress)
    project = require_project(client, options.project)
    titled = workspace.training_samples / f"{make_file_stem(project['title'])}.jsonl"
    path = options.output or find_pulled_file(workspace.training_samples, project) or titled
    source = TaskSource(project["id"], map_tags(parse_tags(project["label_config"]), labels))
    return pull_project(client, project, path, labels, options, source, progress)
