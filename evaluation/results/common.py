"""The documents that several results share, and scores on them from the columns that a result carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.evaluation.results.result import EvaluationResult
from goldspan.evaluation.scores.masking import MaskingCounts
from goldspan.evaluation.scores.spans import SpanCounts, divide
from goldspan.evaluation.scores.table import COLUMNS

Columns = Mapping[str, Sequence[Any]]
_OF_GOLD = ("gold", "characters", "personal", "sensitive")


def is_comparable(one: EvaluationResult, other: EvaluationResult) -> bool:
    """True if two results are at the same level, scheme and beta."""
    return (one.level, one.scheme, one.beta) == (other.level, other.scheme, other.beta)


def find_common(results: Sequence[EvaluationResult]) -> tuple[str, ...]:
    """Sample ids that the first result shares with every result that can be compared with it, in its order.

    A document is shared if its sample id and its gold are the same. A result that shares none does not count.
    """
    common = _index_gold(results[0].documents)
    for result in results[1:]:
        if is_comparable(result, results[0]):
            theirs = _index_gold(result.documents)
            common = {name: gold for name, gold in common.items() if theirs.get(name) == gold} or common
    return tuple(common)


def select_common(columns: Columns, reference: Columns, sample_ids: Sequence[str]) -> Columns | None:
    """The columns of these documents in this order; None unless all are there with the gold of the reference."""
    gold, expected = _index_gold(columns), _index_gold(reference)
    if not sample_ids or any(gold.get(name) != expected[name] for name in sample_ids):
        return None
    places = {name: place for place, name in enumerate(columns["sample_id"])}
    order = [places[name] for name in sample_ids]
    return {name: [values[place] for place in order] for name, values in columns.items() if len(values) == len(places)}


def score_columns(columns: Columns, beta: float) -> dict[str, float | None]:
    """The rates of a comparison row from the columns of its documents; empty denominators as in `scores.spans`."""
    totals = {name: sum(columns[name]) for name in COLUMNS}
    spans = SpanCounts(totals["gold"], totals["predicted"], totals["credit"], totals["credit"])
    masking = MaskingCounts(
        totals["characters"],
        totals["personal"],
        totals["masked"],
        totals["hidden"],
        totals["sensitive"],
        totals["exposed"],
    )
    return {
        "precision": spans.precision,
        "recall": spans.recall,
        "f1_score": spans.measure_f(),
        "exact_match_accuracy": divide(totals["exact"], len(columns["sample_id"])),
        "masking_f_beta": masking.measure_f(beta),
        "leakage_rate": masking.leakage_rate,
        "zero_leak_rate": masking.zero_leak_rate,
        "over_masking_rate": masking.over_masking_rate,
    }


def _index_gold(columns: Columns) -> dict[str, tuple[Any, ...]]:
    """The gold side of each document, by sample id; empty for a result without columns."""
    if not {"sample_id", *COLUMNS} <= set(columns):
        return {}
    gold = zip(*(columns[name] for name in _OF_GOLD), strict=True)
    return dict(zip(columns["sample_id"], gold, strict=True))
