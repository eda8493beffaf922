"""`goldspan studio`: a Label Studio on this machine, and the traffic with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.options import HELP, DataOption, JsonOption, LabelsOption
from goldspan.cli.studio import sync as studio_sync
from goldspan.cli.studio.sync import DEFAULT_TITLE, ProjectOption, TokenOption, UrlOption

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.project.doctor import Diagnosis

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    context_settings=HELP,
    help=(
        "Label Studio: start it, push samples, pull the work of annotators.\n\n"
        "`up` starts a Label Studio of your own. To use one that runs elsewhere, set LABEL_STUDIO_URL and "
        "LABEL_STUDIO_API_KEY (in the environment or in .env) and leave `up` out."
    ),
)


@app.command()
def up(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port on 127.0.0.1. [default: the last one, else from 8080]")
    ] = None,
    database_url: Annotated[
        str | None,
        typer.Option(
            envvar="GOLDSPAN_DATABASE_URL",
            help="PostgreSQL to keep the data in: postgresql://user:password@host:port/name. [default: SQLite]",
        ),
    ] = None,
    local_calls: Annotated[
        bool,
        typer.Option("--local-calls", help="Let it call this machine, as `watch --listen` and ML backends here need"),
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start Label Studio and print where it is and how to log in.

    The first time it is installed into an environment of its own (about two minutes); later starts take seconds.
    It stays up when this command ends. Running it again is harmless.

    Example: goldspan studio up && goldspan studio push
    """
    from goldspan.annotation.labelstudio.server.start import start_server
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    workspace = find_workspace(data)
    with console.err.status("Looking for Label Studio") as status:
        server = start_server(workspace, port, database_url, progress=status.update, local_calls=local_calls)
    if as_json:
        console.print_json(asdict(server) | {"data_dir": str(server.data_dir)})
        return
    rows = (("address", server.url), ("user", server.email), ("password", server.password), ("token", server.token))
    console.print_table(("Label Studio", "is up"), (*rows, ("data", server.data_dir)))
    console.say("Next: goldspan studio push    Stop it with: goldspan studio down")


@app.command()
def down(data: DataOption = None) -> None:
    """Stop the Label Studio that `up` started. Its data stays."""
    from goldspan.annotation.labelstudio.server.start import stop_server
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    stopped = stop_server(find_workspace(data))
    console.say("Label Studio is stopped; its data stays." if stopped else "No Label Studio of this workspace runs.")


@app.command()
def status(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Say whether this workspace's Label Studio runs, and where. Exit code 1 if it does not."""
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
        state = "up" if found.healthy else "started, but it does not answer (yet)"
        rows = (("state", state), ("address", found.url), ("process", found.pid), ("database", found.database))
        console.print_table(("Label Studio", ""), (*rows, ("data", found.data_dir), ("log", found.log)))
    if not found.healthy:
        raise typer.Exit(Exit.FAILED)


@app.command(name="open")
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


@app.command()
def doctor(
    project: ProjectOption = None,
    quick: Annotated[bool, typer.Option(help="Do not read the regions: about six times as fast")] = False,
    mend: Annotated[bool, typer.Option(help="Show the pre-annotations again if the project hides them")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at server, token, project and tasks; name what is wrong and the command that mends it.

    Looks for: a server that is down, a refused token, a labelling config that is not the label schema's,
    pre-annotations that nobody sees, samples that are there twice, texts that are missing or changed, regions that
    cannot be used, a project or database that is too small for its tasks. Exit code 1 if anything is an error.

    Example: goldspan studio doctor --quick
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project.doctor import diagnose
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    with console.err.status("Looking at Label Studio") as status:
        diagnosis = diagnose(
            find_workspace(data),
            load_labels(labels),
            url=url,
            token=token,
            project=int(project) if project and project.isdigit() else project,
            fallback=DEFAULT_TITLE,
            quick=quick,
            mend=mend,
            advance=lambda done, total: status.update(f"Looking at tasks: {done:,} of {total:,}"),
        )
    if as_json:
        findings = [asdict(finding) for finding in diagnosis.findings]
        console.print_json({"url": diagnosis.url, "project": diagnosis.project, "findings": findings})
    else:
        _show_findings(diagnosis)
    if diagnosis.has_errors:
        raise typer.Exit(Exit.FAILED)


def _show_findings(diagnosis: Diagnosis) -> None:
    from rich.markup import escape

    from goldspan.cli.shared import console

    colours = {"ok": "green", "warning": "yellow", "error": "bold red"}
    for finding in diagnosis.findings:
        colour = colours[finding.severity]
        console.out.print(f"[{colour}]{finding.severity:8}[/{colour}]{escape(finding.message)}")
        if finding.command:
            console.out.print(f"        mend: {escape(finding.command)}")


studio_sync.register(app)
