"""Paired documents from samples or their files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError, raise_error, read_samples
from goldspan.annotation.types import Sample
from goldspan.evaluation.matching.documents import Pairing, pair_gold, pair_samples

Source = str | Path | Iterable[Sample]
"""Samples, or the file or folder that holds them."""


def read_pairing(
    gold: Source, predicted: Source | None, labels: LabelSchema, *, model: str = "", on_error: OnError = raise_error
) -> Pairing:
    """Read gold and predictions and pair them; without predictions every document gets an empty one.

    Both may be the same: gold is then its reviews and the prediction its newest one, of `model` if given.

    Raises:
        InputError: a file cannot be read, or nothing in the two can be paired.

    """
    samples = open_samples(gold, labels, on_error)
    if predicted is None:
        pairing = pair_gold(samples)
    elif predicted is gold or predicted == gold:
        both = list(samples)
        pairing = pair_samples(both, both, model)
    else:
        pairing = pair_samples(samples, open_samples(predicted, labels, on_error), model)
    if not pairing.documents:
        reasons = "; ".join(f"{refusal.sample_id}: {refusal.reason}" for refusal in pairing.refusals[:3])
        raise InputError(f"Nothing can be scored: {reasons or 'there are no samples'}.")
    return pairing


def open_samples(source: Source, labels: LabelSchema, on_error: OnError = raise_error) -> Iterable[Sample]:
    """The samples themselves, or those of a file or folder."""
    return read_samples(source, labels, on_error) if isinstance(source, str | Path) else source
