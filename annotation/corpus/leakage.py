"""How much of the held-out samples the training samples give away."""

from __future__ import annotations

from collections import Counter, defaultdict
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
    `carrier`: share of the held-out sentences whose carrier (the sentence with masked entities) is in train.
    `lookup`: share of the held-out entities whose label a lookup of the carrier in train would give.
    """

    held_out: int
    group: float
    skeleton: float
    text: float
    value: float
    carrier: float = 0.0
    lookup: float = 0.0


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
        *_measure_carriers([outline for outline, _ in train], [outline for outline, _ in held]),
    )


def _measure_carriers(train: Sequence[Outline], held: Sequence[Outline]) -> tuple[float, float]:
    """Shares of held-out sentences whose carrier is in train, and of held-out entities that a lookup there solves."""
    known: defaultdict[int, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for outline in train:
        for carrier in outline.carriers:
            known[carrier.key][carrier.labels] += 1
    sentences = [carrier for outline in held for carrier in outline.carriers]
    found = [carrier for carrier in sentences if carrier.key in known]
    solved = sum(
        one == other
        for carrier in found
        for one, other in zip(carrier.labels, _find_commonest(known[carrier.key]), strict=True)
    )
    return _share(len(found), len(sentences)), _share(solved, sum(len(outline.values) for outline in held))


def _find_commonest(counts: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    return min(counts, key=lambda labels: (-counts[labels], labels))


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
