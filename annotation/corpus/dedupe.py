"""Duplicates: the same text, nearly the same text, the same skeleton, nearly the same skeleton.

The skeleton is the text with its entities replaced by labels: two texts from one template share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.corpus.containment import find_contained
from goldspan.annotation.corpus.minhash import THRESHOLD, connect, group_near_duplicates
from goldspan.annotation.corpus.outline import Outline, find_family


class Reason(StrEnum):
    """Why a sample is a duplicate, the strongest reason first."""

    SAME_TEXT = "same_text"
    NEAR_TEXT = "near_text"
    SAME_SKELETON = "same_skeleton"
    NEAR_SKELETON = "near_skeleton"


TEXT_REASONS = (Reason.SAME_TEXT, Reason.NEAR_TEXT)
ALL_REASONS = tuple(Reason)
_FEW_HOLDERS, _HOLDER_SHARE = 10, 0.02


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Sample number `index` repeats number `kept`. `conflict`: the text is the same, the entities are not."""

    index: int
    kept: int
    reason: Reason
    conflict: bool = False


@dataclass(frozen=True, slots=True)
class Deduplication:
    """Which samples stay, by their number, and which repeat them."""

    kept: tuple[int, ...]
    duplicates: tuple[Duplicate, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Duplicates by reason; every reason is named."""
        found = Counter(duplicate.reason for duplicate in self.duplicates)
        return {reason.value: found[reason] for reason in Reason}

    @property
    def conflicts(self) -> int:
        """Same texts whose entities differ: a person should decide which annotation is right."""
        return sum(duplicate.conflict for duplicate in self.duplicates)


def find_duplicates(
    outlines: Sequence[Outline], *, reasons: Sequence[Reason] = TEXT_REASONS, threshold: float = THRESHOLD
) -> Deduplication:
    """Decide which samples to keep so that none repeats another for one of the reasons.

    Of each set of duplicates the first reviewed sample is kept, else the first. `threshold` is the Jaccard
    similarity of word shingles that counts as "nearly the same" (see `goldspan.annotation.corpus.minhash`).
    """
    groupings = {reason: _group(outlines, reason, threshold) for reason in reasons}
    contents = [Content(outline.text, outline.skeleton, outline.reviewed) for outline in outlines]
    return decide_duplicates(contents, groupings)


class Content(NamedTuple):
    """What decides which of some duplicates stays; text and skeleton may be digests."""

    text: Hashable
    skeleton: Hashable
    reviewed: bool


def decide_duplicates(contents: Sequence[Content], groupings: Mapping[Reason, NDArray[np.int64]]) -> Deduplication:
    """`find_duplicates` for samples that are grouped already, for each reason."""
    components = unite(len(contents), list(groupings.values()))
    keepers: dict[int, int] = {}
    for index, component in enumerate(components.tolist()):
        known = keepers.setdefault(component, index)
        if contents[index].reviewed and not contents[known].reviewed:
            keepers[component] = index
    duplicates = [
        _describe(contents, groupings, index, keepers[component])
        for index, component in enumerate(components.tolist())
        if keepers[component] != index
    ]
    return Deduplication(tuple(sorted(keepers.values())), tuple(duplicates))


def group_related(outlines: Sequence[Outline], threshold: float = THRESHOLD) -> NDArray[np.int64]:
    """The group of each sample: the smallest index among all that must stay on one side of a split.

    Connected components over these relations: nearly the same text or skeleton (Jaccard similarity at `threshold`), a
    text or skeleton that holds most of another's (containment), the same full name or direct identifier unless many
    samples share it, and a shared link (persona, prompt seed, translation, template). At threshold 1 only equal texts
    and skeletons and shared links relate. Samples of two phrase families may hold each other: what they share is the
    fixed wording of short documents.
    """
    groupings = [_group(outlines, reason, threshold) for reason in (Reason.NEAR_TEXT, Reason.NEAR_SKELETON)]
    pairs = _pair_sharing([outline.links for outline in outlines], len(outlines))
    if threshold < 1:
        contained = _pair_contained([outline.text for outline in outlines], groupings[0])
        contained += _pair_contained([outline.skeleton for outline in outlines], groupings[1])
        families = [find_family(outline) for outline in outlines]
        pairs += [(a, b) for a, b in contained if not (families[a] and families[b]) or families[a] == families[b]]
        pairs += _pair_sharing([outline.identifiers for outline in outlines], limit_holders(len(outlines)))
    return unite(len(outlines), groupings, pairs)


def _pair_contained(texts: Sequence[str], groups: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Related representatives of near-duplicate groups."""
    leaders = np.unique(groups)
    pairs = leaders[find_contained([texts[leader] for leader in leaders.tolist()])]
    return [(one, other) for one, other in pairs.tolist()]


def _pair_sharing(keys: Sequence[Iterable[str]], limit: int) -> list[tuple[int, int]]:
    """Each sample with the first one that has the same key, for keys of at most `limit` samples."""
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for index, own in enumerate(keys):
        for key in own:
            holders[key].append(index)
    return [(found[0], index) for found in holders.values() if len(found) <= limit for index in found[1:]]


def limit_holders(samples: int) -> int:
    """Samples that one identifier may tie together: one that more share is nobody's, such as a hotline's number."""
    return max(_FEW_HOLDERS, int(_HOLDER_SHARE * samples))


def unite(
    size: int,
    groupings: Sequence[NDArray[np.int64]],
    pairs: Sequence[tuple[int, int]] | NDArray[np.int64] = (),
) -> NDArray[np.int64]:
    """Groups that respect every grouping and every pair: what any of them ties together stays together."""
    everyone = np.arange(size, dtype=np.int64)
    edges = [np.stack((grouping, everyone), axis=1) for grouping in groupings]
    edges.append(np.array(pairs, dtype=np.int64).reshape(-1, 2))
    return connect(size, np.concatenate(edges))


def _group(outlines: Sequence[Outline], reason: Reason, threshold: float) -> NDArray[np.int64]:
    on_text = reason in TEXT_REASONS
    texts = [outline.text if on_text else outline.skeleton for outline in outlines]
    if reason in (Reason.NEAR_TEXT, Reason.NEAR_SKELETON):
        return group_near_duplicates(texts, threshold)
    first: dict[str, int] = {}
    return np.array([first.setdefault(text, index) for index, text in enumerate(texts)], dtype=np.int64)


def _describe(
    contents: Sequence[Content], groupings: Mapping[Reason, NDArray[np.int64]], index: int, kept: int
) -> Duplicate:
    same_text = contents[index].text == contents[kept].text
    same_skeleton = contents[index].skeleton == contents[kept].skeleton
    tied = [reason for reason in groupings if groupings[reason][index] == groupings[reason][kept]]
    if same_text and (Reason.SAME_TEXT in groupings or Reason.NEAR_TEXT in groupings):
        return Duplicate(index, kept, Reason.SAME_TEXT, conflict=not same_skeleton)
    if same_skeleton and (Reason.SAME_SKELETON in groupings or Reason.NEAR_SKELETON in groupings):
        near_text = Reason.NEAR_TEXT in tied
        return Duplicate(index, kept, Reason.NEAR_TEXT if near_text else Reason.SAME_SKELETON)
    return Duplicate(index, kept, min(tied, key=ALL_REASONS.index) if tied else _weakest(groupings))


def _weakest(groupings: Mapping[Reason, NDArray[np.int64]]) -> Reason:
    return max(groupings, key=ALL_REASONS.index)
