"""Results side by side on the documents that they share, with baselines, and which differences may be chance."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.evaluation.results.baselines import BASELINES
from goldspan.evaluation.results.common import Columns, find_common, is_comparable, score_columns, select_common
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.intervals import Interval
from goldspan.evaluation.scores.paired import DRAWS, Delta, compare_paired, correct_holm
from goldspan.evaluation.scores.table import estimate_intervals, make_ratios

DELTAS = ("f1_score", "masking_f_beta")
"""Scores that differences are tested for."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One system. Rates are 0 to 1, latency is seconds a document, cost is per 1000 documents; None: not known.

    `documents` is the number of documents behind the rates, `failures` those that the system failed on, `intervals`
    are 95 % intervals. `deltas` are this system minus the reference; empty for the reference and for systems that share
    no documents with it.
    """

    name: str
    is_baseline: bool
    documents: int | None
    failures: int | None
    precision: float | None
    recall: float | None
    f1_score: float | None
    exact_match_accuracy: float | None
    masking_f_beta: float | None
    leakage_rate: float | None
    zero_leak_rate: float | None
    over_masking_rate: float | None
    latency_p50_seconds: float | None
    cost_per_1000: float | None
    intervals: Mapping[str, Interval | None]
    deltas: Mapping[str, Delta]


@dataclass(frozen=True, slots=True)
class PairComparison:
    """Differences of the second system to the first, with p-values corrected over all pairs."""

    first: str
    second: str
    deltas: Mapping[str, Delta]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows in the order given, then the baselines; every pair of systems. `notes` say what to know to read them.

    `documents` is the number of documents that the systems were compared on.
    """

    reference: str
    documents: int
    rows: tuple[ComparisonRow, ...]
    pairs: tuple[PairComparison, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The comparison for machines."""
        return asdict(self)


def compare_results(
    results: Sequence[EvaluationResult],
    baselines: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Comparison:
    """Put results side by side; the first is the reference.

    Results at the level, scheme and beta of the reference are scored and tested on the documents that all of them
    share: same sample ids, same gold. Others stand as they are, with a note and without differences.

    Args:
        results: at least one.
        baselines: scores of `score_baselines` on the same gold; without, those that a result carries, at best one
            on the reference's data. A baseline that nobody scored has a row without values.
        seed: seed of the tests.
        draws: random swaps of each test.

    Raises:
        InputError: there is no result.
    """
    if not results:
        raise InputError("There is nothing to compare; name at least one result file.")
    reference, names = results[0], _name_rows(results)
    sample_ids = find_common(results)

    def select(columns: Columns) -> Columns | None:
        return select_common(columns, reference.documents, sample_ids)

    tables = {
        name: table
        for name, result in zip(names, results, strict=True)
        if is_comparable(result, reference) and (table := select(result.documents)) is not None
    }
    pairs = _compare_pairs(tables, reference.beta, seed, draws)
    deltas = {pair.second: pair.deltas for pair in pairs if pair.first == names[0]}
    rows = [
        _make_row(name, result, tables.get(name), deltas.get(name, {}))
        for name, result in zip(names, results, strict=True)
    ]
    found = baselines or _choose_baselines(results)
    for name in BASELINES:
        baseline = _read_baseline(name, found.get(name, {}), reference.beta)
        table = select(baseline.documents)
        change = {}
        if table is not None:
            change = _find_deltas(tables[names[0]], table, reference.beta, seed, draws)
        rows.append(replace(_make_row(name, baseline, table, change), is_baseline=True))
    notes = [*_list_notes(results, names, tables), *_note_baselines(names[0], rows[len(results) :], found)]
    return Comparison(names[0], len(sample_ids), tuple(rows), tuple(pairs), tuple(notes))


def _choose_baselines(results: Sequence[EvaluationResult]) -> Mapping[str, Mapping[str, Any]]:
    """Those of the first result that was measured on the reference's data, else of the first that has any."""
    carrying = [result for result in results if result.baselines]
    fingerprint = results[0].data.get("fingerprint")
    carrying.sort(key=lambda r: not (is_comparable(r, results[0]) and r.data.get("fingerprint") == fingerprint))
    return carrying[0].baselines if carrying else {}


def _read_baseline(name: str, scores: Mapping[str, Any], beta: float) -> EvaluationResult:
    return EvaluationResult(
        experiment_name=name,
        model_name=name,
        metrics=scores.get("metrics", {}),
        per_class_metrics={},
        beta=beta,
        masking=scores.get("masking", {}),
        timing=scores.get("timing"),
        documents=scores.get("documents", {}),
    )


def _make_row(name: str, result: EvaluationResult, table: Columns | None, deltas: Mapping[str, Delta]) -> ComparisonRow:
    """The row of a system: from the columns of the common documents if there are any, else as its result says."""
    metrics, masking = result.metrics, result.masking
    rates = {
        "precision": metrics.get("precision"),
        "recall": metrics.get("recall"),
        "f1_score": metrics.get("f1_score"),
        "exact_match_accuracy": metrics.get("exact_match_accuracy"),
        "masking_f_beta": masking.get("f_beta"),
        "leakage_rate": masking.get("leakage_rate"),
        "zero_leak_rate": masking.get("zero_leak_rate"),
        "over_masking_rate": masking.get("over_masking_rate"),
    }
    documents, failures = result.data.get("documents"), result.data.get("failures")
    intervals: Mapping[str, Interval | None] = {}
    if table is not None:
        rates, intervals = score_columns(table, result.beta), estimate_intervals(table, result.beta)
        documents, failures = len(table["sample_id"]), sum(table["failed"]) if "failed" in table else failures
    return ComparisonRow(
        name=name,
        is_baseline=False,
        documents=documents,
        failures=failures,
        **rates,
        latency_p50_seconds=(result.timing or {}).get("latency_p50_seconds"),
        cost_per_1000=(result.cost or {}).get("per_1000_documents"),
        intervals=intervals,
        deltas=deltas,
    )


def _compare_pairs(tables: Mapping[str, Columns], beta: float, seed: int, draws: int) -> list[PairComparison]:
    """Every pair of systems; for each score the p-values of all pairs are corrected together."""
    pairs = [
        PairComparison(one, other, _find_deltas(tables[one], tables[other], beta, seed, draws))
        for one, other in combinations(tables, 2)
    ]
    for name in DELTAS:
        tested = [place for place, pair in enumerate(pairs) if pair.deltas[name].p_value is not None]
        corrected = correct_holm([pairs[place].deltas[name].p_value or 0.0 for place in tested])
        for place, value in zip(tested, corrected, strict=True):
            deltas = {**pairs[place].deltas, name: replace(pairs[place].deltas[name], p_holm=value)}
            pairs[place] = replace(pairs[place], deltas=deltas)
    return pairs


def _find_deltas(first: Columns, second: Columns, beta: float, seed: int, draws: int) -> dict[str, Delta]:
    ratios = make_ratios(beta)
    return {
        name: compare_paired(ratios[name].tabulate(first), ratios[name].tabulate(second), seed=seed, draws=draws)
        for name in DELTAS
    }


def _name_rows(results: Sequence[EvaluationResult]) -> list[str]:
    """Experiment names; the model is added where two results share one, then a number."""
    names = [result.experiment_name or result.model_name or "result" for result in results]
    if len(set(names)) < len(names):
        names = [f"{name} ({result.model_name})" for name, result in zip(names, results, strict=True)]
    return [name if name not in names[:place] else f"{name} #{place + 1}" for place, name in enumerate(names)]


def _list_notes(
    results: Sequence[EvaluationResult], names: Sequence[str], tables: Mapping[str, Columns]
) -> Iterator[str]:
    reference = results[0]
    common = len(next(iter(tables.values()))["sample_id"]) if tables else 0
    for name, result in zip(names[1:], results[1:], strict=True):
        if name not in tables:
            yield (
                f"{name} was measured on other data, or at another level, scheme or beta, than {names[0]}: "
                "no difference is given, and the two rows must not be read against each other."
            )
        elif result.labels.get("fingerprint") != reference.labels.get("fingerprint"):
            yield f"{name} was measured with another label schema than {names[0]}."
    for name, result in zip(names, results, strict=True):
        documents = len(result.documents.get("sample_id", ()))
        if name in tables and documents > common:
            yield f"{name} is compared on the {common} of its {documents} documents that all systems share."


def _note_baselines(reference: str, rows: Sequence[ComparisonRow], found: Mapping[str, Any]) -> Iterable[str]:
    if missing := [name for name in BASELINES if name not in found]:
        yield f"No baseline {', '.join(missing)}: give the gold file with --gold."
    if any(row.name in found and not row.deltas for row in rows):
        yield (
            f"The baselines are not known to be of the same gold as {reference}: no difference to them is given. "
            "--gold scores them on a file that you name."
        )
