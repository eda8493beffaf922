"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def make_app(**settings: Any) -> typer.Typer:
    """A command or a group of commands, with plain help that opens with `-h` too."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **settings,
    )


DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FOLDER", help="The workspace folder (or GOLDSPAN_DATA). Default: the project's, else ./data"
    ),
]
LabelsOption = Annotated[
    Path | None,
    typer.Option("--labels", metavar="FILE", help="The label schema (or GOLDSPAN_LABELS). Default: the project's"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines")]
