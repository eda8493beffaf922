"""`goldspan studio up|down|status|open`: the workspace's own Label Studio."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from goldspan.cli.shared.options import DataOption, JsonOption, NewDataOption


def up(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port on 127.0.0.1. [default: the last one, else the project's]"),
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="GOLDSPAN_DATABASE_URL",
            help="PostgreSQL database: postgresql://user:password@host:port/name. [default: SQLite]",
        ),
    ] = None,
    local_calls: Annotated[
        bool,
        typer.Option(
            "--local-calls", help="Allow requests to this machine, for `watch --listen` and local ML backends"
        ),
    ] = False,
    data: NewDataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start Label Studio and print its address and login.

    The first time it is installed into its own environment (about two minutes); later starts take seconds.
    It keeps running when this command ends. Running the command again is harmless.

    Example: goldspan studio up && goldspan studio push
    """
    from goldspan.annotation.labelstudio.server.start import start_server
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    workspace = find_workspace(data)
    with console.err.status("Starting Label Studio") as status:
        server = start_server(workspace, port, database_url, progress=status.update, local_calls=local_calls)
    if as_json:
        console.print_json(asdict(server) | {"data_dir": str(server.data_dir)})
        return
    rows = (("address", server.url), ("user", server.email), ("password", server.password), ("token", server.token))
    console.print_table(("Label Studio", "is up"), (*rows, ("data", server.data_dir)))
    console.say("Next: goldspan studio push    Stop it with: goldspan studio down")


def down(data: DataOption = None) -> None:
    """Stop the Label Studio that `up` started. Its data stays."""
    from goldspan.annotation.labelstudio.server.start import stop_server
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    stopped = stop_server(find_workspace(data))
    console.say("Label Studio is stopped; its data stays." if stopped else "No Label Studio of this workspace runs.")


def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show whether this workspace's Label Studio runs, and where. Exit code 1 if it does not."""
    from goldspan.annotation.labelstudio.server.start import server_status
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    found = server_status(find_workspace(data))
    if as_json:
        console.print_json(asdict(found) | {"data_dir": str(found.data_dir), "log": str(found.log)})
    elif not found.running:
        console.say("No Label Studio of this workspace runs. Start it with: goldspan studio up")
    else:
        state = "up" if found.healthy else "started, but not responding (yet)"
        rows = (("state", state), ("address", found.url), ("process", found.pid), ("database", found.database))
        console.print_table(("Label Studio", ""), (*rows, ("data", found.data_dir), ("log", found.log)))
    if not found.healthy:
        raise typer.Exit(Exit.FAILED)


def open_page(
    project: Annotated[int | None, typer.Option(help="Number of the project. Default: the last one")] = None,
    data: DataOption = None,
) -> None:
    """Open Label Studio in the browser and print the user and password to log in with."""
    from goldspan.annotation.labelstudio.api.credentials import load_account, resolve_credentials
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    workspace = find_workspace(data)
    credentials = resolve_credentials(workspace, project_id=project)
    page = f"{credentials.url}/projects/{credentials.project_id or ''}"
    account = load_account(workspace)
    console.out.print(page)
    if account is not None and account.url == credentials.url:
        console.say(f"Log in as {account.email} with the password {account.password}")
    typer.launch(page)
