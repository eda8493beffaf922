"""`goldspan demo`: the whole way on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.console import print_table, say
from goldspan.cli.shared.options import HELP

app = typer.Typer(context_settings=HELP)


@app.command()
def demo(
    samples: Annotated[int, typer.Option(min=12, help="Samples that the offline author writes")] = 60,
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes with commas")] = "en,de,fr",
    seed: Annotated[int, typer.Option(help="The same seed gives the same samples")] = 1,
    end: Annotated[bool, typer.Option("--exit", help="End when everything was shown, instead of staying up")] = False,
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER", help="The demo's own workspace")] = Path(
        "data/demo"
    ),
) -> None:
    """From label schema to reviewed samples and a dashboard, without a key and without the network.

    The offline author writes samples, they are checked, a Label Studio of its own starts, the samples are pushed with
    pre-annotations, a few are corrected as a person would, the work is pulled and the dashboard opens. The exit code
    is not 0 if any step fell short.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.api.credentials import find_account_file
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.demo.steps import Demo

    started = time.monotonic()
    workspace = find_workspace(data)
    with Demo(workspace, load_labels(), languages.split(","), samples, seed) as walk:
        walk.generate()
        walk.check()
        server = walk.open_studio()
        walk.push()
        walk.review()
        walk.pull()
        board = walk.open_dashboard()
        say(f"Everything worked, in {time.monotonic() - started:.0f} s.")
        print_table(
            ["where", "address"],
            [
                ("Label Studio", f"{server.url}/projects/{walk.project}/data"),
                ("  user", server.email),
                ("  password", f"in {find_account_file(workspace)}" if end else server.password),
                ("Dashboard", board.url),
                ("Samples", walk.sample_file),
                ("Reviewed", walk.reviewed_file),
            ],
        )
        if not end:
            say("Both stay up until you press Ctrl-C.")
            walk.wait()
