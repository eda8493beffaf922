"""`goldspan dashboard`: serve the dashboard on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.console import err, say
from goldspan.cli.shared.options import DataOption, LabelsOption, make_app

if TYPE_CHECKING:
    from pathlib import Path

    from goldspan.annotation.tasks.workspace import Workspace

app = make_app()


@app.command()
def dashboard(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1. Default: the project's, else from 8501")
    ] = None,
    example: Annotated[
        str, typer.Option(metavar="pii|support|biomedical|legal", help="Show a copy of the example data instead")
    ] = "",
    data: DataOption = None,
    labels: LabelsOption = None,
) -> None:
    """Serve the dashboard on this machine, until Ctrl-C.

    It answers only on 127.0.0.1 and only to the address that it prints, which holds an access token of this start.

    Example: goldspan dashboard --example pii
    """
    import tempfile
    from contextlib import ExitStack
    from pathlib import Path

    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.dashboards.launch import start_dashboard

    with ExitStack() as stack:
        if example:
            data = _open_example(example, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="goldspan-"))))
        workspace = find_workspace(data)
        labels = labels or _find_other_labels(workspace)
        load_labels(labels)
        with err.status("Starting the dashboard"):
            running = start_dashboard(workspace, port, labels)
        stack.callback(running.stop)
        say(f"Dashboard: {running.address}")
        say("The address holds an access token. Press Ctrl-C to stop the dashboard.")
        try:
            running.wait()
        except KeyboardInterrupt:
            say("Stopping the dashboard.")


def _find_other_labels(workspace: Workspace) -> Path | None:
    """The label schema of the workspace's project, where that is not the one of the working directory."""
    import os

    from goldspan.annotation.project import find_project
    from goldspan.annotation.tasks.workspace import find_workspace_project

    project = find_workspace_project(workspace)
    if project is None or project == find_project() or os.environ.get("GOLDSPAN_LABELS"):
        return None
    return project.labels


def _open_example(name: str, target: Path) -> Path:
    """A copy of an example, which is the project of this process."""
    import os

    from goldspan.annotation.project import VARIABLE
    from goldspan.dashboards.example import copy_example

    folder = copy_example(name, target)
    os.environ[VARIABLE] = str(folder)
    os.environ.pop("GOLDSPAN_LABELS", None)
    return folder
