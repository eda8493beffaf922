"""What every comparison needs to be read: hiding nothing, hiding everything, patterns with checksums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity
from goldspan.evaluation.matching.documents import Document
from goldspan.evaluation.matching.levels import PII_LABEL
from goldspan.evaluation.results.evaluate import EvaluationSettings, score_measured
from goldspan.evaluation.results.timing import describe_timing
from goldspan.evaluation.scores.table import measure_document
from goldspan.predictors.registry import open_predictor

NOTHING = "mask-nothing"
EVERYTHING = "mask-everything"
PATTERNS = "regex+checksum"
BASELINES = (NOTHING, EVERYTHING, PATTERNS)


def score_baselines(
    documents: Sequence[Document], labels: LabelSchema, settings: EvaluationSettings | None = None
) -> dict[str, dict[str, Any]]:
    """Scores of every baseline on the gold of these documents, as they stand in a result file."""
    settings = settings or EvaluationSettings()
    patterns, timing = _read_patterns(documents, labels)
    predictions: dict[str, Iterable[Document]] = {
        NOTHING: (document.with_prediction((), NOTHING) for document in documents),
        EVERYTHING: (document.with_prediction(_cover(document), EVERYTHING) for document in documents),
        PATTERNS: patterns,
    }
    scores = {
        name: score_measured([measure_document(document, labels, settings.level) for document in predicted], settings)
        for name, predicted in predictions.items()
    }
    scores[PATTERNS]["timing"] = timing
    return scores


def _cover(document: Document) -> tuple[Entity, ...]:
    """One span over the whole text."""
    return (Entity(0, len(document.text), PII_LABEL),) if document.text else ()


def _read_patterns(documents: Sequence[Document], labels: LabelSchema) -> tuple[list[Document], dict[str, Any]]:
    predictor = open_predictor("regex", labels)
    predicted: list[Document] = []
    seconds: list[float] = []
    for document in documents:
        begun = perf_counter()
        annotation = predictor.predict_sync(document.text, document.language, document.country)
        seconds.append(perf_counter() - begun)
        predicted.append(document.with_prediction(annotation.entities, PATTERNS))
    return predicted, describe_timing(seconds, sum(seconds))
