"""Phrase families: documents of different families share neither phrases nor surnames, so a split can hold some out."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from goldspan.generators.specs.spec import Spec

T = TypeVar("T")
MOST_FAMILIES = 20
"""With more, some would have no surname in some countries."""
LEAST = 2
"""Phrases that each family has of a list at least; a shorter list belongs to all."""


@dataclass(frozen=True, slots=True)
class Family:
    """One of `count` families, with numbers from 0; a count of 0 has every phrase."""

    number: int = 0
    count: int = 0

    def choose(self, phrases: Sequence[T]) -> Sequence[T]:
        """The family's phrases of a list: every `count`-th one, or all if there would be fewer than `LEAST`."""
        if not self.count or len(phrases) < LEAST * self.count:
            return phrases
        return phrases[self.number :: self.count]

    def has_name(self, surname: str) -> bool:
        """Whether a surname is one of the family's: a full name ties documents together."""
        return not self.count or zlib.crc32(surname.casefold().encode()) % self.count == self.number


EVERY = Family()


def join_family(spec: Spec, count: int) -> Spec:
    """The spec as one of `count` families writes it: they take turns; 0 is no family."""
    return replace(spec, family=Family(spec.index % count, count)) if count else spec
