"""What each system costs: once (training, annotation) and per document, from measured figures and dated prices."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from goldspan.evaluation.report.prices import PriceTable
from goldspan.evaluation.results.cost import MILLION
from goldspan.evaluation.results.result import EvaluationResult

_HOUR = 3600
THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class SystemCosts:
    """Costs of one system in the currency of the prices; None: not known.

    `training` is what was paid to a provider and the processor time of the fit, `annotation` the hours of people for
    the documents that the fit used. `tokens_per_1000` and `compute_per_1000` are for 1,000 documents.
    `sources` names the dated prices behind them.
    """

    name: str
    training: float | None
    annotation: float | None
    annotation_hours: float | None
    tokens_per_1000: float | None
    compute_per_1000: float | None
    sources: tuple[str, ...] = ()

    @property
    def fixed(self) -> float | None:
        """What is paid once."""
        return None if self.training is None or self.annotation is None else self.training + self.annotation

    @property
    def per_1000(self) -> float | None:
        """What 1,000 documents cost, once the system is there."""
        if self.tokens_per_1000 is None or self.compute_per_1000 is None:
            return None
        return self.tokens_per_1000 + self.compute_per_1000

    def spread(self, volume: int) -> float | None:
        """Cost of 1,000 documents with the fixed costs spread over `volume` documents."""
        if self.fixed is None or self.per_1000 is None:
            return None
        return self.per_1000 + THOUSAND * self.fixed / volume


@dataclass(frozen=True, slots=True)
class BreakEven:
    """After `documents` documents `dear` (more paid once, less a document) costs less in all than `cheap`."""

    dear: str
    cheap: str
    documents: int


def estimate_costs(name: str, result: EvaluationResult, prices: PriceTable) -> SystemCosts:
    """The costs of a system from its result: usage, processor time, and the record of the fit that made it."""
    fit = result.system.get("fit")
    training, documents = _price_training(result, fit, prices)
    hours = None if documents is None else documents * prices.minutes_per_document / 60
    tokens, source = _price_tokens(result, prices)
    return SystemCosts(
        name=name,
        training=training,
        annotation=None if hours is None else hours * prices.hour,
        annotation_hours=hours,
        tokens_per_1000=tokens,
        compute_per_1000=_price_compute(result, prices),
        sources=tuple(filter(None, (source, _name_source((fit or {}).get("training", {}).get("price"))))),
    )


def find_break_evens(costs: Sequence[SystemCosts]) -> list[BreakEven]:
    """Every pair in which one system costs more once and less a document, by the number of documents."""
    found = []
    for dear in costs:
        for cheap in costs:
            one, other = _read_line(dear), _read_line(cheap)
            if one and other and one[0] > other[0] and one[1] < other[1]:
                documents = math.ceil(THOUSAND * (one[0] - other[0]) / (other[1] - one[1]))
                found.append(BreakEven(dear.name, cheap.name, documents))
    return sorted(found, key=lambda pair: (pair.documents, pair.dear, pair.cheap))


def find_frontier(points: Mapping[str, tuple[float, float]]) -> set[str]:
    """Names of the points (cost, quality) that no other one beats: none is as good for less, or better for as much."""
    return {
        name
        for name, (cost, quality) in points.items()
        if not any(
            other_cost <= cost and other_quality >= quality and (other_cost, other_quality) != (cost, quality)
            for other_cost, other_quality in points.values()
        )
    }


def _read_line(costs: SystemCosts) -> tuple[float, float] | None:
    return None if costs.fixed is None or costs.per_1000 is None else (costs.fixed, costs.per_1000)


def _price_training(
    result: EvaluationResult, fit: Mapping[str, Any] | None, prices: PriceTable
) -> tuple[float | None, int | None]:
    """Money for the fit, and the annotated documents that it used; unknown for a model without the record of a fit."""
    if not fit:
        is_trained = "bundle" in result.system.get("settings", {})
        return (None, None) if is_trained or not result.timing else (0.0, 0)
    training = fit["training"]
    paid = training["price"]
    compute = training["cpu_seconds"] / _HOUR * prices.core_hour
    if paid is not None and paid["currency"] != prices.currency:
        return None, training.get("documents")
    return compute + (paid["total"] if paid else 0.0), training.get("documents")


def _price_tokens(result: EvaluationResult, prices: PriceTable) -> tuple[float | None, str]:
    cost = result.cost
    if cost is None:
        return (0.0, "") if result.timing else (None, "")
    table = prices.tokens.get(str(result.system.get("settings", {}).get("model", "")))
    usage, fresh = cost.get("usage") or {}, (result.timing or {}).get("documents", 0)
    if table and usage.get("requests") and fresh:
        total = (usage["prompt_tokens"] * table.prompt + usage["completion_tokens"] * table.completion) / MILLION
        return THOUSAND * total / fresh, _name_source(asdict(table))
    if cost.get("currency") not in (None, prices.currency):
        return None, ""
    found = cost.get("per_1000_documents")
    return found, _name_source(cost.get("prices")) if found is not None else ""


def _price_compute(result: EvaluationResult, prices: PriceTable) -> float | None:
    timing = result.timing or {}
    seconds, documents = timing.get("cpu_seconds"), timing.get("documents", 0) + timing.get("failures", 0)
    if seconds is None or not documents or timing.get("cached"):
        return None
    return float(THOUSAND * seconds / documents / _HOUR * prices.core_hour)


def _name_source(prices: Mapping[str, Any] | None) -> str:
    if not prices:
        return ""
    day = f" ({prices['as_of']})" if prices.get("as_of") else ""
    if "total" in prices:
        return f"training: {prices['total']:g} {prices['currency']}, {prices.get('source') or 'paid'}{day}"
    currency = prices.get("currency", "")
    return f"tokens: {prices['prompt']:g} / {prices['completion']:g} {currency} a million, {prices.get('source')}{day}"
