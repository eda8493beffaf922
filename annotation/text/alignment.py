"""Align values without offsets to exact spans.

Older data sets and some models give values without offsets. Alignment finds every word-bounded
occurrence of every value, the longest value first, so that a labelled surface is never left unlabelled elsewhere.
What is ambiguous is reported and left out, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from goldspan.annotation.text.words import find_occurrences, fold, joins_compound
from goldspan.annotation.types import Entity, sort_spans


class Doubt(StrEnum):
    """Why an occurrence was left unlabelled."""

    SEVERAL_LABELS = "several_labels"
    SHORT_NUMBER = "short_number"
    SINGLE_CHARACTER = "single_character"
    OVERLAP = "overlap"
    COMPOUND = "compound"


@dataclass(frozen=True, slots=True)
class Unaligned:
    """A value that does not occur in the text; `hint` names the nearest match."""

    value: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Places of a value that may or may not carry a label; none of them was labelled."""

    value: str
    labels: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class Alignment:
    """Entities found, values not found, and places left out."""

    entities: tuple[Entity, ...]
    unaligned: tuple[Unaligned, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()


def align_values(text: str, values: Sequence[tuple[str, str]]) -> Alignment:
    """Find `(value, label)` pairs in a text.

    Rules, in order:
      1. A place is word-bounded: `Ann` is not found in `Anna`.
      2. Longer values take their places first: `Ann` is not looked for inside `Ann Lee`. A place that crosses the
         place of a longer value is ambiguous.
      3. A value given with two labels is ambiguous everywhere.
      4. A number of up to four digits, or a single character, that stands more often than it was given is ambiguous:
         `1995` may be a year, `李` a plum.
      5. A place tied to another word (`Ann` in `Ann-Marie`, `ann` in `ann@mail.net`) counts only if the value
         stands nowhere by itself; otherwise it is reported.
    """
    given = Counter(value for value, _ in values)
    labels_of: dict[str, list[str]] = {}
    for value, label in values:
        known = labels_of.setdefault(value, [])
        if label not in known:
            known.append(label)
    taken = bytearray(len(text))
    entities: list[Entity] = []
    unaligned: list[Unaligned] = []
    ambiguous: list[Ambiguity] = []
    for value in sorted(labels_of, key=lambda value: (-len(value), value)):
        labels = labels_of[value]
        everywhere = list(find_occurrences(text, value)) if value == value.strip() else []
        if not everywhere:
            unaligned += [Unaligned(value, label, _explain_absence(text, value)) for label in labels]
            continue
        free = [place for place in everywhere if not any(taken[place[0] : place[1]])]
        if crossing := tuple(place for place in everywhere if place not in free and not all(taken[slice(*place)])):
            ambiguous.append(Ambiguity(value, tuple(labels), crossing, Doubt.OVERLAP))
        alone = [place for place in free if not joins_compound(text, *place)]
        if len(labels) > 1:
            ambiguous.append(Ambiguity(value, tuple(labels), tuple(free), Doubt.SEVERAL_LABELS))
            continue
        if (doubt := _doubt_short(value)) and len(free) > given[value]:
            ambiguous.append(Ambiguity(value, tuple(labels), tuple(free), doubt))
            continue
        if alone and len(alone) < len(free):
            tied = tuple(place for place in free if place not in alone)
            ambiguous.append(Ambiguity(value, tuple(labels), tied, Doubt.COMPOUND))
        for start, end in alone or free:
            taken[start:end] = b"\x01" * (end - start)
            entities.append(Entity(start, end, labels[0]))
    return Alignment(sort_spans(entities), tuple(unaligned), tuple(ambiguous))


def _doubt_short(value: str) -> Doubt | None:
    if len(value) <= 4 and value.isdigit():
        return Doubt.SHORT_NUMBER
    return Doubt.SINGLE_CHARACTER if len(value) == 1 else None


def _explain_absence(text: str, value: str) -> str:
    if not value.strip():
        return "the value is empty"
    if value != value.strip():
        return "the value has white space at its edges"
    if value in text:
        return "stands only inside other words"
    if fold(value) in fold(text):
        return "stands only in other capitals or another Unicode form"
    return "does not stand in the text"
