"""`goldspan errors`: the worst documents, as differences in tagged text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.evaluate.scoring import (
    GoldArgument,
    LevelOption,
    ModelOption,
    ShowTextOption,
    load_pairing,
    show_differences,
)
from goldspan.cli.shared.console import print_json, say
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.evaluation.matching.levels import Level

app = make_app()


@app.command()
def errors(
    gold: GoldArgument,
    predicted: Annotated[Path, typer.Argument(metavar="PREDICTED", help="Samples with predictions; may be GOLD")],
    top: Annotated[int, typer.Option("--top", min=1, help="How many documents")] = 10,
    level: LevelOption = Level.LABEL,
    model: ModelOption = "",
    show_text: ShowTextOption = False,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the documents with the most errors. Lines with - are gold, lines with + the prediction."""
    from goldspan.evaluation.results.worst import list_worst

    schema = load_labels(labels)
    pairing, code = load_pairing(gold, predicted, schema, model)
    worst = list_worst(pairing.documents, schema, level=level, top=top, show_text=show_text)
    if as_json:
        print_json([document.to_json() for document in worst])
    elif worst:
        show_differences(worst)
        if not show_text:
            say("Text is shown as ·; give --show-text to read it.")
    else:
        say(f"All {len(pairing.documents)} documents are predicted exactly as in gold.")
    raise typer.Exit(code)
