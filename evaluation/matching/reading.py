"""Paired documents from files of samples."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError, raise_error, read_samples
from goldspan.evaluation.matching.documents import Pairing, pair_gold, pair_samples


def read_pairing(
    gold: Path, predicted: Path | None, labels: LabelSchema, *, model: str = "", on_error: OnError = raise_error
) -> Pairing:
    """Read gold and predictions and pair them; without predictions every document gets an empty one.

    Both may be one file: gold is then its reviews and the prediction its newest one, of `model` if given.

    Raises:
        InputError: a file cannot be read, or nothing in the two can be paired.

    """
    samples = read_samples([gold], labels, on_error)
    if predicted is None:
        pairing = pair_gold(samples)
    elif predicted == gold:
        both = list(samples)
        pairing = pair_samples(both, both, model)
    else:
        pairing = pair_samples(samples, read_samples([predicted], labels, on_error), model)
    if not pairing.documents:
        reasons = "; ".join(f"{refusal.sample_id}: {refusal.reason}" for refusal in pairing.refusals[:3])
        raise InputError(f"Nothing can be scored: {reasons or f'{gold} holds no samples'}.")
    return pairing
