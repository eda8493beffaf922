"""`goldspan report`: quality, speed and cost of systems, as one HTML file and as Markdown."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.cli.shared.console import err, print_json, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, make_app
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.predictors import PREDICTOR_HELP, open_from_command

if TYPE_CHECKING:
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.evaluation.report.public import WrittenReport
    from goldspan.evaluation.report.sections import Section
    from goldspan.evaluation.results.result import EvaluationResult

app = make_app()


@app.command()
def report(
    results: Annotated[
        list[Path] | None,
        typer.Argument(metavar="RESULT", help="Results of evaluate, or folders of them; the first is the reference"),
    ] = None,
    gold: Annotated[
        list[Path] | None, typer.Option("--gold", help="Evaluate on these samples first: own data, then external ones")
    ] = None,
    predictor: Annotated[
        list[str] | None, typer.Option("--predictor", "-p", help=f"Evaluate it on --gold; repeatable. {PREDICTOR_HELP}")
    ] = None,
    output: Annotated[
        Path, output_option("The HTML file; the Markdown file stands beside it", ".html", ".htm", ".md")
    ] = Path("report.html"),
    prices: Annotated[Path | None, typer.Option("--prices", help="Dated prices (TOML); default: those shipped")] = None,
    volume: Annotated[
        int, typer.Option("--volume", min=1, help="Documents that training and annotation are spread over")
    ] = 100_000,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Concurrent texts while evaluating")] = 1,
    simulation: Annotated[
        Path | None, typer.Option("--simulation", help="Add the figures of `goldspan loop simulate` (simulation.json)")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the report")] = "Comparison of methods",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the tests")] = 0,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a report on results, or evaluate predictors on gold and report on that. It holds no text of a sample.

    Results on the gold of the first result are the own data, all others external. With --gold and --predictor the
    results are written too, into the folder <output>-results.
    """
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.evaluation.report.public import write_report
    from goldspan.evaluation.results.result import read_results

    if bool(gold) != bool(predictor):
        raise InputError("Give --gold and --predictor together.")
    if not results and not gold:
        raise InputError("Give result files of `goldspan evaluate`, or --gold and --predictor.")
    loaded = read_results(results or ())
    loaded += _evaluate(gold or [], predictor or [], load_labels(labels), find_workspace(data), workers, output)
    failed = sum(result.data.get("failures", 0) for result in loaded)
    command = shlex.join(["goldspan", "report", *sys.argv[2:]]) if sys.argv[1:2] == ["report"] else ""
    more = _read_simulation(simulation) if simulation else []
    written = write_report(
        loaded, output, prices=prices, title=title, command=command, volume=volume, seed=seed, more=more
    )
    _show(written, as_json)
    raise typer.Exit(Exit.REFUSED_SOME if failed else Exit.OK)


def _evaluate(
    golds: list[Path], names: list[str], labels: LabelSchema, workspace: Workspace, workers: int, output: Path
) -> list[EvaluationResult]:
    from dataclasses import replace

    from goldspan.evaluation.matching.documents import pair_gold
    from goldspan.evaluation.matching.levels import Level
    from goldspan.evaluation.results.baselines import PATTERNS, score_baselines
    from goldspan.evaluation.results.cost import find_prices
    from goldspan.evaluation.results.evaluate import EvaluationSettings
    from goldspan.evaluation.results.result import write_result
    from goldspan.training.artifact.external import read_external
    from goldspan.training.artifact.measure import evaluate_on

    results = []
    for path in golds:
        external = read_external(path, labels)
        documents = pair_gold(external.samples).documents
        baselines = score_baselines(documents, labels, EvaluationSettings(external.level))
        if external.level is not Level.LABEL:
            baselines.pop(PATTERNS)
        for name in names:
            with err.status(f"{name} on {external.name}"):
                opened = open_from_command(name, labels, None, workspace, workers)
                said = opened.describe()
                prices = find_prices(*(str(said.get(key, "")) for key in ("provider", "model", "mode")))
                result, _ = evaluate_on(opened, external, labels, _name_system(name), prices=prices, workers=workers)
            result, baselines = replace(result, baselines=baselines), {}
            results.append(result)
            target = output.with_name(f"{output.stem}-results") / f"{external.name}.{result.experiment_name}.json"
            write_result(target, result)
            if count := result.data["failures"]:
                warn(f"{name} failed on {count} documents of {external.name}; they count as nothing found.")
    return results


def _read_simulation(path: Path) -> list[Section]:
    from goldspan.training.loop.simulation.report import build_sections, read_document

    return build_sections(read_document(path))


def _name_system(source: str) -> str:
    """`models/a` is shown as `a`, `regex+models/a` as `regex+a`."""
    return "+".join(Path(part).name.removesuffix(".toml") for part in source.split("+"))


def _show(written: WrittenReport, as_json: bool) -> None:
    if as_json:
        files = {"html": str(written.html), "markdown": str(written.markdown)}
        print_json({**files, **written.report.to_json()})
        return
    say(f"Report: {written.html} and {written.markdown}")
