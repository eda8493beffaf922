"""`goldspan gate`: is this data ready for training?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.text import Text

from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, make_app

if TYPE_CHECKING:
    from goldspan.training.gate.verdict import Criterion

app = make_app()


@app.command()
def gate(
    init: Annotated[bool, typer.Option("--init", help="Write gate.toml into the workspace, to be edited")] = False,
    model: Annotated[
        Path | None, typer.Option(help="Judge a trained model, or the folder of its run, by the tables [model]")
    ] = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the reviewed samples of the workspace, or a trained model, against gate.toml, with a fix for each failure.

    Exit code 0 when the gate is open, 7 when it is closed.
    """
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.gate.public import judge
    from goldspan.training.gate.thresholds import write_default_thresholds

    if init:
        say(f"The thresholds are in {write_default_thresholds(find_workspace(data))}.")
        return
    if model:
        from goldspan.training.release import judge_folder

        criteria = judge_folder(model, find_workspace(data))
        is_open = all(criterion.passed for criterion in criteria)
        document = {"open": is_open, "model": str(model), "criteria": [c.to_dict() for c in criteria]}
        _show(criteria, (), document, is_open=is_open, subject=str(model), as_json=as_json)
    verdict = judge(labels_file=labels, data=data)
    subject = f"{verdict.reviewed} reviewed samples"
    _show(verdict.criteria, verdict.notes, verdict.to_dict(), is_open=verdict.open, subject=subject, as_json=as_json)


def _show(
    criteria: Iterable[Criterion],
    notes: Iterable[str],
    document: dict[str, Any],
    *,
    is_open: bool,
    subject: str,
    as_json: bool,
) -> NoReturn:
    from goldspan.training.gate.verdict import show_found, show_value

    if as_json:
        print_json(document)
    else:
        print_table(
            ["", "criterion", "found", "wanted", "detail", "fix"],
            (
                (
                    "ok" if c.passed else "NO",
                    c.question,
                    show_found(c),
                    f"{'≥' if c.at_least else '≤'} {show_value(c, c.bound)}",
                    c.detail,
                    "" if c.passed else c.fix,
                )
                for c in criteria
            ),
            right=(2, 3),
        )
        for note in notes:
            warn(note)
        state = ("open", "bold green") if is_open else ("closed", "bold red")
        out.print(Text.assemble("The gate is ", state, f" for {subject}."))
    raise typer.Exit(Exit.OK if is_open else Exit.GATE_CLOSED)
