"""Results side by side, with baselines, and how far each is from the first one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from goldspan.annotation.errors import InputError
from goldspan.evaluation.results.baselines import BASELINES
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.bootstrap import DRAWS, Delta, compare_paired
from goldspan.evaluation.scores.table import COLUMNS, make_statistics, stack_columns

_OF_GOLD = [COLUMNS.index(name) for name in ("gold", "characters", "personal", "sensitive")]
DELTAS = ("f1_score", "masking_f_beta")
"""Scores that a difference to the reference is tested for."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One system. Rates are 0 to 1, latency is seconds a document, cost is per 1000 documents; None: not known.

    `deltas` are this system minus the reference; empty for the reference and where the data differ.
    """

    name: str
    is_baseline: bool
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
    deltas: Mapping[str, Delta]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows in the order given, then the baselines. `notes` say what must be known to read them."""

    reference: str
    rows: tuple[ComparisonRow, ...]
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
    """Put results side by side; the first is the reference of every difference.

    Args:
        results: at least one.
        baselines: scores of `score_baselines` on the same gold; without, those that a result carries, at best one
            on the reference's data. A baseline that nobody scored has a row without values.
        seed: what intervals and tests follow from.
        draws: number of resampled corpora.

    Raises:
        InputError: there is no result.

    """
    if not results:
        raise InputError("There is nothing to compare; name at least one result file.")
    reference = results[0]
    names = _name_rows(results)
    rows = []
    for name, result in zip(names, results, strict=True):
        comparable = result is not reference and _has_same_data(result, reference)
        deltas = _find_deltas(reference, result.documents, seed, draws) if comparable else {}
        rows.append(_make_row(name, False, result.metrics, result.masking, result.timing, result.cost, deltas))
    found = baselines or _choose_baselines(results)
    for name in BASELINES:
        scores = found.get(name, {})
        deltas = _find_deltas(reference, scores.get("documents", {}), seed, draws)
        metrics, masking = scores.get("metrics", {}), scores.get("masking", {})
        rows.append(_make_row(name, True, metrics, masking, scores.get("timing"), None, deltas))
    notes = [*_list_notes(results, names), *_note_baselines(names[0], rows[len(results) :], found)]
    return Comparison(names[0], tuple(rows), tuple(notes))


def _choose_baselines(results: Sequence[EvaluationResult]) -> Mapping[str, Mapping[str, Any]]:
    """Those of the first result that was measured on the reference's data, else of the first that has any."""
    carrying = sorted((r for r in results if r.baselines), key=lambda r: not _has_same_data(r, results[0]))
    return carrying[0].baselines if carrying else {}


def _make_row(
    name: str,
    is_baseline: bool,
    metrics: Mapping[str, Any],
    masking: Mapping[str, Any],
    timing: Mapping[str, Any] | None,
    cost: Mapping[str, Any] | None,
    deltas: Mapping[str, Delta],
) -> ComparisonRow:
    return ComparisonRow(
        name=name,
        is_baseline=is_baseline,
        precision=metrics.get("precision"),
        recall=metrics.get("recall"),
        f1_score=metrics.get("f1_score"),
        exact_match_accuracy=metrics.get("exact_match_accuracy"),
        masking_f_beta=masking.get("f_beta"),
        leakage_rate=masking.get("leakage_rate"),
        zero_leak_rate=masking.get("zero_leak_rate"),
        over_masking_rate=masking.get("over_masking_rate"),
        latency_p50_seconds=(timing or {}).get("latency_p50_seconds"),
        cost_per_1000=(cost or {}).get("per_1000_documents"),
        deltas=deltas,
    )


def _find_deltas(
    reference: EvaluationResult, columns: Mapping[str, Sequence[Any]], seed: int, draws: int
) -> dict[str, Delta]:
    """Differences to the reference; none if the two do not carry the same documents with the same gold."""
    needed = {"sample_id", *COLUMNS}
    if not needed <= set(columns) or not needed <= set(reference.documents):
        return {}
    places = {sample_id: place for place, sample_id in enumerate(columns["sample_id"])}
    if set(places) != set(reference.documents["sample_id"]):
        return {}
    order = [places[sample_id] for sample_id in reference.documents["sample_id"]]
    first, second = stack_columns(reference.documents), stack_columns(columns)[order]
    if not np.array_equal(first[:, _OF_GOLD], second[:, _OF_GOLD]):
        return {}
    statistics = make_statistics(reference.beta)
    return {name: compare_paired(first, second, statistics[name], seed=seed, draws=draws) for name in DELTAS}


def _has_same_data(one: EvaluationResult, other: EvaluationResult) -> bool:
    return (
        one.data.get("fingerprint") == other.data.get("fingerprint")
        and one.level is other.level
        and one.scheme is other.scheme
        and one.beta == other.beta
    )


def _name_rows(results: Sequence[EvaluationResult]) -> list[str]:
    """Experiment names; the model is added where two results share one, then a number."""
    names = [result.experiment_name or result.model_name or "result" for result in results]
    if len(set(names)) < len(names):
        names = [f"{name} ({result.model_name})" for name, result in zip(names, results, strict=True)]
    return [name if name not in names[:place] else f"{name} #{place + 1}" for place, name in enumerate(names)]


def _list_notes(results: Sequence[EvaluationResult], names: Sequence[str]) -> Iterable[str]:
    reference = results[0]
    for name, result in zip(names[1:], results[1:], strict=True):
        if not _has_same_data(result, reference):
            yield (
                f"{name} was measured on other data, or at another level, scheme or beta, than {names[0]}: "
                "no difference is given, and the two rows must not be read against each other."
            )
        elif result.labels.get("fingerprint") != reference.labels.get("fingerprint"):
            yield f"{name} was measured with another label schema than {names[0]}."


def _note_baselines(reference: str, rows: Sequence[ComparisonRow], found: Mapping[str, Any]) -> Iterable[str]:
    if missing := [name for name in BASELINES if name not in found]:
        yield f"No baseline {', '.join(missing)}: give the gold file with --gold."
    if any(row.name in found and not row.deltas for row in rows):
        yield (
            f"The baselines are not known to be of the same gold as {reference}: no difference to them is given. "
            "--gold scores them on a file that you name."
        )
