"""How much of the held-out samples the training samples give away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.outline import Outline


@dataclass(frozen=True, slots=True)
class Leakage:
    """Shares of the held-out samples (everything outside `train`), each between 0 and 1.

    `group`: a related sample (near-duplicate text or skeleton, shared persona or translation) is in train.
    `skeleton`, `text`: the very same skeleton or text is in train.
    `value`: share of the held-out entities whose label and surface occur in train; a high share is normal for
    cities and given names, and says how far a model could get by heart.
    """

    held_out: int
    group: float
    skeleton: float
    text: float
    value: float


def measure_leakage(outlines: Sequence[Outline], groups: Sequence[int], assignment: Sequence[str]) -> Leakage:
    """The leakage of a split. `groups` and `assignment` give group and split of each sample."""
    rows = list(zip(outlines, groups, assignment, strict=True))
    train = [(outline, group) for outline, group, name in rows if name == "train"]
    held = [(outline, group) for outline, group, name in rows if name != "train"]
    train_groups = {group for _, group in train}
    skeletons = {outline.skeleton for outline, _ in train}
    texts = {outline.text for outline, _ in train}
    values = {value for outline, _ in train for value in outline.values}
    held_values = [value for outline, _ in held for value in outline.values]
    return Leakage(
        len(held),
        _share(sum(group in train_groups for _, group in held), len(held)),
        _share(sum(outline.skeleton in skeletons for outline, _ in held), len(held)),
        _share(sum(outline.text in texts for outline, _ in held), len(held)),
        _share(sum(value in values for value in held_values), len(held_values)),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
