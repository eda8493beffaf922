"""`goldspan demo`: the whole pipeline on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.console import print_table, say
from goldspan.cli.shared.options import HELP
from goldspan.cli.shared.signals import stop_on_sigterm

app = typer.Typer(context_settings=HELP)


@app.command()
def demo(
    samples: Annotated[int, typer.Option(min=12, help="Number of samples to generate")] = 60,
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes, comma-separated")] = "en,de,fr",
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same samples")] = 1,
    end: Annotated[
        bool, typer.Option("--exit", help="Exit when all steps are done, instead of serving until Ctrl-C")
    ] = False,
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER", help="Workspace of the demo")] = Path("data/demo"),
) -> None:
    """Run the whole pipeline, without an API key or network access.

    Generates samples offline, checks them, starts Label Studio, pushes the samples with pre-annotations, corrects a
    few as an annotator would, pulls the reviews and starts the dashboard. The exit code is not 0 if a step fails.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.api.credentials import find_account_file
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.demo.steps import Demo

    stop_on_sigterm()
    started = time.monotonic()
    workspace = find_workspace(data)
    with Demo(workspace, load_labels(), languages.split(","), samples, seed) as run:
        run.generate()
        run.check()
        server = run.open_studio()
        run.push()
        run.review()
        run.pull()
        board = run.open_dashboard()
        say(f"All steps passed in {time.monotonic() - started:.0f} s.")
        print_table(
            ["what", "where"],
            [
                ("Label Studio", f"{server.url}/projects/{run.project}/data"),
                ("  user", server.email),
                ("  password", f"in {find_account_file(workspace)}" if end else server.password),
                ("Dashboard", board.address),
                ("Samples", run.sample_file),
                ("Reviewed", run.reviewed_file),
            ],
        )
        if not end:
            say("Label Studio and the dashboard run until you press Ctrl-C.")
            run.wait()
