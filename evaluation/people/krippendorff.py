"""Krippendorff's alpha for nominal values, over weighted units and over the characters of texts.

Source: Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability". alpha = 1 - D_o / D_e, where D_o counts the
pairs of different values within units (each unit of m values weighs 1 / (m - 1)) and D_e those expected when all
values were dealt at random. A unit with fewer than two values cannot be paired and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from goldspan.annotation.types import Entity

OUTSIDE = "O"


@dataclass(frozen=True, slots=True)
class Unit:
    """The values that raters gave to one unit, missing ones left out; `weight` counts equal units at once."""

    values: Sequence[Hashable]
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Alpha:
    """Alpha with what it rests on: `values` is the number of pairable values (characters times raters).

    `alpha` is None when fewer than two values can be paired, or when all of them are equal: without variation
    agreement by chance cannot be told from agreement by skill.
    """

    alpha: float | None
    values: int


def compute_alpha(units: Iterable[Unit]) -> Alpha:
    """Nominal alpha over units."""
    totals: Counter[Hashable] = Counter()
    agreeing = 0.0
    for unit in units:
        count = len(unit.values)
        if count < 2:
            continue
        frequencies = Counter(unit.values)
        agreeing += unit.weight * sum(f * (f - 1) for f in frequencies.values()) / (count - 1)
        for value, frequency in frequencies.items():
            totals[value] += unit.weight * frequency
    number = totals.total()
    expected = number * number - sum(total * total for total in totals.values())
    if not expected:
        return Alpha(None, number)
    observed = number - agreeing
    return Alpha(1 - (number - 1) * observed / expected, number)


def iter_character_units(annotations: Sequence[Sequence[Entity]], length: int) -> Iterator[Unit]:
    """The characters of one text as units, equal neighbours joined into one weighted unit.

    `annotations` are the entities of each rater who saw the text (nobody else: not to have seen it is missing, not O);
    `length` is the text's length in code points. The value of a character is the label that covers it, `O` for
    none, and several labels joined with `+` where entities overlap.
    """
    edges = {0, length}
    for annotation in annotations:
        for entity in annotation:
            edges |= {min(max(entity.start, 0), length), min(max(entity.end, 0), length)}
    borders = sorted(edges)
    tracks = [_name_stretches(annotation, borders) for annotation in annotations]
    for index, (start, end) in enumerate(pairwise(borders)):
        yield Unit([track[index] for track in tracks], end - start)


def _name_stretches(annotation: Sequence[Entity], borders: Sequence[int]) -> list[str]:
    position = {border: index for index, border in enumerate(borders)}
    last = borders[-1]
    labels: list[set[str]] = [set() for _ in borders[1:]]
    for entity in annotation:
        for index in range(position[min(max(entity.start, 0), last)], position[min(max(entity.end, 0), last)]):
            labels[index].add(entity.label)
    return ["+".join(sorted(names)) or OUTSIDE for names in labels]
