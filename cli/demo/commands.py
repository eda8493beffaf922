"""`goldspan demo`: the whole pipeline on this machine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.console import print_table, say
from goldspan.cli.shared.options import make_app

if TYPE_CHECKING:
    from goldspan.annotation.tasks.workspace import Workspace

app = make_app()


@app.command()
def demo(
    samples: Annotated[int, typer.Option(min=12, help="Number of samples to generate")] = 60,
    template: Annotated[
        str, typer.Option("--template", "-t", help="Another domain: support, biomedical, legal; default: PII")
    ] = "",
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes, comma-separated. Default: en,de,fr")] = "",
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same samples")] = 1,
    train: Annotated[
        bool, typer.Option("--train", help="Also train, evaluate and sign a model, and annotate with it (minutes)")
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of Label Studio. Default: the last one, else a free one")
    ] = None,
    dashboard_port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of the dashboard. Default: a free one from 8501")
    ] = None,
    end: Annotated[
        bool, typer.Option("--exit", help="Exit when all steps are done, instead of serving until Ctrl-C")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="FOLDER", help="Workspace of the demo; with --template its project folder"),
    ] = None,
) -> None:
    """Run the whole pipeline, without an API key or network access.

    Generates samples offline, checks them, starts Label Studio, pushes the samples with pre-annotations, corrects a
    few as an annotator would, pulls the reviews and starts the dashboard. With --template it makes a project of that
    template first, and freezes a version at the end. With --train a small model is trained on the samples and
    annotates them again. The exit code is not 0 if a step fails.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.api.credentials import find_account_file
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.demo.steps import Demo

    started = time.monotonic()
    if template:
        workspace = _open_project(data or Path(f"data/demo-{template}"), template, languages)
    else:
        workspace = find_workspace(data or Path("data/demo"))
    codes = (languages or ("en" if template else "en,de,fr")).split(",")
    with Demo(workspace, load_labels(), codes, samples, seed) as run:
        run.generate()
        run.check()
        server = run.open_studio(port)
        run.push()
        run.review()
        run.pull()
        if template:
            run.freeze()
        model = run.train() if train else None
        board = run.open_dashboard(dashboard_port)
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
                *([("Model", model)] if model else []),
            ],
        )
        if not end:
            say("Label Studio and the dashboard run until you press Ctrl-C.")
            run.wait()


def _open_project(folder: Path, template: str, languages: str) -> Workspace:
    """The workspace of the demo's own project, which is made if it is not there; it holds for this process."""
    from goldspan.annotation.project import FILE, VARIABLE
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.annotation.templates import create_project, find_template

    if not (folder / FILE).exists():
        codes = tuple(filter(None, languages.split(",")))
        create_project(folder, find_template(template), name=f"Demo: {template}", languages=codes, nested=True)
    os.environ[VARIABLE] = str(folder.resolve())
    return find_workspace()
