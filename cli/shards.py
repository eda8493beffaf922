"""`goldspan shards`: files cut into shards, and the state of a run over shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.cli.shared.console import print_json, say
from goldspan.cli.shared.options import JsonOption, make_app
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.sharding import restore_address, show_summary

app = make_app(
    no_args_is_help=True,
    help="Files cut into shards, which `annotate`, `mask` and `samples check|import|export|dedupe|split|quality` work "
    "on with --engine.",
)


@app.command("make")
def make(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help=".jsonl or .txt, one text a line; also .gz, .zst")
    ],
    output: Annotated[Path, output_option("Folder of the shards")],
    rows: Annotated[int, typer.Option(min=1, help="Lines of a shard")] = 10_000,
    as_json: JsonOption = False,
) -> None:
    """Cut files into shards of a number of lines each. Lines are copied as they are."""
    from goldspan.cli.shared.refusals import Refusals
    from goldspan.shards.cut import cut_files

    refusals = Refusals()
    made = cut_files(files, output, rows, refusals)
    if as_json:
        print_json({"shards": [str(path) for path in made]})
    else:
        say(f"{len(made)} shards → {output}")
    raise typer.Exit(refusals.exit_code)


@app.command("status")
def status(
    output: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of the results, or its address")],
    as_json: JsonOption = False,
) -> None:
    """Which shards of a run are finished, set aside, or missing, and what they hold together."""
    from goldspan.shards.plan import read_plan
    from goldspan.shards.report import PLAN
    from goldspan.shards.run import read_summary
    from goldspan.shards.storage import open_storage

    address = restore_address(output)
    data = open_storage(address).read(PLAN)
    if data is None:
        raise InputError(f"{address} holds no results of a run over shards.")
    raise typer.Exit(show_summary(read_summary(read_plan(data)), address, as_json=as_json))
