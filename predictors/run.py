"""Pre-annotate samples with a predictor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import replace

from goldspan.annotation.loops import iterate_sync
from goldspan.annotation.types import Annotation, Sample
from goldspan.predictors.base import Outcome, Predictor


def iter_outcomes(predictor: Predictor, samples: Iterable[Sample], *, workers: int = 4) -> Iterator[Outcome]:
    """What `Predictor.predict_many` yields, for callers without an event loop; the predictor is closed at the end."""
    return iterate_sync(_predict_and_close(predictor, samples, workers))


def add_prediction(sample: Sample, annotation: Annotation, predictor: Predictor) -> Sample:
    """The sample with the prediction in place of an older one of the same model, and its attribution kept."""
    others = tuple(a for a in sample.annotations if a.author != annotation.author)
    provenance = dict(sample.provenance)
    if predictor.attributions:
        kept = [entry for entry in provenance.get("attribution", []) if entry not in predictor.attributions]
        provenance["attribution"] = [*kept, *(dict(entry) for entry in predictor.attributions)]
    return replace(sample, annotations=(*others, annotation), provenance=provenance)


async def _predict_and_close(predictor: Predictor, samples: Iterable[Sample], workers: int) -> AsyncGenerator[Outcome]:
    outcomes = predictor.predict_many(samples, workers=workers)
    try:
        async for outcome in outcomes:
            yield outcome
    finally:
        await outcomes.aclose()
        await predictor.aclose()
