"""`goldspan acceptance`: how many pre-annotations reviewers kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.cli.evaluate.scoring import format_rate
from goldspan.cli.shared.console import out, print_json, print_table, warn
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.corpus.effort import CostModel
    from goldspan.annotation.types import Annotation
    from goldspan.evaluation.people.acceptance_report import AcceptanceReport, Tally
    from goldspan.evaluation.people.automation import AutomationBias
    from goldspan.evaluation.people.savings import Savings

app = make_app()
_SHOWN = 10


@app.command()
def acceptance(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Reviewed samples: files or folders")],
    model: Annotated[str, typer.Option("--model", help="Only pre-annotations of this model version")] = "",
    hidden: Annotated[
        Path | None, typer.Option("--hidden", help="Predictions that the control samples were pushed without")
    ] = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how reviewers changed pre-annotations, per label, model version and person.

    Samples whose provenance says "control": true were pushed without predictions; they show whether pre-annotations
    bias reviewers towards the model.
    """
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.evaluation.matching.annotations import merge_samples
    from goldspan.evaluation.people.acceptance import measure_acceptance

    schema = load_labels(labels)
    refusals = Refusals()
    samples = merge_samples(read_samples(files, schema, refusals, tolerant=True))
    unseen = _read_hidden(hidden, schema, refusals) if hidden else {}
    report = measure_acceptance(samples, model_version=model, hidden=unseen)
    if as_json:
        print_json(report.to_json())
    elif not report.reviews and not report.anchoring.control.reviews:
        warn("No sample here has both a prediction and a review: nothing can be said about acceptance yet.")
    else:
        _show(report)
    raise typer.Exit(refusals.exit_code)


def _read_hidden(path: Path, labels: LabelSchema, refusals: Refusals) -> dict[str, Annotation]:
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.evaluation.matching.annotations import list_latest_predictions

    found = ((s.sample_id, list_latest_predictions(s)) for s in read_samples([path], labels, refusals, tolerant=True))
    return {sample_id: predictions[0] for sample_id, predictions in found if predictions}


def _show(report: AcceptanceReport) -> None:
    from goldspan.evaluation.people.savings import sum_savings

    _show_tallies("label", {**report.by_label, "all": report.total})
    _show_tallies("model version", report.by_model)
    _show_tallies("person", report.by_person)
    if report.relabelled:
        rows = [(a, b, count) for (a, b), count in list(report.relabelled.items())[:_SHOWN]]
        print_table(["predicted", "relabelled", "times"], rows, right=(2,))
        out.print()
    drawn = [review for review in report.reviews if review.random]
    anchoring, stamps = report.anchoring, report.to_json()["rubber_stamps"]
    print_table(
        ["measure", "value"],
        {
            "reviews": len(report.reviews),
            "samples with a prediction, not reviewed": report.unreviewed,
            "first-pass acceptance": format_rate(report.first_pass_acceptance),
            "edits a review": format_rate(report.edits_per_review),
            "touch rate": format_rate(report.total.touch_rate),
            **_describe_savings("", report.savings, report.costs),
            **_describe_savings("random reserve: ", sum_savings(drawn, report.costs), report.costs),
            "rubber-stamp suspicions": f"{len(report.suspects)} of {stamps['reviews_with_lead_time']} timed",
            "origins": ", ".join(f"{name} {count}" for name, count in report.origins.items()) or None,
            "origins that contradict the comparison": report.contradictions,
            "control reviews": anchoring.control.reviews,
            "F1 with the model, shown / hidden": _pair(anchoring.guided.f1, anchoring.control.f1),
            "anchoring effect": format_rate(anchoring.effect),
            "wrong suggestions put in, left standing": _format_bias(report.automation),
            "entities per 1,000 characters, guided / control": _pair(
                anchoring.guided.entities_per_1000_characters, anchoring.control.entities_per_1000_characters
            ),
        }.items(),
        right=(1,),
    )


def _show_tallies(name: str, tallies: Mapping[str, Tally]) -> None:
    columns = ["predicted", "annotated", "accepted", "relabelled", "resized", "rejected", "added"]
    rates = ["precision", "recall", "relaxed_precision", "relaxed_recall"]
    rows = []
    for key, tally in tallies.items():
        numbers = tally.to_json()
        rows.append([key, *(numbers[c] for c in columns), *(format_rate(numbers[r]) for r in rates)])
    heads = [name, *columns, "precision", "recall", "P relaxed", "R relaxed"]
    print_table(heads, rows, right=range(1, len(heads)))
    out.print()


def _describe_savings(share: str, savings: Savings, costs: CostModel) -> dict[str, object]:
    """Edits and seconds beside those from nothing; mentions and relations count too."""
    if not savings.reviews:
        return {}
    per_review = savings.seconds / savings.reviews, savings.seconds_from_nothing / savings.reviews
    rows: dict[str, object] = {
        f"{share}reviews": savings.reviews,
        f"{share}edits, with pre-annotation / from nothing": f"{savings.effort.edits} / {savings.from_nothing.edits}",
        f"{share}edits saved": _format_interval(savings.edits_saved, savings.edits_saved_interval),
        f"{share}edits per entity or mention": format_rate(savings.edits_per_entity),
        f"{share}estimated seconds a review, with / from nothing": f"{per_review[0]:.0f} / {per_review[1]:.0f}",
        f"{share}estimated seconds saved": _format_interval(savings.seconds_saved, savings.seconds_saved_interval),
    }
    if not share:
        rows["costs of actions"] = costs.source
        del rows["reviews"]
    return rows


def _format_bias(bias: AutomationBias) -> str | None:
    if not bias.seen:
        return None
    low, high = bias.to_json()["ci95"]
    return f"{bias.left} of {bias.seen} [{low:.0%}, {high:.0%}]"


def _format_interval(value: float | None, interval: tuple[float, float] | None) -> str | None:
    if value is None:
        return None
    return f"{value:.0%}" + (f" [{interval[0]:.0%}, {interval[1]:.0%}]" if interval else "")


def _pair(one: float | None, other: float | None) -> str | None:
    return None if one is None and other is None else f"{format_rate(one) or '–'} / {format_rate(other) or '–'}"
