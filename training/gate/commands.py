"""Command lines for a workspace, as they run from the working directory, or from the folder of its project."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.project import Project, find_project
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.surrogates.world import COUNTRIES


@dataclass(frozen=True, slots=True)
class Commands:
    """Writes command lines. `data` and `labels` are the options that they need, empty for the default workspace.

    `layers` are the folders of samples that there are.
    """

    training_samples: str = "data/training_samples"
    layers: str = "data/training_samples"
    data: str = ""
    labels: str = ""

    def on_workspace(self, command: str) -> str:
        """A command that takes `--data`."""
        return f"{command}{self.data}{self.labels}"

    def on_samples(self, command: str, options: str = "") -> str:
        """A command that takes files: on the workspace's `training_samples`."""
        return f"{command} {self.training_samples}{options}{self.labels}"

    def check_layers(self) -> str:
        """The command that checks every sample of the workspace."""
        return f"goldspan samples check {self.layers} --details{self.labels}"

    def fill_gaps(self, languages: Iterable[str] = (), samples: int = 0) -> str:
        """The command that has entities written which labels lack, in those languages that can be written."""
        chosen = ",".join(sorted(set(languages) & set(COUNTRIES)))
        options = f" --languages {shlex.quote(chosen)}" if chosen else ""
        options += f" --samples {samples}" if samples else ""
        return self.on_workspace(f"goldspan generate start --fill-gaps{options}")


def find_commands(workspace: Workspace, label_file: Path | None = None) -> Commands:
    """The commands of a workspace and of the label schema in use (`label_file`, else `GOLDSPAN_LABELS`).

    The workspace of the project in force needs no `--data`.
    """
    project = find_project()
    default = project.data if project else Path("data")
    own = workspace.root.resolve() != default.resolve()
    used = workspace if own else Workspace(_shorten(default, project) if project else default)
    layers = [
        shown
        for shown, folder in (
            (used.training_samples, workspace.training_samples),
            (used.annotation_samples, workspace.annotation_samples),
        )
        if folder.is_dir()
    ]
    named = str(label_file or os.environ.get("GOLDSPAN_LABELS") or "")
    return Commands(
        shlex.quote(str(used.training_samples)),
        shlex.join(str(layer) for layer in layers or [used.training_samples]),
        f" --data {shlex.quote(str(workspace.root))}" if own else "",
        f" --labels {shlex.quote(named)}" if named else "",
    )


def _shorten(folder: Path, project: Project) -> Path:
    """A folder of the project as it is written in the working directory; from elsewhere, in the project's folder."""
    here = Path.cwd()
    start = here if here.is_relative_to(project.folder) else project.folder
    return Path(os.path.relpath(folder, start)) if folder.is_relative_to(project.folder) else folder
