"""`goldspan loop retrain` and `status`: one round of the loop, and what the rounds so far did."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.cli.shared.console import err, out, print_json, print_table, quote, say
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.training.loop.promotion import Promotion
    from goldspan.training.loop.retrain import Retrained

BaseOption = Annotated[
    str,
    typer.Option(
        help="What serves before the first round, by name: regex, regex+rampart. Default: the project's, else regex"
    ),
]


def retrain(
    method: Annotated[str, typer.Option(help="A method of `goldspan method list`")] = "crf",
    base: BaseOption = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="KEY=VALUE", help="An option of the method; may be repeated"),
    ] = None,
    min_test: Annotated[
        int, typer.Option("--min-test", min=1, help="Random reviewed samples that a promotion needs")
    ] = 100,
    size: Annotated[int, typer.Option(min=1, max=1000, help="Samples of the next batch")] = 20,
    pool: Annotated[int, typer.Option(min=1, help="Samples that the queue ranks, drawn at random")] = 2000,
    similarity: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Texts at least so alike share a split, as in `goldspan bundle`")
    ] = 0.7,
    seed: Annotated[int, typer.Option(help="Decides the random reserve; keep it for the whole project")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Also with few new reviews")] = False,
    push: Annotated[bool, typer.Option("--push", help="Push the next batch to Label Studio")] = False,
    project: Annotated[str, typer.Option(help="Id or title to push to. Default: the one pushed to last")] = "",
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Retrain on the reviews, promote the model if it is better, and queue what to label next.

    Runs when at least 20 reviews, and a fifth of those of the last round, are new. The new model stands on the one in
    service: on its tags (crf) or its weights (token-classifier). It is promoted only if a paired test on random,
    human-reviewed samples that no model was trained on says so; otherwise the reason is given and the old one stays.
    Either way the next batch is annotated by the model in service and written to loop/round-<n>.jsonl.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.push.receipt import read_pushed
    from goldspan.annotation.project import find_project
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared.predictors import parse_options
    from goldspan.predictors.stacking import name_base
    from goldspan.training.loop.retrain import RetrainSettings
    from goldspan.training.loop.retrain import retrain as do_round

    workspace = find_workspace(data)
    base = base or name_base(find_project())
    settings = RetrainSettings(method, base, parse_options(option), min_test, size, pool, similarity, seed, force)
    found = do_round(
        workspace,
        settings,
        labels_file=labels,
        pushed=read_pushed(workspace),
        report=lambda line: err.print(line),
    )
    if push and found.queue_file:
        _push(found.queue_file, project, workspace, load_labels(labels))
    if as_json:
        print_json(_describe(found))
    else:
        _show(found)


def status(
    base: BaseOption = "",
    source: Annotated[
        bool, typer.Option("--source", help="Print what serves, for --predictor and `goldspan serve`, and no more")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which model serves, and the verdict of every round."""
    from dataclasses import asdict

    from goldspan.annotation.project import find_project
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.predictors.stacking import name_base
    from goldspan.training.loop.state import locate_source, read_state

    workspace = find_workspace(data)
    state = read_state(workspace, base or name_base(find_project()))
    if source:
        out.print(locate_source(workspace, state.serving))
        return
    if as_json:
        print_json(asdict(state))
        return
    rows = []
    for one in state.rounds:
        verdict = one.verdict
        rows.append(
            (
                one.number, one.model, one.trained_on, "promoted" if one.promoted else "refused",
                _format(verdict["incumbent_f1"]), _format(verdict["candidate_f1"]), verdict["documents"],
                "; ".join(verdict["reasons"]),
            )
        )  # fmt: skip
    if rows:
        heads = ["round", "model", "reviews", "verdict", "F1 before", "F1 new", "tested on", "why not"]
        print_table(heads, rows, right=(0, 2, 4, 5, 6))
    say(f"In service: {state.serving}. {len(state.rounds)} rounds.")


def _push(path: Path, project: str, workspace: Workspace, labels: LabelSchema) -> None:
    from goldspan.annotation.labelstudio.push.public import push as push_samples

    report = push_samples(path, project or None, labels=labels, data=workspace.root)
    err.print(f"Pushed to project {report.project}: {report.title}.")


def _show(found: Retrained) -> None:
    if found.round is None or found.promotion is None:
        say(
            f"{found.reviews} reviews, {found.state.trained_on} of them in the last round: {found.missing} more are "
            "needed. --force retrains all the same."
        )
        return
    print_table(["test", "in service", "new"], _list_figures(found.promotion), right=(1, 2))
    if found.anchored:
        say(
            f"{found.anchored} of {found.promotion.documents} test samples were reviewed with suggestions of the model "
            "in service: that favours it."
        )
    if found.promotion.promoted:
        kept = f" Entities of the base stay for {', '.join(found.promotion.kept)}." if found.promotion.kept else ""
        say(f"Promoted.{kept} In service: {found.state.serving}")
    else:
        say(f"Refused: {'; '.join(found.promotion.reasons)}. In service: {found.state.serving}")
    if found.queue and found.queue_file and not found.queue.entries:
        say("No sample waits for a review outside Label Studio.")
        if found.queue_file.stat().st_size:
            say(f"Show the new suggestions in it: goldspan studio push {quote(found.queue_file)}")
    elif found.queue and found.queue_file:
        minutes = max(1, round(sum(entry.seconds for entry in found.queue.entries) / 60))
        say(
            f"Next: {len(found.queue.entries)} of {found.queue.waiting} samples, about {minutes} min of work: "
            f"goldspan studio push {quote(found.queue_file)}"
        )


def _list_figures(promotion: Promotion) -> list[tuple[str, str, str]]:
    delta = promotion.delta
    bounds = "" if delta.low is None else f" ({delta.delta:+.3f} [{delta.low:+.3f}, {delta.high:+.3f}])"
    figures = [
        ("random reviewed samples", str(promotion.documents), str(promotion.documents)),
        ("strict F1", _format(promotion.incumbent_f1), _format(promotion.candidate_f1) + bounds),
    ]
    if promotion.documents:
        edits = f"{promotion.incumbent_edits:.2f}", f"{promotion.candidate_edits:.2f}"
        seconds = f"{promotion.incumbent_seconds:.1f}", f"{promotion.candidate_seconds:.1f}"
        figures += [("edits a sample", *edits), ("estimated seconds a sample", *seconds)]
    return figures


def _describe(found: Retrained) -> dict[str, Any]:
    return {
        "serving": found.state.serving,
        "reviews": found.reviews,
        "missing": found.missing,
        "promoted": found.promotion.promoted if found.promotion else None,
        "verdict": found.round.verdict if found.round else None,
        "queue": str(found.queue_file) if found.queue_file else None,
        "queued": len(found.queue.entries) if found.queue else 0,
    }


def _format(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
