"""Scores of parts of a corpus: by language, country, document type and length."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.identity import hash_text
from goldspan.evaluation.matching.documents import Document, Pairing
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_matches, measure_exact_accuracy
from goldspan.evaluation.scores.table import DocumentScores, estimate_intervals, sum_masking, tabulate

LENGTH_BANDS = (200, 500, 1000, 5000)
"""Upper ends (exclusive) of the length bands, in code points; the last band is open."""

DIMENSIONS: Mapping[str, Callable[[Document], str]] = {
    "language": lambda document: document.language or "unknown",
    "country": lambda document: document.country or "unknown",
    "document_type": lambda document: document.document_type or "unknown",
    "length": lambda document: name_length_band(len(document.text)),
}


def name_length_band(length: int) -> str:
    """The band that a text of `length` code points falls in, such as `200-499`."""
    low = 0
    for high in LENGTH_BANDS:
        if length < high:
            return f"{low}-{high - 1}"
        low = high
    return f"{low}+"


def filter_documents(pairing: Pairing, filters: Mapping[str, str]) -> Pairing:
    """The pairing with only the documents that have all these values, such as `{"language": "de"}`.

    Raises:
        UnknownNameError: there is no such dimension.
        InputError: no document is left.
    """
    for dimension in filters:
        if dimension not in DIMENSIONS:
            raise UnknownNameError("dimension", dimension, DIMENSIONS)
    kept = tuple(
        document
        for document in pairing.documents
        if all(DIMENSIONS[dimension](document) == value for dimension, value in filters.items())
    )
    if not kept:
        raise InputError(f"No document is left: none of {len(pairing.documents)} has {format_filters(filters)}.")
    return replace(pairing, documents=kept)


def sample_documents(pairing: Pairing, count: int) -> Pairing:
    """The pairing with only `count` documents, by a hash of their sample ids; 0 keeps all.

    The choice does not depend on the other documents: a larger count only adds documents.
    """
    if not 0 < count < len(pairing.documents):
        return pairing
    chosen = sorted(pairing.documents, key=lambda document: hash_text(document.sample_id))[:count]
    return replace(pairing, documents=tuple(sorted(chosen, key=lambda document: document.sample_id)))


def format_filters(filters: Mapping[str, str]) -> str:
    """The filters as a person writes them."""
    return ", ".join(f"{dimension}={value}" for dimension, value in filters.items())


def sum_counts(measured: Iterable[DocumentScores], scheme: Scheme) -> SpanCounts:
    """Counts of all labels over documents."""
    return reduce(add, (count_matches(one.matches, scheme) for one in measured), SpanCounts())


def slice_scores(measured: Sequence[DocumentScores], scheme: Scheme, beta: float) -> dict[str, dict[str, Any]]:
    """Scores by dimension and value, each with the number of documents behind it and the intervals of its F scores."""
    slices: dict[str, dict[str, Any]] = {}
    for dimension, find in DIMENSIONS.items():
        parts: dict[str, list[DocumentScores]] = {}
        for one in measured:
            parts.setdefault(find(one.document), []).append(one)
        slices[dimension] = {value: _describe(parts[value], scheme, beta) for value in sorted(parts, key=_natural)}
    return slices


def _describe(part: Sequence[DocumentScores], scheme: Scheme, beta: float) -> dict[str, Any]:
    counts, masking = sum_counts(part, scheme), sum_masking(part)
    intervals = estimate_intervals(tabulate(part, scheme), beta)
    return {
        "documents": len(part),
        "gold": counts.gold,
        "predicted": counts.predicted,
        "precision": counts.precision,
        "recall": counts.recall,
        "f1_score": counts.measure_f(),
        "exact_match_accuracy": measure_exact_accuracy(one.matches for one in part),
        "masking_f_beta": masking.measure_f(beta),
        "leakage_rate": masking.leakage_rate,
        "zero_leak_rate": masking.zero_leak_rate,
        "ci95": {"f1_score": intervals["f1_score"], "masking_f_beta": intervals["masking_f_beta"]},
    }


def _natural(value: str) -> tuple[int, str]:
    digits = value.split("-")[0].rstrip("+")
    return (int(digits), value) if digits.isdigit() else (0, value)
