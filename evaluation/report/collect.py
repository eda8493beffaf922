"""Group results by data set, compare those of one data set, and price the systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.evaluation.report.costs import BreakEven, SystemCosts, estimate_costs, find_break_evens, find_frontier
from goldspan.evaluation.report.prices import PriceTable
from goldspan.evaluation.results.compare import Comparison, ComparisonRow, compare_results
from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.paired import DRAWS

_DRAWS_A_PAIR = 100
"""The least p-value is 1 / draws; corrected over all pairs (Holm) it stays below 0.01."""

VOLUME = 100_000
"""Documents that fixed costs are spread over unless told otherwise."""


@dataclass(frozen=True, slots=True)
class DataSetReport:
    """The results on one data set, by the names of the comparison; the first system is the reference."""

    name: str
    documents: int
    results: Mapping[str, EvaluationResult]
    comparison: Comparison

    @property
    def first(self) -> EvaluationResult:
        """The result of the reference."""
        return next(iter(self.results.values()))

    @property
    def rows(self) -> tuple[ComparisonRow, ...]:
        """Systems, then the baselines that were scored."""
        return tuple(row for row in self.comparison.rows if not row.is_baseline or row.f1_score is not None)


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown. The first data set is the own one: costs and the frontier are those on it."""

    title: str
    created_at: str
    data_sets: tuple[DataSetReport, ...]
    prices: PriceTable
    volume: int
    costs: tuple[SystemCosts, ...]
    break_evens: tuple[BreakEven, ...]
    frontier: frozenset[str]

    @property
    def own(self) -> DataSetReport:
        """The first data set."""
        return self.data_sets[0]

    def to_json(self) -> dict[str, Any]:
        """The figures for machines."""
        return {
            "title": self.title,
            "created_at": self.created_at,
            "data_sets": [
                {
                    "name": data.name,
                    "documents": data.documents,
                    "comparison": data.comparison.to_json(),
                    "partial_f1": {name: find_f1(result, "partial") for name, result in data.results.items()},
                    "timing": {name: result.timing for name, result in data.results.items()},
                }
                for data in self.data_sets
            ],
            "volume": self.volume,
            "costs": [
                {
                    "name": cost.name,
                    "training": cost.training,
                    "annotation": cost.annotation,
                    "annotation_hours": cost.annotation_hours,
                    "tokens_per_1000": cost.tokens_per_1000,
                    "compute_per_1000": cost.compute_per_1000,
                    "per_1000": cost.per_1000,
                    "spread_per_1000": cost.spread(self.volume),
                    "on_frontier": cost.name in self.frontier,
                }
                for cost in self.costs
            ],
            "break_evens": [{"dear": b.dear, "cheap": b.cheap, "documents": b.documents} for b in self.break_evens],
        }


def collect_report(
    results: Sequence[EvaluationResult],
    prices: PriceTable,
    *,
    title: str = "Comparison of methods",
    created_at: str = "",
    volume: int = VOLUME,
    seed: int = 0,
) -> Report:
    """Everything that a report shows.

    Args:
        results: of any number of systems on any number of data sets. Results on the gold of the first one are the own
            ones, all others external.
        prices: dated prices.
        title: heading of the report.
        created_at: when it was made, ISO 8601.
        volume: documents that fixed costs are spread over.
        seed: seed of the tests.

    Raises:
        InputError: there is no result.
    """
    if not results:
        raise InputError("There is nothing to report; name at least one result file.")
    groups: dict[str, list[EvaluationResult]] = {}
    for result in results:
        groups.setdefault(str(result.data.get("fingerprint", "")), []).append(result)
    data_sets = tuple(_describe(group, number, seed) for number, group in enumerate(groups.values(), start=1))
    costs = tuple(estimate_costs(name, result, prices) for name, result in data_sets[0].results.items())
    quality = {row.name: row.f1_score for row in data_sets[0].rows}
    points = {
        cost.name: (spread, f1)
        for cost in costs
        if (spread := cost.spread(volume)) is not None and (f1 := quality[cost.name]) is not None
    }
    return Report(
        title=title,
        created_at=created_at,
        data_sets=data_sets,
        prices=prices,
        volume=volume,
        costs=costs,
        break_evens=tuple(find_break_evens(costs)),
        frontier=frozenset(find_frontier(points)),
    )


def find_f1(result: EvaluationResult, scheme: str) -> float | None:
    """F1 under a scheme, from a result of any scheme."""
    found: float | None = result.schemes.get(scheme, {}).get("f1_score")
    return found


def _describe(results: Sequence[EvaluationResult], number: int, seed: int) -> DataSetReport:
    pairs = len(results) * (len(results) - 1) // 2
    comparison = compare_results(results, seed=seed, draws=max(DRAWS, _DRAWS_A_PAIR * pairs))
    names = [row.name for row in comparison.rows if not row.is_baseline]
    first = results[0].data
    return DataSetReport(
        name=str(first.get("name") or f"data set {number}"),
        documents=int(first.get("documents", 0)),
        results=dict(zip(names, results, strict=True)),
        comparison=comparison,
    )
