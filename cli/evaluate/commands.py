"""`goldspan evaluate`: score predictions against gold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.evaluate.scoring import (
    ChartsOption,
    GoldArgument,
    LevelOption,
    ModelOption,
    OnlyOption,
    SchemeOption,
    ShowTextOption,
    format_rate,
    name_unscored,
    parse_filters,
    show_differences,
    warn_of_unknown_labels,
)
from goldspan.cli.shared.console import err, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption, make_app
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, open_from_command, parse_options
from goldspan.cli.shared.refusals import Refusals
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.scores.spans import Scheme

if TYPE_CHECKING:
    from goldspan.annotation.project import Purpose
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.evaluation.matching.documents import Pairing
    from goldspan.evaluation.results.cost import TokenPrices
    from goldspan.evaluation.results.result import EvaluationResult
    from goldspan.predictors.base import Predictor

app = make_app()
_SHOWN_DOCUMENTS, _FINGERPRINT_SHOWN = 5, 8
_NOT_IN_FILE_NAMES = re.compile(r"[^\w.-]+")


@app.command()
def evaluate(
    gold: GoldArgument,
    predicted: Annotated[
        Path | None, typer.Argument(metavar="PREDICTED", help="Samples with predictions; may be GOLD")
    ] = None,
    predictor: Annotated[
        str, typer.Option("--predictor", "-p", help=f"Predict the gold texts with it. {PREDICTOR_HELP}")
    ] = "",
    workers: Annotated[int, typer.Option("--workers", min=1, help="Concurrent texts")] = 1,
    option: OptionsOption = None,
    few_shot: Annotated[
        Path | None,
        typer.Option("--few-shot", metavar="FILE", help="Samples that a language model is shown examples of"),
    ] = None,
    num_few_shot: Annotated[int | None, typer.Option("--num-few-shot", min=0, help="Examples with each text")] = None,
    temperature: Annotated[float | None, typer.Option("--temperature", min=0, help="Of a language model")] = None,
    level: LevelOption = Level.LABEL,
    scheme: SchemeOption = Scheme.STRICT,
    beta: Annotated[float, typer.Option("--beta", min=0.1, help="Weight of recall in F-beta")] = 2.0,
    model: ModelOption = "",
    only: OnlyOption = None,
    samples: Annotated[
        int, typer.Option("--samples", min=0, help="Score only so many documents, chosen by a hash; 0: all")
    ] = 0,
    again: Annotated[
        str, typer.Option("--again", metavar="failed", help="Ask a language model anew where its answers failed")
    ] = "",
    name: Annotated[str, typer.Option("--name", help="Name of the experiment; default: the model version")] = "",
    split_kind: Annotated[
        str, typer.Option("--split-kind", help="How the gold was held out: random, skeleton, source …")
    ] = "unknown",
    cost_per_1000: Annotated[
        float | None, typer.Option("--cost-per-1000", min=0, help="Cost of 1000 documents, if known")
    ] = None,
    price_in: Annotated[
        float | None, typer.Option("--price-in", min=0, help="USD for a million prompt tokens; default: list price")
    ] = None,
    price_out: Annotated[
        float | None, typer.Option("--price-out", min=0, help="USD for a million completion tokens")
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines/--no-baselines", help="Score the baselines too")] = True,
    output: Annotated[
        Path | None, output_option("Default: results/<name>.json in the workspace, one for each gold", ".json")
    ] = None,
    charts: ChartsOption = None,
    show_text: ShowTextOption = False,
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score predictions against gold and write the result. Give PREDICTED or --predictor."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.evaluation.results.evaluate import EvaluationSettings
    from goldspan.evaluation.results.public import evaluate as evaluate_samples
    from goldspan.evaluation.results.result import write_result

    if (predicted is None) == (not predictor):
        raise InputError("Give either a file with predictions or --predictor NAME.")
    given = {"shots_file": few_shot, "shots": num_few_shot, "temperature": temperature, "again": again or None}
    option = [*(option or ()), *(f"{key}={value}" for key, value in given.items() if value is not None)]
    shots = parse_options(option).get("shots_file")
    if shots and Path(shots).resolve() == gold.resolve():
        raise InputError("Examples from the gold would show the model the answers. Give another shots_file.")
    schema, workspace = load_labels(labels), find_workspace(data)
    settings = EvaluationSettings(level, scheme, beta, split_kind, samples, parse_filters(only or ()))
    refusals = Refusals()
    pairings: list[Pairing] = []
    opened = open_from_command(predictor, schema, option, workspace, workers) if predictor else None
    with err.status("Scoring"):
        result = evaluate_samples(
            gold,
            opened or predicted,
            labels=schema,
            model=model,
            settings=settings,
            name=name,
            baselines=baselines,
            cost_per_1000=cost_per_1000,
            prices=_find_prices(predictor, option, price_in, price_out),
            workers=workers,
            on_error=refusals,
            on_pairing=pairings.append,
        )
    [pairing] = pairings
    name_unscored(pairing)
    warn_of_unknown_labels(pairing, schema)
    if opened:
        _warn_of_training_texts(opened, pairing, workspace)
    code = Exit.REFUSED_SOME if refusals.errors or pairing.exclusions or result.data["failures"] else Exit.OK
    target = output or choose_target(workspace.results / f"{make_file_name(result.experiment_name)}.json", result)
    write_result(target, result)
    if charts is not None:
        from goldspan.evaluation.results.charts import write_result_charts

        write_result_charts(result, charts)
    if as_json:
        print_json(result.summarise())
    else:
        _show_scores(result, schema.purpose)
    if show_text and not as_json:
        from goldspan.evaluation.results.worst import list_worst

        show_differences(list_worst(pairing.documents, schema, level=level, top=_SHOWN_DOCUMENTS, show_text=True))
    say(f"Result: {target}")
    raise typer.Exit(code)


def _warn_of_training_texts(predictor: Predictor, pairing: Pairing, workspace: Workspace) -> None:
    from goldspan.training.bundle.seen import count_training_texts

    bundle = predictor.record.get("bundle", {}).get("name") or predictor.describe().get("bundle")
    seen = count_training_texts(workspace, bundle, (one.text for one in pairing.documents)) if bundle else 0
    if seen:
        warn(
            f"{seen} of {len(pairing.documents)} documents are in the training split of bundle {bundle}, which the "
            f"model was trained on: these scores say nothing. Score {bundle}/test.jsonl."
        )


def _find_prices(
    predictor: str, option: list[str] | None, price_in: float | None, price_out: float | None
) -> TokenPrices | None:
    """The prices given, else the list prices of the provider among the options.

    Raises:
        InputError: only one of the two prices is given.
    """
    from goldspan.evaluation.results.cost import TokenPrices, find_prices

    if (price_in is None) != (price_out is None):
        raise InputError("Give both --price-in and --price-out, or neither.")
    if price_in is not None and price_out is not None:
        return TokenPrices(price_in, price_out)
    options = parse_options(option)
    return (
        find_prices(options.get("provider", ""), options.get("model", ""), options.get("mode", "live"))
        if predictor
        else None
    )


def make_file_name(name: str) -> str:
    """The name with everything that has no place in a file name replaced."""
    return _NOT_IN_FILE_NAMES.sub("-", name).strip("-.") or "result"


def choose_target(path: Path, result: EvaluationResult) -> Path:
    """The path, or one that carries the fingerprint of the gold where it holds a result on other gold."""
    from goldspan.evaluation.results.result import read_result

    if not path.exists():
        return path
    fingerprint = str(result.data.get("fingerprint"))
    try:
        same = read_result(path).data.get("fingerprint") == fingerprint
    except RecordError:
        same = False
    return path if same else path.with_stem(f"{path.stem}-{fingerprint[:_FINGERPRINT_SHOWN]}")


def _show_scores(result: Any, purpose: Purpose) -> None:
    columns = ["", "precision", "recall", "F1", f"F{result.beta:g}"]
    rows = [_list_rates(f"{scheme} spans", scores) for scheme, scores in result.schemes.items()]
    if purpose.is_pii:
        rows.append(_list_rates("masked characters", result.masking))
    title = f"{result.model_name}: {result.data['documents']} documents, level {result.level.value}"
    print_table(columns, rows, title=title, right=(1, 2, 3, 4))
    metrics, masking = result.metrics, result.masking
    facts = {
        f"F1 {result.scheme.value}, 95 % interval": _format_interval(metrics["ci95"]["f1_score"]),
        "documents exactly right": format_rate(metrics["exact_match_accuracy"]),
        "empty documents with a false alarm": format_rate(metrics["empty_false_positive_rate"]),
    }
    if purpose.is_pii:
        facts |= {
            f"F{result.beta:g} of masked characters, 95 % interval": _format_interval(masking["ci95"]["f_beta"]),
            "documents without a leak": format_rate(masking["zero_leak_rate"]),
            "personal characters leaked": format_rate(masking["leakage_rate"]),
            "other characters masked": format_rate(masking["over_masking_rate"]),
            "direct identifiers hidden everywhere": format_rate(masking["entity_recall"]["direct"]),
            "quasi-identifiers hidden everywhere": format_rate(masking["entity_recall"]["quasi"]),
        }
    if result.data.get("failures"):
        facts["failures, counted as nothing found"] = result.data["failures"]
    if result.coreference:
        predicted = result.coreference["mentions"]["precision"] is not None
        conll = format_rate(result.coreference["conll"]) if predicted else "not measured: no mention is predicted"
        facts["coreference, CoNLL F1"] = conll
    if result.cost and result.cost.get("per_1000_documents") is not None:
        facts["cost of 1000 documents"] = f"{result.cost['per_1000_documents']:.4g} {result.cost.get('currency') or ''}"
    if result.timing:
        facts["seconds a document, median"] = format_rate(result.timing["latency_p50_seconds"])
    out.print()
    print_table(["measure", "value"], facts.items(), right=(1,))
    out.print()
    classes = [
        [
            *_list_rates(label, scores),
            _format_interval(scores.get("ci95", {}).get("f1_score")),
            scores["support"],
            scores["predicted"],
        ]
        for label, scores in result.per_class_metrics.items()
    ]
    print_table(
        [f"label, {result.scheme.value}", *columns[1:], "F1, 95 %", "gold", "predicted"], classes, right=range(1, 8)
    )
    if result.data["split_kind"] == "unknown":
        warn(
            "How the gold was held out is not known (--split-kind): a score on data like the training data says little."
        )


def _list_rates(name: str, scores: Any) -> list[str | None]:
    return [name, *(format_rate(scores[key]) for key in ("precision", "recall", "f1_score", "f_beta"))]


def _format_interval(interval: tuple[float, float] | None) -> str | None:
    return f"{interval[0]:.3f} – {interval[1]:.3f}" if interval else None
