"""Splits that do not leak: related samples stay together, labels and languages keep their shares.

Groups are assigned one at a time, the largest and rarest first, to the split that still lacks most of what the
group holds (greedy iterative stratification after Sechidis et al. 2011, on groups instead of single samples).
A group that holds all there is of a label goes to train: nothing could be learnt of that label otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.leakage import Leakage, measure_leakage
from goldspan.annotation.corpus.minhash import THRESHOLD
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.errors import InputError

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class Split:
    """Which split each sample is in (`assignment`), and which group it belongs to (`groups`)."""

    names: tuple[str, ...]
    assignment: tuple[str, ...]
    groups: tuple[int, ...]

    def members(self, name: str) -> list[int]:
        """Numbers of the samples in a split."""
        return [index for index, assigned in enumerate(self.assignment) if assigned == name]


@dataclass(frozen=True, slots=True)
class SplitReport:
    """A split in numbers. `labels` and `languages` count by split; `random` is what a plain shuffle would leak.

    `largest_group` is the share of all samples in the largest group: near 1 means that no split can help.
    """

    sizes: dict[str, int]
    groups: int
    largest_group: float
    labels: dict[str, dict[str, int]]
    languages: dict[str, dict[str, int]]
    grouped: Leakage
    random: Leakage


def check_ratios(ratios: Mapping[str, float]) -> dict[str, float]:
    """The ratios, scaled to a sum of 1.

    Raises:
        InputError: fewer than two splits, no `train`, or a share that is not positive.

    """
    if len(ratios) < 2 or "train" not in ratios or any(ratio <= 0 for ratio in ratios.values()):
        raise InputError(f"A split needs train and one more, each with a share above 0; these are {dict(ratios)}.")
    total = sum(ratios.values())
    return {name: ratio / total for name, ratio in ratios.items()}


def split_samples(
    outlines: Sequence[Outline],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    seed: int = 0,
    threshold: float = THRESHOLD,
) -> Split:
    """Assign every sample to a split so that no group is in two of them.

    The same outlines in the same order, ratios and seed give the same split.

    Raises:
        InputError: the ratios are wrong.

    """
    shares = check_ratios(ratios)
    names = tuple(shares)
    groups = group_related(outlines, threshold)
    _, position = np.unique(groups, return_inverse=True)
    chosen = _assign(_count_strata(outlines, position), np.array(list(shares.values())), names.index("train"), seed)
    assignment = tuple(names[choice] for choice in chosen[position].tolist())
    return Split(names, assignment, tuple(groups.tolist()))


def shuffle_samples(split: Split, ratios: Mapping[str, float], *, seed: int = 0) -> Split:
    """What a plain shuffle would have done with the same samples: for comparison only."""
    shares = check_ratios(ratios)
    size = len(split.assignment)
    order = np.random.default_rng(seed).permutation(size)
    borders = np.round(np.cumsum(list(shares.values())) * size).astype(int)
    names = np.array(list(shares))
    assignment = np.empty(size, dtype=names.dtype)
    assignment[order] = names[np.minimum(np.searchsorted(borders, np.arange(size), side="right"), len(names) - 1)]
    return Split(tuple(shares), tuple(assignment.tolist()), split.groups)


def report_split(
    outlines: Sequence[Outline], split: Split, ratios: Mapping[str, float] = DEFAULT_RATIOS, *, seed: int = 0
) -> SplitReport:
    """Sizes, balance and leakage of a split, and beside it the leakage of a random one."""
    sizes = Counter(split.assignment)
    by_group = Counter(split.groups)
    labels: dict[str, Counter[str]] = {name: Counter() for name in split.names}
    languages: dict[str, Counter[str]] = {name: Counter() for name in split.names}
    for outline, name in zip(outlines, split.assignment, strict=True):
        labels[name].update(outline.labels)
        languages[name][outline.language] += 1
    shuffled = shuffle_samples(split, ratios, seed=seed)
    return SplitReport(
        {name: sizes[name] for name in split.names},
        len(by_group),
        max(by_group.values(), default=0) / max(len(outlines), 1),
        {name: dict(sorted(counts.items())) for name, counts in labels.items()},
        {name: dict(sorted(counts.items())) for name, counts in languages.items()},
        measure_leakage(outlines, split.groups, split.assignment),
        measure_leakage(outlines, split.groups, shuffled.assignment),
    )


def _count_strata(outlines: Sequence[Outline], position: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much each group holds of each stratum: column 0 counts samples, the others languages and labels."""
    columns: dict[str, int] = {}
    cells: Counter[tuple[int, int]] = Counter()
    for row, outline in zip(position.tolist(), outlines, strict=True):
        cells[row, 0] += 1
        for stratum in (f"language {outline.language}", *outline.labels):
            cells[row, columns.setdefault(stratum, len(columns) + 1)] += 1
    counts = np.zeros((int(position.max(initial=-1)) + 1, len(columns) + 1))
    for (row, column), count in cells.items():
        counts[row, column] = count
    return counts


def _assign(counts: NDArray[np.float64], shares: NDArray[np.float64], train: int, seed: int) -> NDArray[np.int64]:
    """The split of each group, as an index into `shares`; `train` is the index of the training split."""
    portions = counts / np.maximum(counts.sum(axis=0), 1)
    lacking = np.repeat(shares[:, None], counts.shape[1], axis=1)
    rarity = portions[:, 1:].max(axis=1, initial=0.0)
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    order = shuffled[np.lexsort((-rarity[shuffled], -counts[shuffled, 0]))]
    weights = np.ones(counts.shape[1])
    weights[0] = max(counts.shape[1] - 1, 1)
    chosen = np.zeros(len(counts), dtype=np.int64)
    for row in order.tolist():
        portion = portions[row]
        if rarity[row] >= 1:
            chosen[row] = train
            lacking[train] -= portion
            continue
        need = (lacking / shares[:, None]) @ (portion * weights)
        fits = lacking[:, 0] >= portion[0] - 1e-12
        best = int(np.argmax(np.where(fits, need, -np.inf))) if fits.any() else int(np.argmax(need))
        chosen[row] = best
        lacking[best] -= portion
    return chosen


def explain_empty(sizes: Mapping[str, int], groups: int) -> list[str]:
    """Which splits are empty, and why."""
    why = "there are too few groups of related samples for this share"
    if sum(sizes.values()) == 1:
        why = "there is only one sample"
    elif groups == 1:
        why = "all samples are relatives of each other, and relatives stay in one split"
    return [f"{name} is empty: {why}" for name, size in sizes.items() if not size]
