"""Several predictors as one: rules first, then a model for what has no form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from goldspan.annotation.types import Annotation, Author, Entity, sort_spans
from goldspan.predictors.base import Predictor


class CombinedPredictor(Predictor):
    """Puts readings together; where entities of two predictors overlap, those of the earlier one stay."""

    name = "combined"

    def __init__(self, parts: Sequence[Predictor]) -> None:
        self._parts = tuple(parts)

    @property
    def model_version(self) -> str:
        """The parts' versions, joined with `+`."""
        return "+".join(part.model_version for part in self._parts)

    @property
    def attributions(self) -> tuple[Mapping[str, str], ...]:
        """The attributions of all parts."""
        return tuple(entry for part in self._parts for entry in part.attributions)

    async def predict_async_native(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read with all parts at once."""
        readings = await asyncio.gather(*(part.predict(text, language, country) for part in self._parts))
        kept: list[Entity] = []
        for reading in readings:
            earlier = tuple(kept)
            kept += (entity for entity in reading.entities if not any(_overlap(entity, other) for other in earlier))
        return Annotation(Author.model(self.model_version), sort_spans(kept))

    async def aclose(self) -> None:
        """Close all parts."""
        await asyncio.gather(*(part.aclose() for part in self._parts))


def _overlap(one: Entity, other: Entity) -> bool:
    return one.start < other.end and other.start < one.end
