"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class CommandGroup(TyperGroup):
    """A group whose help shows the whole first sentence of each command, wrapped instead of cut off."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands."""
        commands = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, command.get_short_help_str(limit=1000)) for name, command in commands.items() if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class RunGroup(CommandGroup):
    """A group in which the name of the command `run` may be left out."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front of arguments that begin with no command."""
        named = bool(args) and args[0] in {*self.commands, "-h", "--help"}
        if not named and (args or not self.no_args_is_help):
            args = ["run", *args]
        return list(super().parse_args(ctx, args))


def make_app(**settings: Any) -> typer.Typer:
    """A command or a group of commands, with plain help that opens with `-h` too."""
    return typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        **{"cls": CommandGroup, **settings},
    )


def _require_folder(folder: Path | None) -> Path | None:
    """Refuse a workspace that is not there."""
    from goldspan.annotation.tasks.workspace import check_workspace

    check_workspace(folder, "--data")
    return folder


def _announce_folder(folder: Path | None) -> Path | None:
    """Say that a workspace is a new one."""
    from goldspan.annotation.files import exists
    from goldspan.cli.shared.console import warn

    if folder and not exists(folder):
        warn(f"{folder} is a new workspace: there was no folder of this name.")
    return folder


_DATA_HELP = "The workspace folder (or GOLDSPAN_DATA). Default: the project's, else ./data"
DataOption = Annotated[Path | None, typer.Option("--data", metavar="FOLDER", help=_DATA_HELP, callback=_require_folder)]
NewDataOption = Annotated[
    Path | None, typer.Option("--data", metavar="FOLDER", help=_DATA_HELP, callback=_announce_folder)
]
"""`DataOption` of commands that can begin a workspace."""

LabelsOption = Annotated[
    Path | None,
    typer.Option("--labels", metavar="FILE", help="The label schema (or GOLDSPAN_LABELS). Default: the project's"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines")]
