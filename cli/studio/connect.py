"""`goldspan studio connect|disconnect`: a served model in a Label Studio project."""

from __future__ import annotations

from typing import Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.studio.connection import StudioOptions, show_progress
from goldspan.cli.studio.connection import connect as open_studio

ADDRESS = "http://127.0.0.1:7860"


@expand_option_groups
def connect(
    model: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where `goldspan serve` listens")] = ADDRESS,
    train_every: Annotated[
        int, typer.Option(min=0, help="Ask for training at every N-th annotation; 0: only by the button")
    ] = 0,
    predict_all: Annotated[bool, typer.Option(help="Also predict every task that nobody has reviewed")] = False,
    *,
    target: StudioOptions,
) -> None:
    """Show the predictions of a served model in a project, and let annotators ask it.

    Sets the backend, its title, the version shown, and the settings that go with it; repeat it at will. Label Studio
    of this workspace is started again if it may not ask models on this machine yet. If the server wants a token, set
    GOLDSPAN_SERVE_TOKEN; Label Studio stores it. `disconnect` undoes all of it.

    Example: goldspan serve --predictor regex & goldspan studio connect
    """
    import os
    from pathlib import Path

    from goldspan.annotation.environment import read_env_file
    from goldspan.annotation.labelstudio.api.credentials import normalise_url
    from goldspan.annotation.labelstudio.project.backend import connect_backend, predict_open_tasks
    from goldspan.annotation.labelstudio.project.find import require_project
    from goldspan.annotation.labelstudio.server.models import allow_for
    from goldspan.cli.serve import TOKEN
    from goldspan.cli.shared import console

    studio = open_studio(target)
    address = normalise_url(model)
    token = os.environ.get(TOKEN) or read_env_file(Path(".env")).get(TOKEN, "")
    project = require_project(studio.client, studio.project)
    with console.err.status("Connecting") as status:
        if allow_for(studio.workspace, studio.client.url, address, status.update):
            console.say("Label Studio was started again: it may now ask models on this machine.")
        found = connect_backend(studio.client, studio.workspace, project, address, token=token, train_every=train_every)
    verb = "is still connected" if found.was_connected else "is connected"
    console.say(f"Project {found.project} {found.title} {verb} to {found.url}; it shows version {found.version}.")
    if predict_all:
        with show_progress() as progress:
            wanted, stored = predict_open_tasks(studio.client, found.project, found.version, progress)
        console.say(f"Predicted {stored} of {wanted} open tasks.")
        if stored < wanted:
            console.warn("Tasks without a prediction are predicted when somebody opens them; see the server's log.")
    console.say(f"Open: {studio.client.url}projects/{found.project}    Undo: goldspan studio disconnect")


@expand_option_groups
def disconnect(*, target: StudioOptions) -> None:
    """Remove a connected model from a project, with its webhook, and put the settings back.

    Predictions that were made stay, since reviews refer to them.
    """
    from goldspan.annotation.labelstudio.project.backend import disconnect_backend, list_connected
    from goldspan.annotation.labelstudio.project.find import require_project
    from goldspan.annotation.labelstudio.server.models import forbid_for
    from goldspan.cli.shared import console

    studio = open_studio(target)
    project = require_project(studio.client, studio.project)
    found = disconnect_backend(studio.client, studio.workspace, project)
    if not list_connected(studio.client, studio.workspace):
        with console.err.status("Disconnecting") as status:
            forbid_for(studio.workspace, studio.client.url, status.update)
    number = project["id"]
    console.say(f"Project {number} is disconnected." if found else f"No model was connected to project {number}.")
