"""Score predictions against gold: from paired documents to an `EvaluationResult`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import add
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.evaluation.matching.documents import Document, Pairing, fingerprint_gold
from goldspan.evaluation.matching.levels import Level
from goldspan.evaluation.matching.match import PairKind
from goldspan.evaluation.results.result import ErrorRecord, EvaluationResult
from goldspan.evaluation.results.slices import slice_scores
from goldspan.evaluation.scores.intervals import estimate_interval
from goldspan.evaluation.scores.schemes import score_schemes
from goldspan.evaluation.scores.spans import (
    Scheme,
    SpanCounts,
    average_macro,
    count_by_label,
    divide,
    measure_empty_false_positives,
    measure_exact_accuracy,
)
from goldspan.evaluation.scores.table import DocumentScores, estimate_intervals, measure_document, sum_masking, tabulate

_MASKING_INTERVALS = {"masking_recall": "recall", "masking_f_beta": "f_beta", "zero_leak_rate": "zero_leak_rate"}


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to compare. `beta` weights recall in F_beta; `samples` scores only so many documents, 0 all of them."""

    level: Level = Level.LABEL
    scheme: Scheme = Scheme.STRICT
    beta: float = 2.0
    split_kind: str = "unknown"
    samples: int = 0
    filters: Mapping[str, str] = field(default_factory=dict)


def evaluate_pairing(
    pairing: Pairing, labels: LabelSchema, settings: EvaluationSettings | None = None, experiment: str = ""
) -> EvaluationResult:
    """Score the documents of a pairing."""
    settings = settings or EvaluationSettings()
    measured = [measure_document(document, labels, settings.level) for document in pairing.documents]
    return EvaluationResult(
        experiment_name=experiment or pairing.model,
        model_name=pairing.model,
        **score_measured(measured, settings),
        per_class_metrics=_describe_classes(measured, settings),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        level=settings.level,
        scheme=settings.scheme,
        beta=settings.beta,
        schemes=_describe_schemes(measured, settings.beta),
        coreference=_score_coreference(pairing.documents),
        slices=slice_scores(measured, settings.scheme, settings.beta),
        outcomes=_count_outcomes(measured),
        data={
            "fingerprint": fingerprint_gold(pairing.documents),
            "documents": len(pairing.documents),
            "split_kind": settings.split_kind,
            "gold_source": pairing.gold_source,
            "predicted_source": pairing.predicted_source,
            "filters": dict(settings.filters),
            "samples": settings.samples,
            "unpaired": len(pairing.exclusions),
            "failures": sum(bool(document.failure) for document in pairing.documents),
        },
        labels={"fingerprint": labels.fingerprint, "version": labels.version},
        errors=tuple(_list_errors(measured)),
    )


def score_measured(measured: Sequence[DocumentScores], settings: EvaluationSettings) -> dict[str, Any]:
    """Metrics and masking scores with their 95 % intervals, and the columns of the documents behind them."""
    columns = tabulate(measured, settings.scheme)
    intervals = estimate_intervals(columns, settings.beta)
    metrics = describe_counts(_count_labels(measured, settings.scheme), settings.beta) | {
        "exact_match_accuracy": measure_exact_accuracy(one.matches for one in measured),
        "empty_false_positive_rate": measure_empty_false_positives(one.matches for one in measured),
        "ci95": {name: interval for name, interval in intervals.items() if name not in _MASKING_INTERVALS},
    }
    masking = sum_masking(measured).describe(settings.beta) | {
        "leakage_by_label": _sum_leaks(measured),
        "ci95": {short: intervals[name] for name, short in _MASKING_INTERVALS.items()},
    }
    sample_ids = [one.document.sample_id for one in measured]
    failed = [int(bool(one.document.failure)) for one in measured]
    documents = {"sample_id": sample_ids, **columns, "failed": failed}
    return {"metrics": metrics, "masking": masking, "documents": documents}


def describe_counts(by_label: Mapping[str, SpanCounts], beta: float) -> dict[str, Any]:
    """Micro scores over all labels, the counts behind them, and macro means."""
    micro, macro = reduce(add, by_label.values(), SpanCounts()), average_macro(by_label)
    return {
        "precision": micro.precision,
        "recall": micro.recall,
        "f1_score": micro.measure_f(),
        "f_beta": micro.measure_f(beta),
        "gold": micro.gold,
        "predicted": micro.predicted,
        "credit": micro.found,
        "macro": {
            "precision": macro.precision,
            "recall": macro.recall,
            "f1_score": macro.f1,
            "classes": macro.classes,
        },
    }


def _describe_schemes(measured: Sequence[DocumentScores], beta: float) -> dict[str, dict[str, Any]]:
    gold = [[match.gold for match in one.matches if match.gold] for one in measured]
    predicted = [[match.predicted for match in one.matches if match.predicted] for one in measured]
    counts = score_schemes(gold, predicted)
    return {scheme.value: describe_counts(by_label, beta) for scheme, by_label in counts.items()}


def _describe_classes(measured: Sequence[DocumentScores], settings: EvaluationSettings) -> dict[str, dict[str, Any]]:
    """Scores of each label, and the interval of its F1 over the documents that have it."""
    by_document: dict[str, list[SpanCounts]] = {}
    for one in measured:
        for label, counts in count_by_label(one.matches, settings.scheme).items():
            by_document.setdefault(label, []).append(counts)
    return {label: _describe_class(by_document[label], settings.beta) for label in sorted(by_document)}


def _describe_class(documents: Sequence[SpanCounts], beta: float) -> dict[str, Any]:
    counts = reduce(add, documents, SpanCounts())
    credit, spans = ([d.found + d.right for d in documents], [d.gold + d.predicted for d in documents])
    return {
        "precision": counts.precision,
        "recall": counts.recall,
        "f1_score": counts.measure_f(),
        "f_beta": counts.measure_f(beta),
        "support": counts.gold,
        "predicted": counts.predicted,
        "documents": len(documents),
        "ci95": {"f1_score": estimate_interval(credit, spans)},
    }


def _count_labels(measured: Sequence[DocumentScores], scheme: Scheme) -> dict[str, SpanCounts]:
    return count_by_label((match for one in measured for match in one.matches), scheme)


def _count_outcomes(measured: Iterable[DocumentScores]) -> dict[str, dict[str, int]]:
    counts: dict[str, Counter[str]] = {}
    for one in measured:
        for match in one.matches:
            span = match.gold or match.predicted
            if span is not None:
                counts.setdefault(span.label, Counter())[match.kind.value] += 1
    return {label: {kind.value: counts[label][kind.value] for kind in PairKind} for label in sorted(counts)}


def _sum_leaks(measured: Iterable[DocumentScores]) -> dict[str, dict[str, Any]]:
    leaked: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    for one in measured:
        for label, (lost, size) in one.leaks.items():
            leaked[label] += lost
            characters[label] += size
    return {
        label: {
            "leakage_rate": divide(leaked[label], characters[label]),
            "characters": characters[label],
            "leaked": leaked[label],
        }
        for label in sorted(characters)
    }


def _list_errors(measured: Iterable[DocumentScores]) -> Iterable[ErrorRecord]:
    for one in measured:
        for match in one.matches:
            if match.kind is not PairKind.CORRECT:
                name, length = one.document.sample_id, len(one.document.text)
                yield ErrorRecord(name, match.kind, match.gold, match.predicted, length)


def _score_coreference(documents: Sequence[Document]) -> dict[str, Any] | None:
    """Coreference scores, if gold has clusters anywhere; they are 0 for a system that predicts none."""
    if not any(document.gold.clusters for document in documents):
        return None
    from goldspan.evaluation.scores.coreference import score_annotations

    return score_annotations((document.gold, document.predicted) for document in documents).to_json()
