"""`goldspan compare`: results side by side, with baselines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.evaluate.scoring import ChartsOption, format_rate, name_unscored
from goldspan.cli.shared.console import out, print_json, print_table, warn
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.evaluation.results.compare import ComparisonRow, PairComparison
    from goldspan.evaluation.scores.intervals import Interval
    from goldspan.evaluation.scores.paired import Delta

app = make_app()


@app.command()
def compare(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT", help="Results of evaluate, or folders of them; the first is the reference"),
    ],
    gold: Annotated[
        Path | None, typer.Option("--gold", help="Score the baselines anew on these samples: those of the first result")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the tests")] = 0,
    charts: ChartsOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare any number of results with each other and with the baselines, on the documents that they share.

    Differences are to the first result. With three results or more, p-values are corrected over all pairs (Holm).
    """
    from goldspan.evaluation.results.public import compare as compare_files
    from goldspan.evaluation.results.result import read_results

    loaded = read_results(results)
    refusals = Refusals()
    schema = load_labels(labels) if gold else None
    comparison = compare_files(loaded, gold=gold, labels=schema, seed=seed, on_error=refusals, on_pairing=name_unscored)
    if charts is not None:
        from goldspan.evaluation.results.charts import write_comparison_charts

        write_comparison_charts(comparison, charts)
    if as_json:
        print_json(comparison.to_json())
    else:
        first = loaded[0]
        title = (
            f"{first.scheme.value} spans, level {first.level.value}, {comparison.documents} common documents; "
            f"differences to {comparison.reference}"
        )
        columns = ["system", "n", "failed", "precision", "recall", "F1", "difference", "p", "exact documents"]
        print_table(columns, map(_list_span_cells, comparison.rows), title=title, right=range(1, len(columns)))
        masked = f"F{first.beta:g}"
        if any(row.leakage_rate is not None for row in comparison.rows):
            out.print()
            title = f"masked characters; differences to {comparison.reference}"
            columns = [
                "system", masked, "difference", "p", "leaked", "no leak", "over-masked", "s/document", "cost/1000"
            ]  # fmt: skip
            print_table(columns, map(_list_masking_cells, comparison.rows), title=title, right=range(1, len(columns)))
        if len(comparison.pairs) > 1:
            out.print()
            columns = ["first", "second", "difference in F1", "p", f"difference in {masked}", "p"]
            title = "every pair, p-values corrected for all pairs (Holm)"
            print_table(columns, map(_list_pair_cells, comparison.pairs), title=title, right=range(2, len(columns)))
    for note in comparison.notes:
        warn(note)
    raise typer.Exit(refusals.exit_code)


def _list_span_cells(row: ComparisonRow) -> list[str | None]:
    delta = row.deltas.get("f1_score")
    return [
        row.name,
        None if row.documents is None else str(row.documents),
        None if row.failures is None else str(row.failures),
        format_rate(row.precision),
        format_rate(row.recall),
        _format_score(row.f1_score, row.intervals.get("f1_score")),
        _format_delta(delta),
        _format_p(delta),
        format_rate(row.exact_match_accuracy),
    ]


def _list_masking_cells(row: ComparisonRow) -> list[str | None]:
    delta = row.deltas.get("masking_f_beta")
    return [
        row.name,
        _format_score(row.masking_f_beta, row.intervals.get("masking_f_beta")),
        _format_delta(delta),
        _format_p(delta),
        format_rate(row.leakage_rate),
        format_rate(row.zero_leak_rate),
        format_rate(row.over_masking_rate),
        None if row.latency_p50_seconds is None else f"{row.latency_p50_seconds:.2g}",
        None if row.cost_per_1000 is None else f"{row.cost_per_1000:.4g}",
    ]


def _list_pair_cells(pair: PairComparison) -> list[str | None]:
    f1, masking = pair.deltas["f1_score"], pair.deltas["masking_f_beta"]
    return [pair.first, pair.second, _format_delta(f1), _format_p(f1), _format_delta(masking), _format_p(masking)]


def _format_score(value: float | None, interval: Interval | None) -> str | None:
    """The score with its 95 % interval."""
    if value is None or interval is None:
        return format_rate(value)
    return f"{value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _format_p(delta: Delta | None) -> str | None:
    """The p-value, corrected where several systems were compared."""
    if delta is None:
        return None
    return format_rate(delta.p_value if delta.p_holm is None else delta.p_holm)


def _format_delta(delta: Delta | None) -> str | None:
    """The difference with its 95 % interval."""
    if delta is None or delta.delta is None:
        return None
    return f"{delta.delta:+.3f} [{delta.low:+.3f}, {delta.high:+.3f}]"
