"""Pre-annotate samples with a predictor."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from dataclasses import replace

from goldspan.annotation.errors import InputError
from goldspan.annotation.loops import iterate_sync
from goldspan.annotation.types import Annotation, Sample
from goldspan.predictors.base import Outcome, Predictor

OnOutcome = Callable[[Outcome], None]
"""Called with each outcome as it comes, in the order of the samples."""


def annotate(
    samples: Iterable[Sample], predictor: Predictor, *, workers: int = 4, on_outcome: OnOutcome | None = None
) -> Iterator[Sample]:
    """Pre-annotate samples: yields each with the predictor's annotation, in their order.

    An older annotation by the same model is replaced. The predictor is closed at the end. Also works where an event
    loop is running (a notebook).

    Args:
        samples: what to annotate; read as they are needed, at most four times `workers` are held in memory.
        predictor: from `open_predictor`, or your own.
        workers: texts read at a time.
        on_outcome: called with every outcome (prediction or error). A sample that fails is then yielded as it was;
            without it, the first failure is raised.

    Raises:
        InputError: it is no predictor, or something is no sample.
        GoldspanError: a text could not be read, and there is no `on_outcome`.
    """
    return iterate_sync(annotate_async(samples, predictor, workers=workers, on_outcome=on_outcome))


async def annotate_async(
    samples: Iterable[Sample], predictor: Predictor, *, workers: int = 4, on_outcome: OnOutcome | None = None
) -> AsyncGenerator[Sample]:
    """`annotate` as an asynchronous generator."""
    if not isinstance(predictor, Predictor):
        raise InputError(
            f"A predictor is needed, not a {type(predictor).__name__}: `open_predictor` opens one by name."
        )
    outcomes = _predict_and_close(predictor, samples, workers)
    try:
        async for outcome in outcomes:
            if on_outcome:
                on_outcome(outcome)
            elif outcome.error:
                raise outcome.error
            annotation = outcome.annotation
            yield add_prediction(outcome.sample, annotation, predictor) if annotation else outcome.sample
    finally:
        await outcomes.aclose()


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
