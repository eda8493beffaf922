"""Reviewed samples as the truth of a simulation.

Related samples (near-duplicates, templates, parts of one document) stay in one of the three sets. The test set takes
some document types whole, or a random share where there are too few types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.queue import draw_order
from goldspan.annotation.errors import InputError
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.training.gate.reviewed import is_rejected
from goldspan.training.loop.simulation.truth import SimulatedText, Truth, TruthSettings, make_text

LEAST_POOL = 40

SampleGroup = tuple[Sample, ...]
"""Related samples, none of them twice."""


def group_reviewed(samples: Iterable[Sample], labels: LabelSchema) -> list[SampleGroup]:
    """The reviewed samples in groups of related ones; documents that a person called unusable are left out."""
    reviewed: dict[str, Sample] = {}
    for one in samples:
        if one.reviews and not is_rejected(one):
            reviewed.setdefault(identify_sample(one), one)
    ordered = [reviewed[name] for name in sorted(reviewed)]
    groups: dict[int, list[Sample]] = {}
    for one, group in zip(ordered, group_related(outline_samples(ordered, labels)).tolist(), strict=True):
        groups.setdefault(group, []).append(one)
    return [tuple(group) for group in groups.values()]


def split_groups(groups: Sequence[SampleGroup], seed: int, settings: TruthSettings, labels: LabelSchema) -> Truth:
    """Draw pool, door set and test set, no group in two of them.

    Raises:
        InputError: there are too few unrelated samples.
    """
    ordered = sorted(groups, key=lambda group: draw_order(identify_sample(group[0]), "simulation", seed))
    held = _choose_types(ordered, settings, seed)
    if held:
        test, _ = _take([group for group in ordered if _list_types(group) <= held], settings.test)
        rest = [group for group in ordered if not _list_types(group) & held]
    else:
        test, rest = _take(ordered, settings.test)
    door, rest = _take(rest, settings.door)
    pool = [one for group in rest for one in group][: settings.pool]
    if len(test) < settings.test or len(door) < settings.door or len(pool) < min(LEAST_POOL, settings.pool):
        raise InputError(
            f"{sum(map(len, groups))} reviewed samples in {len(groups)} unrelated groups are too few for a simulation: "
            f"{settings.door} (--door) decide, {settings.test} (--test) measure, and at least {LEAST_POOL} more are "
            "reviewed in it. Lower --door and --test, or leave the files out: documents of the offline author are used "
            "then."
        )
    return Truth(seed, *(_convert(part, seed, settings, labels) for part in (pool, door, test)))


def _take(groups: Sequence[SampleGroup], size: int) -> tuple[list[Sample], list[SampleGroup]]:
    """As many samples, from the first groups that fit and else a part of one that does not; and the other groups."""
    chosen: list[Sample] = []
    left: list[SampleGroup] = []
    for group in groups:
        if len(chosen) + len(group) <= size:
            chosen += group
        else:
            left.append(group)
    if len(chosen) < size and left:
        chosen += left.pop(0)[: size - len(chosen)]
    return chosen, left


def _list_types(group: SampleGroup) -> frozenset[str]:
    return frozenset(one.document_type for one in group)


def _choose_types(groups: Sequence[SampleGroup], settings: TruthSettings, seed: int) -> frozenset[str]:
    """Document types to hold out whole: drawn until they hold enough; none where too little is left for the others.

    Counted are groups of one type only: others are in no set, unless all of their types are held out.
    """
    sizes = Counter(one.document_type for group in groups if len(_list_types(group)) == 1 for one in group)
    chosen: set[str] = set()
    held = 0
    for kind in sorted(sizes, key=lambda kind: draw_order(kind, "held-out type", seed)):
        if held >= settings.test:
            break
        chosen.add(kind)
        held += sizes[kind]
    enough = held >= settings.test and sizes.total() - held >= max(held, settings.door + LEAST_POOL)
    return frozenset(chosen) if enough else frozenset()


def _convert(
    samples: Sequence[Sample], seed: int, settings: TruthSettings, labels: LabelSchema
) -> tuple[SimulatedText, ...]:
    return tuple(make_text(sample, seed, settings.mistake_rate, labels) for sample in samples)
