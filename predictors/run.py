"""Pre-annotate samples with a predictor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace

from goldspan.annotation.types import Annotation, Sample
from goldspan.predictors.base import Outcome, Predictor


def iter_outcomes(predictor: Predictor, samples: Iterable[Sample], *, workers: int = 4) -> Iterator[Outcome]:
    """What `Predictor.predict_many` yields, for callers without an event loop; the predictor is closed at the end."""
    with asyncio.Runner() as runner:
        outcomes = predictor.predict_many(samples, workers=workers)
        try:
            while (outcome := runner.run(_next(outcomes))) is not None:
                yield outcome
        finally:
            runner.run(outcomes.aclose())
            runner.run(predictor.aclose())


def add_prediction(sample: Sample, annotation: Annotation, predictor: Predictor) -> Sample:
    """The sample with the prediction in place of an older one of the same model, and its attribution kept."""
    others = tuple(a for a in sample.annotations if a.author != annotation.author)
    provenance = dict(sample.provenance)
    if predictor.attributions:
        kept = [entry for entry in provenance.get("attribution", []) if entry not in predictor.attributions]
        provenance["attribution"] = [*kept, *(dict(entry) for entry in predictor.attributions)]
    return replace(sample, annotations=(*others, annotation), provenance=provenance)


async def _next(outcomes: AsyncIterator[Outcome]) -> Outcome | None:
    return await anext(outcomes, None)
