"""What the finders give: places that may be personal data, each with how sure its rule is."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import regex

CHECKED = 0.99
"""Distinctive form with valid check digits."""

STATED = 0.95
"""The text says what it is, and the form fits."""

SHAPED = 0.85
"""Form alone, distinctive enough."""

LOOSE = 0.7
"""The text says what it is; the form could be something else."""

REACH = 200
"""Characters between the begin of what announces a number and its first digit."""

REGIONS = {
    "en": ("US", "GB"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE"),
    "es": ("ES", "MX"),
    "nl": ("NL", "BE"),
    "da": ("DK",),
    "it": ("IT",),
    "pt": ("PT",),
    "sv": ("SE",),
    "pl": ("PL",),
}
"""Countries to think of when a text says its language only."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A half-open stretch with a label; `score` decides between candidates that overlap."""

    start: int
    end: int
    label: str
    score: float


@dataclass(frozen=True, slots=True)
class LocalisedText:
    """A text with the countries whose forms are looked for, the likeliest first.

    `first_digit` is the place of its first digit, -1 without one.
    """

    text: str
    countries: tuple[str, ...]
    first_digit: int = field(init=False)

    def __post_init__(self) -> None:
        """Find the first digit."""
        found = _DIGIT.search(self.text)
        object.__setattr__(self, "first_digit", found.start() if found else -1)

    def iter_numbers(self, pattern: regex.Pattern[str], reach: int = REACH) -> Iterator[regex.Match[str]]:
        """The matches of a pattern that needs a digit at most `reach` characters behind its begin.

        No match can begin earlier than that before the first digit, so the text up to there is not searched.
        """
        if self.first_digit < 0:
            return iter(())
        return pattern.finditer(self.text, max(0, self.first_digit - reach))


class Finder(Protocol):
    """Finds candidates of one kind."""

    def __call__(self, document: LocalisedText) -> Iterator[Candidate]:
        """Candidates in any order; they may overlap."""


_GAP = (
    r"[\p{L}'’-]{0,16}+(?:,(?=[^\S\n]))?(?:[^\S\n]{1,2}[\p{L}'’]{1,14}+\.?){0,6}?"
    r"\s{0,3}[:=#|(\[\"'„“”«»‘’°º*\t –-]{0,6}\s?"
)
_DIGIT = regex.compile(r"\d")
_EDGE = r"(?<![\p{L}\p{N}_])"


def compile_stated(words: str, value: str, *, gap: str = _GAP) -> regex.Pattern[str]:
    """A pattern for a value behind the words that announce it; group `value` is the value.

    `words` and `value` are patterns; the words ignore case. Up to six short words without punctuation may stand
    between the two (`passport number is`).
    """
    return regex.compile(rf"{_EDGE}(?i:{words}){gap}{_EDGE}(?P<value>{value})")


def read_stated(matches: Iterable[regex.Match[str]], label: str, score: float = STATED) -> Iterator[Candidate]:
    """A candidate for the value of each match of a pattern of `compile_stated`."""
    for match in matches:
        yield Candidate(*match.span("value"), label, score)


def resolve_overlaps(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates that stay when no two may overlap: the surer one, then the longer one, then the first."""
    starts: list[int] = []
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.score, c.start - c.end, c.start, c.label)):
        place = bisect_left(starts, candidate.end)
        if place == 0 or kept[place - 1].end <= candidate.start:
            starts.insert(place, candidate.start)
            kept.insert(place, candidate)
    return kept
