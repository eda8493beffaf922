"""`goldspan`: the command groups, each loaded only when it is called."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Any

import click
import typer
from typer.core import TyperGroup

from annotation.errors import GoldspanError
from cli.exits import MEANINGS, Exit

GROUPS = {
    "labels": "The label schema: list, add and check labels, print the Label Studio config",
    "samples": "Texts with their annotations: import, check, show, count, split",
    "generate": "Let language models (or the offline author) write samples",
    "simulate": "A model provider on this machine, with faults on request",
    "studio": "Label Studio: start it, push samples, pull the work of annotators",
    "evaluate": "Score predictions against gold",
    "compare": "Compare results side by side, with baselines",
    "errors": "The worst documents, as differences in tagged text",
    "acceptance": "How much of the pre-annotations people kept",
    "agreement": "How far annotators agree",
    "annotate": "Pre-annotate your own texts with a predictor",
    "dashboard": "Open the dashboard: coverage and quality at a glance",
    "gate": "May this data go to training? The verdict, with reasons",
    "hub": "Hugging Face data sets, in and out",
    "bundle": "Freeze a version and hand it to training",
    "demo": "The whole way on this machine, from schema to dashboard",
}
"""Name and help of each command; `cli/<name>.py` holds it as `app`. Those without a file are not shown."""


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are called, so that `--help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands whose file exists, in the order of the help."""
        return [name for name in GROUPS if importlib.util.find_spec(f"cli.{name}") is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; the top help shows its line without importing it."""
        if cmd_name not in self.list_commands(ctx):
            return None
        if ctx.resilient_parsing or _is_top_help():
            return click.Command(cmd_name, short_help=GROUPS[cmd_name], help=GROUPS[cmd_name])
        command = typer.main.get_command(importlib.import_module(f"cli.{cmd_name}").app)
        command.name = cmd_name
        return command


def _is_top_help() -> bool:
    return len(sys.argv) < 2 or sys.argv[1] in {"--help", "-h"}


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: " + "; ".join(f"{code.value} {meaning}" for code, meaning in MEANINGS.items()) + ".",
)


@app.callback()
def root() -> None:
    """From a label schema to reviewed, measured training data for PII, NER and coreference models."""


def run(arguments: list[str] | None = None) -> Any:
    """Run the command line; errors become one message and an exit code."""
    from cli.console import fail

    try:
        sys.exit(app(arguments, standalone_mode=True))
    except GoldspanError as error:
        fail(str(error))
        sys.exit(Exit.FAILED)
    except KeyboardInterrupt:
        fail("Interrupted. Nothing is lost; run the same command again to go on.")
        sys.exit(Exit.INTERRUPTED)


if __name__ == "__main__":
    run()
