"""`goldspan gate`: is this data ready for training?"""

from __future__ import annotations

from typing import Annotated

import typer

from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import HELP, DataOption, JsonOption, LabelsOption

app = typer.Typer(add_completion=False, context_settings=HELP)


@app.command()
def gate(
    init: Annotated[bool, typer.Option("--init", help="Write gate.toml into the workspace, to be edited")] = False,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the reviewed samples of the workspace against gate.toml; each failure names a command to fix it.

    Exit code 0 when the gate is open, 7 when it is closed.
    """
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.gate.public import judge
    from goldspan.training.gate.thresholds import write_default_thresholds
    from goldspan.training.gate.verdict import show_figure, show_found

    if init:
        say(f"The thresholds are in {write_default_thresholds(find_workspace(data))}.")
        return
    verdict = judge(labels_file=labels, data=data)
    if as_json:
        print_json(verdict.to_dict())
    else:
        print_table(
            ["", "criterion", "found", "wanted", "detail", "fix"],
            (
                (
                    "ok" if c.passed else "NO",
                    c.question,
                    show_found(c),
                    f"{'≥' if c.at_least else '≤'} {show_figure(c.bound)}",
                    c.detail,
                    "" if c.passed else c.fix,
                )
                for c in verdict.criteria
            ),
            right=(2, 3),
        )
        for note in verdict.notes:
            warn(note)
        state = "[bold green]open[/bold green]" if verdict.open else "[bold red]closed[/bold red]"
        out.print(f"The gate is {state} for {verdict.reviewed} reviewed samples.")
    raise typer.Exit(Exit.OK if verdict.open else Exit.GATE_CLOSED)
