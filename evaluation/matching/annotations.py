"""Which annotations of a sample are compared: the newest of each author, and what a person was shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from goldspan.annotation.types import Annotation, Author, Sample

_NEVER = datetime.min.replace(tzinfo=UTC)


def merge_samples(samples: Iterable[Sample]) -> list[Sample]:
    """One sample an id, with the annotations of all its appearances; equal annotations count once."""
    merged: dict[str, Sample] = {}
    for sample in samples:
        known = merged.get(sample.sample_id)
        if known is None:
            merged[sample.sample_id] = sample
        else:
            new = tuple(a for a in sample.annotations if a not in known.annotations)
            provenance = {**sample.provenance, **known.provenance}
            merged[sample.sample_id] = replace(known, annotations=known.annotations + new, provenance=provenance)
    return list(merged.values())


def list_latest_reviews(sample: Sample) -> tuple[Annotation, ...]:
    """The newest submitted annotation of each person, by name."""
    return _keep_latest(sample.reviews)


def list_raters(sample: Sample) -> tuple[Annotation, ...]:
    """What people say independently: the newest submitted annotation of each, by name.

    One that is marked as ground truth decides between others, so it is left out where two people have one besides.
    """
    opinions = _keep_latest(tuple(review for review in sample.reviews if not review.ground_truth))
    return opinions if len(opinions) > 1 else list_latest_reviews(sample)


def list_latest_predictions(sample: Sample) -> tuple[Annotation, ...]:
    """The newest pre-annotation of each model version, by name."""
    return _keep_latest(sample.predictions)


def find_shown_prediction(sample: Sample, review: Annotation, model_version: str = "") -> Annotation | None:
    """The pre-annotation that a review started from, None if there was none.

    Its parent where the review names one that is there; else the newest that is not later than the review. A prediction
    made afterwards was never shown, so it gets no credit. With `model_version`, only that model counts.
    """
    predictions = [p for p in sample.predictions if model_version in ("", p.author.name)]
    parent = next((p for p in sample.predictions if review.parent and p.id == review.parent), None)
    if parent is not None:
        return parent if parent in predictions else None
    begun = parse_time(review.created_at or review.updated_at)
    return max((p for p in predictions if not _is_later(p, begun)), key=_read_time, default=None)


def parse_time(value: str | None) -> datetime | None:
    """A time in ISO 8601, as UTC where it names no zone; None for what is no time."""
    try:
        time = datetime.fromisoformat(value or "")
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def is_control(sample: Sample) -> bool:
    """True for a sample that was given to people without its pre-annotation, to see what they do unguided."""
    return sample.provenance.get("control") is True


def is_random(sample: Sample) -> bool:
    """True for a sample of the queue's random reserve, the only share from which progress is reported."""
    return sample.provenance.get("queue") == "random"


def _keep_latest(annotations: tuple[Annotation, ...]) -> tuple[Annotation, ...]:
    latest: dict[Author, Annotation] = {}
    for annotation in sorted(annotations, key=_read_time):
        latest[annotation.author] = annotation
    return tuple(latest[author] for author in sorted(latest, key=lambda author: author.name))


def _is_later(prediction: Annotation, begun: datetime | None) -> bool:
    made = parse_time(prediction.created_at or prediction.updated_at)
    return made is not None and begun is not None and made > begun


def _read_time(annotation: Annotation) -> datetime:
    return parse_time(annotation.updated_at or annotation.created_at) or _NEVER
