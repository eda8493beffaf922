"""`goldspan agreement`: inter-annotator agreement."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.evaluate.scoring import format_rate
from goldspan.cli.shared.console import out, print_json, print_table, warn
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.evaluation.people.agreement import AgreementReport

app = make_app()


@app.command()
def agreement(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Reviewed samples: files or folders")],
    models: Annotated[bool, typer.Option("--models", help="Count each model version as a rater")] = False,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure inter-annotator agreement: span F1, Krippendorff's alpha and clusters, each pair with its n."""
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.evaluation.matching.annotations import merge_samples
    from goldspan.evaluation.people.agreement import measure_agreement

    refusals = Refusals()
    samples = merge_samples(read_samples(files, load_labels(labels), refusals, tolerant=True))
    report = measure_agreement(samples, models=models)
    if as_json:
        print_json(report.to_json())
    elif not report.pairs:
        warn("No sample here was annotated by two people. Have some samples reviewed twice, or add --models.")
    else:
        _show(report)
    raise typer.Exit(refusals.exit_code)


def _show(report: AgreementReport) -> None:
    _show_matrix(report)
    document = report.to_json()
    names = ["exact", "overlap", "unlabelled", "alpha", "b_cubed", "links"]
    pairs = [
        [" · ".join(pair["raters"]), pair["samples"], *(format_rate(pair[name]) for name in names)]
        for pair in document["pairs"]
    ]
    pairs.append(["all", document["samples"], *(format_rate(document[name]) for name in names)])
    heads = ["raters", "samples", "F1 exact", "F1 overlap", "F1 unlabelled", "alpha", "B³", "links"]
    print_table(heads, pairs, right=range(1, len(heads)))
    out.print()
    by_label = [
        [label, format_rate(scores["f1_score"]), format_rate(scores.get("alpha")), *scores["spans"]]
        for label, scores in document["by_label"].items()
    ]
    print_table(["label", "F1 exact", "alpha", "spans", "spans of the other"], by_label, right=(1, 2, 3, 4))


def _show_matrix(report: AgreementReport) -> None:
    cells = {}
    for pair in report.pairs:
        cell = f"{format_rate(pair.exact.measure_f()) or '–'} ({pair.samples})"
        cells[pair.first, pair.second] = cells[pair.second, pair.first] = cell
    raters = list(report.raters)
    rows = [[one, *(cells.get((one, other), "") for other in raters)] for one in raters]
    title = "F1 exact, number of samples in brackets"
    print_table(["", *raters], rows, title=title, right=range(1, len(raters) + 1))
    out.print()
