"""`goldspan samples saturation`: what more documents of a data set teach."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.samples.files import FilesArgument
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.training.saturation import Saturation


def register(app: typer.Typer) -> None:
    """Add the command to the group `samples`."""
    app.command("saturation")(saturation)


def saturation(
    files: FilesArgument,
    sizes: Annotated[
        str, typer.Option(help="Documents to train on, with commas; all are measured too")
    ] = "60,250,1000",
    encoder: Annotated[str, typer.Option(help="An encoder by name, folder or Hub id")] = "rampart",
    token_budget: Annotated[int, typer.Option(min=1000, help="Tokens that each training sees")] = 200_000,
    test: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Annotated samples from elsewhere to test on; repeatable")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed holds out the same documents")] = 0,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on 60, 250, 1,000 and all documents for the same number of tokens, and show what each size teaches.

    Strict F1 on held-out documents of the same files, and on each --test. Needs the training libraries
    (goldspan[train]); no model is kept.
    """
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.training.saturation import SaturationSettings, measure_saturation

    schema, refusals = load_labels(labels), Refusals()
    settings = SaturationSettings(_read_sizes(sizes), encoder, token_budget, seed)
    tests = {path.stem: list(read_samples([path], schema, refusals)) for path in test or ()}
    found = measure_saturation(
        list(read_samples(files, schema, refusals)),
        schema,
        settings,
        tests=tests,
        report=lambda point: say(f"{point.documents:,} documents measured"),
    )
    if as_json:
        print_json(found.to_dict() | {"refused": len(refusals.errors)})
    else:
        _show(found)
    raise typer.Exit(refusals.exit_code)


def _read_sizes(sizes: str) -> tuple[int, ...]:
    try:
        read = tuple(int(part) for part in sizes.split(",") if part.strip())
    except ValueError:
        read = ()
    if not read or min(read) < 1:
        raise InputError(f"--sizes takes numbers of documents with commas, such as 60,250,1000; not {sizes!r}.")
    return read


def _show(found: Saturation) -> None:
    tests = list(found.tests)
    rows = []
    for point in found.points:
        row = [f"{point.documents:,}", f"{point.median_contexts:.0f}"]
        for name in tests:
            f1, share = point.f1[name], found.share(point, name)
            row += ["–" if f1 is None else f"{f1:.3f}", "–" if share is None else f"{share:.0%}"]
        rows.append(row)
    columns = [column for name in tests for column in (f"F1 {name} ({found.tests[name]})", "of all")]
    print_table(["documents", "contexts", *columns], rows, right=range(2 + len(columns)))
    say(
        f"Each size was trained on {found.settings.token_budget:,} tokens from {found.settings.encoder}. Contexts: "
        "median over labels of distinct two-word left contexts per 100 mentions. Where F1 stays, more documents of the "
        "same kind do not help."
    )
