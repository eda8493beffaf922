"""Splits that do not leak and do not move: related samples stay together, and a held-out sample stays held out.

A group of related samples is assigned by a keyed hash of its smallest sample id, so adding, removing or reordering
other samples moves nothing. With the project's ledger, a group that holds a sample of an earlier version keeps the most
protected split of its members: groups that merge go to the held-out side, and nothing returns to train.

Only groups that the ledger does not know are ever rebalanced, in the order of their hashes, and only where a split
would be empty or its share would be off by more than a tolerance: 0.5 points with a ledger, 5 without.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.leakage import Leakage, measure_leakage
from goldspan.annotation.corpus.ledger import TRAIN, SplitLedger, choose_protected
from goldspan.annotation.corpus.minhash import THRESHOLD
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.errors import InputError

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}
_LEDGER_TOLERANCE, _TOLERANCE = 0.005, 0.05


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
    if len(ratios) < 2 or "train" not in ratios or any(not 0 < ratio < math.inf for ratio in ratios.values()):
        given = ", ".join(f"{name} {ratio:.0%}" for name, ratio in ratios.items())
        raise InputError(f"A split needs train and one more, each with a share above 0; these are {given}.")
    total = sum(ratios.values())
    return {name: ratio / total for name, ratio in ratios.items()}


def split_samples(
    outlines: Sequence[Outline],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    seed: int = 0,
    threshold: float = THRESHOLD,
    ledger: SplitLedger | None = None,
) -> Split:
    """Assign every sample to a split so that no group is in two of them.

    The same samples in any order, with the same ratios, seed and ledger, give the same split.

    Args:
        outlines: the samples.
        ratios: share of each split; `train` is one of them, the most protected split is the last.
        seed: key of the hash that assigns new groups.
        threshold: Jaccard similarity from which two texts are related.
        ledger: assignments of earlier versions, which are kept.

    Raises:
        InputError: the ratios are wrong.
    """
    order = sorted(range(len(outlines)), key=lambda index: (outlines[index].sample_id, outlines[index].text))
    ordered = [outlines[index] for index in order]
    made = assign_groups(ordered, group_related(ordered, threshold), ratios, seed=seed, ledger=ledger)
    assignment = [""] * len(outlines)
    numbers = [0] * len(outlines)
    firsts: dict[int, int] = {}
    for place, group in zip(order, made.groups, strict=True):
        firsts[group] = min(place, firsts.get(group, place))
    for place, name, group in zip(order, made.assignment, made.groups, strict=True):
        assignment[place], numbers[place] = name, firsts[group]
    return Split(made.names, tuple(assignment), tuple(numbers))


def assign_groups(
    ordered: Sequence[Outline],
    groups: NDArray[np.int64],
    ratios: Mapping[str, float] = DEFAULT_RATIOS,
    *,
    seed: int = 0,
    ledger: SplitLedger | None = None,
) -> Split:
    """`split_samples` for samples that are sorted by id and grouped already; without a ledger only ids are read."""
    shares = check_ratios(ratios)
    names = tuple(shares)
    roots, position = np.unique(groups, return_inverse=True)
    members: list[list[int]] = [[] for _ in roots]
    for place, group in enumerate(position.tolist()):
        members[group].append(place)
    made = [_make_group(ordered, places, seed) for places in members]
    chosen = _choose_splits(made, shares)
    if ledger is not None:
        _keep_ledger(made, chosen, ledger, names)
    _rebalance(made, chosen, shares, _LEDGER_TOLERANCE if ledger is not None else _TOLERANCE)
    assignment = [""] * len(ordered)
    numbers = [0] * len(ordered)
    for one, name in zip(made, chosen, strict=True):
        for place in one.members:
            assignment[place], numbers[place] = name, one.members[0]
    return Split(names, tuple(assignment), tuple(numbers))


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


def explain_empty(sizes: Mapping[str, int], groups: int) -> list[str]:
    """Which splits are empty, and why."""
    why = "there are too few groups of related samples for this share"
    if sum(sizes.values()) == 1:
        why = "there is only one sample"
    elif groups == 1:
        why = "all samples are relatives of each other, and relatives stay in one split"
    return [f"{name} is empty: {why}" for name, size in sizes.items() if not size]


@dataclass(slots=True)
class _Group:
    """Related samples: their outlines and places, a hash in [0, 1), and whether the ledger fixes their split."""

    outlines: list[Outline]
    members: list[int]
    position: float
    fixed: bool = False

    @property
    def size(self) -> int:
        return len(self.members)


def _make_group(outlines: Sequence[Outline], places: list[int], seed: int) -> _Group:
    key = b"goldspan split %d" % seed
    smallest = min(outlines[place].sample_id for place in places)
    hashed = hashlib.blake2b(smallest.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:64]).digest()
    return _Group([outlines[place] for place in places], places, int.from_bytes(hashed, "little") / 2**64)


def _choose_splits(groups: Sequence[_Group], shares: Mapping[str, float]) -> list[str]:
    names, borders = list(shares), np.cumsum(list(shares.values()))
    places = np.searchsorted(borders, [group.position for group in groups], side="right")
    return [names[min(place, len(names) - 1)] for place in places.tolist()]


def _keep_ledger(groups: Sequence[_Group], chosen: list[str], ledger: SplitLedger, names: Sequence[str]) -> None:
    """Give every group the split that the ledger records of a member, or of a text that a member nearly repeats."""
    fresh = [one for group in groups for one in group.outlines if one.sample_id not in ledger.entries]
    present = {outline.sample_id for group in groups for outline in group.outlines}
    absent = ledger.find_absent_relatives(fresh, present)
    relatives = {outline.sample_id: splits for outline, splits in zip(fresh, absent, strict=True)}
    for number, group in enumerate(groups):
        known = ledger.find_splits(outline.sample_id for outline in group.outlines)
        known.update(*(relatives.get(outline.sample_id, ()) for outline in group.outlines))
        if known:
            chosen[number], group.fixed = choose_protected(known, names), True


def _rebalance(groups: Sequence[_Group], chosen: list[str], shares: Mapping[str, float], tolerance: float) -> None:
    """Move new groups between train and a held-out split that is empty or too far from its share."""
    total = sum(group.size for group in groups)
    sizes = Counter[str]()
    for group, name in zip(groups, chosen, strict=True):
        sizes[name] += group.size
    free = sorted((n for n, group in enumerate(groups) if not group.fixed), key=lambda n: -groups[n].position)

    def move(number: int, target: str) -> None:
        sizes[chosen[number]] -= groups[number].size
        sizes[target] += groups[number].size
        chosen[number] = target

    for name in (name for name in shares if name != TRAIN):
        for number in free:
            excess = sizes[name] - shares[name] * total
            if abs(excess) <= max(tolerance * total, 0.5):
                break
            source, target = (name, TRAIN) if excess > 0 else (TRAIN, name)
            if chosen[number] == source and groups[number].size < 2 * abs(excess):
                move(number, target)
    if not sizes[TRAIN] and free:
        move(max(free, key=lambda number: groups[number].size), TRAIN)
    for name in (name for name in shares if name != TRAIN and not sizes[name]):
        spare = [number for number in free if chosen[number] == TRAIN]
        if len(spare) > 1 and sum(chosen[n] == TRAIN for n in range(len(groups))) > 1:
            move(min(spare, key=lambda number: groups[number].size), name)
