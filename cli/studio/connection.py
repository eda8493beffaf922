"""What the commands that talk to Label Studio share: options, connection, progress, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from goldspan.annotation.labelstudio.project.access import DEFAULT_TITLE
from goldspan.cli.shared.options import LabelsOption, NewDataOption

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.labelstudio.api.client import StudioClient
    from goldspan.annotation.labelstudio.api.refusals import RefusedSample
    from goldspan.annotation.tasks.workspace import Workspace

SHOWN = 20


@dataclass(frozen=True, slots=True)
class StudioOptions:
    """Options of every command that works on a project."""

    project: Annotated[
        str | None,
        typer.Option(
            "--project",
            metavar="ID|TITLE",
            help=f"The project (or LABEL_STUDIO_PROJECT_ID). Default: the last one, else {DEFAULT_TITLE!r}",
        ),
    ] = None
    url: Annotated[str | None, typer.Option("--url", help="Address of Label Studio (or LABEL_STUDIO_URL)")] = None
    token: Annotated[str | None, typer.Option("--token", help="Its token (or LABEL_STUDIO_API_KEY)")] = None
    labels: LabelsOption = None
    data: NewDataOption = None

    @property
    def project_id(self) -> int | None:
        """The number of the project if it was named by number."""
        return int(self.project) if self.project and self.project.isdigit() else None


class Studio(NamedTuple):
    """A connection: the client, and the id or title of the project."""

    workspace: Workspace
    labels: LabelSchema
    client: StudioClient
    project: int | str


def connect(options: StudioOptions) -> Studio:
    """Load the label schema and sign in.

    Without `--project` the remembered project is used, without `--labels` the schema of an adopted project.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project import access
    from goldspan.annotation.tasks.workspace import find_workspace

    workspace = find_workspace(options.data)
    client, chosen = access.connect(workspace, options.url, options.token, options.project)
    labels = load_labels(options.labels) if options.labels else access.find_labels(workspace, chosen)
    return Studio(workspace, labels, client, chosen)


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on stderr; yields its callback."""
    from goldspan.cli.shared.progress import ProgressBar

    with ProgressBar("connecting") as bar:
        yield lambda stage, done, total: bar.update(description=stage, completed=done, total=total or None)


def warn_refused(refused: Sequence[RefusedSample]) -> None:
    """List the first refused records on stderr."""
    from goldspan.cli.shared import console

    for item in refused[:SHOWN]:
        console.warn(f"refused {item.sample_id or 'a sample without id'}: {item.reason}")
    if len(refused) > SHOWN:
        console.warn(f"… and {len(refused) - SHOWN} more; --json lists them all.")


def end_with_refused(refused: Sequence[RefusedSample], unreadable: int = 0) -> None:
    """List what was refused and exit with code 3; return if nothing was refused."""
    from goldspan.cli.shared.exits import Exit

    warn_refused(refused)
    if refused or unreadable:
        raise typer.Exit(Exit.REFUSED_SOME)


def make_plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with paths as strings, for JSON."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
