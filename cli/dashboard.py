"""`goldspan dashboard`: serve the dashboard on this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from goldspan.cli.shared.console import err, say
from goldspan.cli.shared.options import HELP, DataOption, LabelsOption
from goldspan.cli.shared.signals import stop_on_sigterm

app = typer.Typer(add_completion=False, context_settings=HELP)


@app.command()
def dashboard(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1. Default: the project's, else from 8501")
    ] = None,
    data: DataOption = None,
    labels: LabelsOption = None,
) -> None:
    """Serve the dashboard on this machine, until Ctrl-C.

    It answers only on 127.0.0.1 and only to the address that it prints, which holds an access token of this start.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.dashboards.launch import start_dashboard

    load_labels(labels)
    stop_on_sigterm()
    with err.status("Starting the dashboard"):
        running = start_dashboard(find_workspace(data), port, labels)
    say(f"Dashboard: {escape(running.address)}\nThe address holds an access token. Press Ctrl-C to stop the dashboard.")
    try:
        running.process.wait()
    except KeyboardInterrupt:
        say("Stopping the dashboard.")
    finally:
        running.stop()
