"""Run a predictor on the gold texts, and measure its latency and usage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.annotation.wording import format_count
from goldspan.evaluation.matching.documents import Pairing
from goldspan.predictors.base import Predictor, Usage
from goldspan.predictors.run import iter_outcomes


@dataclass(frozen=True, slots=True)
class PredictorRun:
    """A pairing with a predictor's annotations, their timing as it stands in a result file, and their usage."""

    pairing: Pairing
    timing: dict[str, Any]
    usage: Usage


def run_predictor(pairing: Pairing, predictor: Predictor, workers: int = 1) -> PredictorRun:
    """Annotate every text of a pairing, and measure it.

    A text that the predictor fails on stays, with an empty prediction and its `failure`. Latency is measured a text, of
    fresh answers only; with more than one worker the texts of a predictor that computes on this machine wait for each
    other.

    Raises:
        ServiceError: the predictor failed on every text.
    """
    begun, begun_cpu = perf_counter(), process_time()
    samples = (
        Sample(document.text, document.language, document.country, sample_id=document.sample_id)
        for document in pairing.documents
    )
    outcomes = list(iter_outcomes(predictor, samples, workers=workers))
    wall, cpu = perf_counter() - begun, process_time() - begun_cpu
    answered = [outcome.prediction for outcome in outcomes if outcome.prediction is not None]
    if outcomes and not answered:
        raise ServiceError(
            f"{predictor.name} read none of {format_count(len(outcomes), 'text')}. The first failure: "
            f"{outcomes[0].error}"
        )
    nothing = Annotation(Author.model(predictor.model_version))
    paired = replace(
        pairing,
        documents=tuple(
            replace(document, predicted=outcome.annotation)
            if outcome.annotation
            else replace(document, predicted=nothing, failure=f"{predictor.name} failed: {outcome.error}")
            for document, outcome in zip(pairing.documents, outcomes, strict=True)
        ),
        predicted_source="prediction",
        model=predictor.model_version,
    )
    fresh = [prediction.seconds for prediction in answered if not prediction.usage.cached]
    failures, cached = len(outcomes) - len(answered), len(answered) - len(fresh)
    usage = sum((prediction.usage for prediction in answered), Usage())
    return PredictorRun(paired, describe_timing(fresh, wall, cpu=cpu, failures=failures, cached=cached), usage)


def describe_system(predictor: Predictor) -> dict[str, Any]:
    """What is measured, as it stands in a result file: settings, and the record of an artifact's fit."""
    described = {"settings": predictor.describe(), "fit": dict(predictor.record)}
    return {name: content for name, content in described.items() if content}


def count_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe_timing(
    seconds: Sequence[float], wall: float, *, cpu: float | None = None, failures: int = 0, cached: int = 0
) -> dict[str, Any]:
    """Latencies of single texts and the throughput of all, in seconds, as they stand in a result file.

    Throughput is not known where some answers came from a cache.
    """
    p50, p95 = (float(q) for q in np.quantile(seconds, [0.5, 0.95])) if seconds else (None, None)
    return {
        "documents": len(seconds),
        "failures": failures,
        "cached": cached,
        "wall_seconds": wall,
        "cpu_seconds": cpu,
        "cores": count_cores(),
        "documents_per_second": len(seconds) / wall if wall and not cached else None,
        "latency_p50_seconds": p50,
        "latency_p95_seconds": p95,
    }
