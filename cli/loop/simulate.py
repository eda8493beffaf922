"""`goldspan loop simulate`: what pre-annotation, retraining and the order of work save."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.console import err, print_json, print_table, say
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.project import Project
    from goldspan.annotation.types import Sample


def simulate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Reviewed samples as truth. Default: documents of the offline author"),
    ] = None,
    base: Annotated[
        str,
        typer.Option(help="What pre-annotates at first, by name: regex+rampart. Default: the project's, else regex"),
    ] = "",
    method: Annotated[str, typer.Option(help="What is retrained: crf (seconds) or token-classifier (minutes)")] = "crf",
    encoder: Annotated[str | None, typer.Option(help="The encoder of token-classifier. Default: rampart")] = None,
    tokens: Annotated[
        int | None,
        typer.Option(min=1, help="Training tokens of token-classifier, a round. Default: 60000"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Where token-classifier trains: cpu, cuda or auto. Default: cpu"),
    ] = None,
    orders: Annotated[str, typer.Option(help="Orders to compare, joined with commas")] = "random,uncertainty,queue",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds")] = 3,
    rounds: Annotated[
        str, typer.Option(help="Reviews in all after each round; the first one is random")
    ] = "20,40,60,80,100,130,160,200",
    target: Annotated[float, typer.Option(min=0.0, max=1.0, help="Strict F1 to reach")] = 0.9,
    pool: Annotated[int, typer.Option(min=10, help="Samples that wait")] = 400,
    door: Annotated[int, typer.Option(min=10, help="Samples that decide promotions")] = 100,
    test: Annotated[int, typer.Option(min=10, help="Samples that measure")] = 100,
    languages: Annotated[
        str, typer.Option(help="ISO 639-1 codes of the documents, with commas. Default: the project's")
    ] = "",
    skewed: Annotated[
        bool, typer.Option("--skewed", help="A pool that is half empty, the rest mostly chat and support mail")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes")] = 1,
    output: Annotated[
        Path | None, output_option("Write the report here: HTML, and Markdown beside it", ".html", ".htm", ".md")
    ] = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate annotators with gold: samples, tokens, edits and estimated seconds until a target F1.

    Each round reviews a batch in some order, retrains, and promotes the model only if it passes the door. Compared are
    orders, and what people are shown: nothing, patterns, the base, a simulated language model, and the own model.
    Seconds follow from the cost model, fitted to lead times of the reviewed samples given or in the workspace where
    there are enough. The figures are kept in the workspace, for the dashboard and for `goldspan report --simulation`.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.project import find_project
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.predictors.stacking import name_base
    from goldspan.training.loop.costs import fit_sample_costs
    from goldspan.training.loop.simulation.report import find_simulation, make_document, write_document, write_report
    from goldspan.training.loop.simulation.run import SimulationSettings, simulate_loop
    from goldspan.training.loop.simulation.truth import TruthSettings

    _refuse_unused(
        method == "token-classifier", "--method token-classifier", encoder=encoder, tokens=tokens, device=device
    )
    _refuse_unused(not files, "documents of the offline author, not for FILE", languages=languages, skewed=skewed)
    schema, workspace, refusals = load_labels(labels), find_workspace(data), Refusals()
    project = find_project()
    samples: list[Sample] | None = list(read_samples(files, schema, refusals)) if files else None
    settings = SimulationSettings(
        base=base or name_base(project),
        method=method,
        encoder=encoder or "rampart",
        token_budget=tokens or 60_000,
        device=device or "cpu",
        orders=tuple(name.strip() for name in orders.split(",") if name.strip()),
        seeds=tuple(range(1, seeds + 1)),
        rounds=_read_rounds(rounds),
        target=target,
        truth=TruthSettings(pool, door, test, _choose_languages(languages, project), skewed),
        costs=fit_sample_costs(samples or (), workspace, schema),
    )
    found = simulate_loop(
        settings,
        samples=samples,
        labels_file=labels,
        workers=workers,
        report=lambda line: err.print(line),
    )
    document, kept = make_document(found), find_simulation(workspace)
    if as_json:
        print_json(document)
    else:
        for one in document["tables"]:
            print_table(one["columns"], one["rows"], right=range(1, len(one["columns"])))
            say(one["note"])
        say(document["about"])
    write_document(kept, document)
    if output:
        write_report(document, output.with_suffix(".html"))
        say(f"Report: {output.with_suffix('.html')} and {output.with_suffix('.md')}")
    say(f"The figures are in {kept}.")
    raise typer.Exit(refusals.exit_code)


def _choose_languages(given: str, project: Project | None) -> tuple[str, ...]:
    """The languages named, else those of the project that documents can be written in, else English."""
    from goldspan.annotation.errors import UnknownNameError
    from goldspan.generators.surrogates.world import COUNTRIES

    named = [code.strip() for code in given.split(",") if code.strip()]
    if unknown := [code for code in named if code not in COUNTRIES]:
        raise UnknownNameError("language", unknown[0], COUNTRIES)
    own = project.languages if project else ()
    return tuple(named) or tuple(code for code in own if code in COUNTRIES) or ("en",)


def _read_rounds(given: str) -> tuple[int, ...]:
    from goldspan.annotation.errors import InputError

    try:
        return tuple(int(part) for part in given.split(","))
    except ValueError:
        raise InputError(f"--rounds takes rising whole numbers such as 20,40,60, not {given[:60]!r}.") from None


def _refuse_unused(used: bool, purpose: str, **options: object) -> None:
    """Refuse options that would have no effect."""
    from goldspan.annotation.errors import InputError

    if not used and (given := [name for name, value in options.items() if value]):
        raise InputError(f"--{given[0]} is for {purpose}.")
