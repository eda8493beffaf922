"""Several predictors as one: rules first, then a model for what has no form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.corpus.uncertainty import combine_scores
from goldspan.annotation.types import Annotation, Author, Entity, Mention, sort_spans
from goldspan.predictors.base import LocalPredictor, Prediction, Predictor, RemotePredictor, TextInput, Usage


def combine_predictors(parts: Sequence[Predictor]) -> Predictor:
    """One predictor of several; where entities of two overlap, those of the earlier one stay.

    It computes where all parts compute, and waits where one of them waits for a server.
    """
    local = [part for part in parts if isinstance(part, LocalPredictor)]
    return _CombinedLocal(local) if len(local) == len(parts) else _CombinedRemote(parts)


class _Combined(Predictor):
    name = "combined"

    def __init__(self, parts: Sequence[Predictor]) -> None:
        self._parts: tuple[Predictor, ...] = tuple(parts)
        self.labels = frozenset().union(*(part.labels for part in parts))
        self.least_workers = max(part.least_workers for part in parts)
        records = [part.record for part in parts if part.record]
        self.record = records[0] if len(records) == 1 else {}

    @property
    def model_version(self) -> str:
        """The parts' versions, joined with `+`."""
        return "+".join(part.model_version for part in self._parts)

    @property
    def attributions(self) -> tuple[Mapping[str, str], ...]:
        """The attributions of all parts."""
        return tuple(entry for part in self._parts for entry in part.attributions)

    def describe(self) -> dict[str, Any]:
        """The descriptions of the parts by model version."""
        return {part.model_version: part.describe() for part in self._parts}

    async def aclose(self) -> None:
        """Close all parts."""
        await asyncio.gather(*(part.aclose() for part in self._parts))

    def _merge(self, annotations: Sequence[Annotation]) -> Annotation:
        kept: list[Entity] = []
        for annotation in annotations:
            earlier = tuple(kept)
            kept += (entity for entity in annotation.entities if not any(_overlap(entity, other) for other in earlier))
        mentions: tuple[Mention, ...] = next((a.mentions for a in annotations if a.mentions), ())
        score = combine_scores(annotation.score for annotation in annotations)
        return Annotation(Author.model(self.model_version), sort_spans(kept), mentions, score=score)


class _CombinedLocal(_Combined, LocalPredictor):
    def __init__(self, parts: Sequence[LocalPredictor]) -> None:
        super().__init__(parts)
        self._local = tuple(parts)
        self.max_batch = min(part.max_batch for part in parts)

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Read with one part after the other."""
        found = [part.predict_batch(texts) for part in self._local]
        return [self._merge(annotations) for annotations in zip(*found, strict=True)]


class _CombinedRemote(_Combined, RemotePredictor):
    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        """Read with all parts at once."""
        found = await asyncio.gather(*(part.predict(text, language, country) for part in self._parts))
        usage = sum((prediction.usage for prediction in found), Usage())
        merged = self._merge([prediction.annotation for prediction in found])
        return Prediction(merged, usage, max(prediction.seconds for prediction in found))


def _overlap(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end
