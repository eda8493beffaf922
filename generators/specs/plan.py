"""Sample plans: which samples a run writes to fill gaps in coverage."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

from goldspan.annotation.labels.schema import LabelSchema


class Cell(NamedTuple):
    """One kind of sample that is wanted, and how many of it."""

    language: str
    document_type: str
    labels: tuple[str, ...]
    samples: int


_PER_SAMPLE = 5
"""Labels that a sample of a plan asks for, at most."""


@dataclass(frozen=True)
class SamplePlan:
    """Cells in their order; item numbers run through them."""

    cells: tuple[Cell, ...]

    @property
    def total(self) -> int:
        """Samples of all cells."""
        return sum(cell.samples for cell in self.cells)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(cell.samples for cell in self.cells))

    def find_cell(self, item: int) -> Cell:
        """The cell that an item belongs to."""
        return self.cells[bisect.bisect_right(self._ends, item)]

    def to_dict(self) -> list[list[Any]]:
        """As JSON."""
        return [[cell.language, cell.document_type, list(cell.labels), cell.samples] for cell in self.cells]

    @classmethod
    def from_dict(cls, cells: Iterable[Sequence[Any]]) -> SamplePlan:
        """From JSON."""
        return cls(tuple(Cell(cell[0], cell[1], tuple(cell[2]), cell[3]) for cell in cells))


class Shortfall(NamedTuple):
    """Entities that one label lacks in one language and document type, against its share of the target."""

    label: str
    language: str
    document_type: str
    found: int
    wanted: int


def find_shortfalls(
    coverage: Mapping[tuple[str, str, str], int],
    labels: LabelSchema,
    languages: Sequence[str],
    document_types: Sequence[str],
) -> list[Shortfall]:
    """Where label × language × document type falls short.

    A label's target is for each language; its share per document type is the target by the number of types.
    """
    shortfalls = []
    for label in labels.entities:
        wanted = -(-label.target // len(document_types))
        for language in languages:
            for document_type in document_types:
                found = coverage.get((label.code, language, document_type), 0)
                if found < wanted:
                    shortfalls.append(Shortfall(label.code, language, document_type, found, wanted))
    return shortfalls


def plan_gaps(shortfalls: Iterable[Shortfall], samples: int) -> SamplePlan:
    """Spread at most `samples` samples over the shortfalls, the largest first.

    Each sample asks for up to five of the labels that lack most in its language and document type, and is
    taken to bring one entity of each.
    """
    lacking: dict[tuple[str, str], dict[str, int]] = {}
    for gap in shortfalls:
        lacking.setdefault((gap.language, gap.document_type), {})[gap.label] = gap.wanted - gap.found
    chosen: Counter[tuple[str, str, tuple[str, ...]]] = Counter()
    worth = {place: _sum_largest(needs, _PER_SAMPLE) for place, needs in lacking.items()}
    for _ in range(samples):
        if not worth:
            break
        place = max(worth, key=lambda place: (worth[place], place))
        needs = lacking[place]
        labels = tuple(sorted(sorted(needs, key=lambda label: (-needs[label], label))[:_PER_SAMPLE]))
        chosen[(*place, labels)] += 1
        needs = {label: left - (label in labels) for label, left in needs.items()}
        needs = lacking[place] = {label: left for label, left in needs.items() if left}
        worth[place] = _sum_largest(needs, _PER_SAMPLE)
        if not needs:
            del worth[place]
    return SamplePlan(tuple(Cell(*key, count) for key, count in sorted(chosen.items())))


def _sum_largest(needs: Mapping[str, int], count: int) -> int:
    return sum(sorted(needs.values(), reverse=True)[:count])
