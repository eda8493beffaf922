"""Which masked stretches mean one person or thing.

Coreference clusters decide where the annotation has them. Elsewhere names are put together by rule: a first name and
the surname beside it are one person; a lone name is the latest person who bears it; an e-mail address or user name
that spells a person's names is that person's; any other value is itself, wherever it stands and however its digits
are grouped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import regex

from goldspan.annotation.types import Mention
from goldspan.masking.persons import (
    FIRST,
    LAST,
    PersonIndex,
    Referent,
    choose_name,
    choose_owner,
    list_names,
    list_spellings,
    name_person,
    rank_person,
)
from goldspan.masking.repeats import TRUNK, is_number
from goldspan.masking.result import FoundSpan
from goldspan.masking.visible import fold_visible

_HANDLES = frozenset({"EMAIL", "USERNAME", "URL"})
_BETWEEN = regex.compile(r"[ \t\u00a0]{1,2}(?:\r?\n)?|\r?\n|[ \u00a0]\p{Lu}\.[ \u00a0]?")
_REVERSED = regex.compile(r",[ \u00a0]?")


@dataclass(slots=True)
class _Unit:
    """Spans that certainly belong together, and the names among them."""

    members: list[int] = field(default_factory=list)
    firsts: list[str] = field(default_factory=list)
    surnames: list[str] = field(default_factory=list)
    cluster: str = ""
    known: Referent | None = None

    def take(self, other: _Unit) -> None:
        self.members += other.members
        self.firsts += other.firsts
        self.surnames += other.surnames


def find_referents(
    text: str,
    spans: Sequence[FoundSpan],
    mentions: Iterable[Mention] = (),
    earlier: Iterable[Referent] = (),
    known: PersonIndex | None = None,
) -> tuple[Referent, ...]:
    """The referent of each span; the spans in text order and without overlap.

    `earlier` are persons of the text before this one, the latest last: a name of theirs means them. `known` are those
    of other texts: a name means one of them where only one has it.
    """
    units = _make_units(text, spans, tuple(mention for mention in mentions if mention.cluster))
    persons = [*map(_remember, earlier), *(unit for unit in units if unit.cluster)]
    for unit in units:
        if not unit.cluster and (unit.firsts or unit.surnames):
            home = _find_person(unit, persons)
            if home is None:
                persons.append(unit)
            else:
                home.take(unit)
    named = [person for person in persons if person.firsts or person.surnames]
    known = known or PersonIndex()
    for person in named:
        person.known = person.known or known.find(person.firsts, person.surnames)
    referents: dict[int, Referent] = {}
    for person in persons:
        referent = _describe(text, spans, person)
        referents |= dict.fromkeys(person.members, referent)
    for number, span in enumerate(spans):
        if number not in referents:
            address = _read_address(_read_value(text, span)) if span.label in _HANDLES else ""
            owner = choose_owner(address, ((one, (one.firsts, one.surnames)) for one in named)) if address else None
            referents[number] = (
                _describe(text, spans, owner)
                if owner
                else (known.find_owner(address) if address else None) or _name_value(text, span)
            )
    return tuple(referents[number] for number in range(len(spans)))


def _remember(person: Referent) -> _Unit:
    firsts, surnames = map(list, list_names(person))
    return _Unit(firsts=firsts, surnames=surnames, known=person)


def _make_units(text: str, spans: Sequence[FoundSpan], mentions: Sequence[Mention]) -> list[_Unit]:
    units: list[_Unit] = []
    by_cluster: dict[str, _Unit] = {}
    previous = -1
    for number, span in enumerate(spans):
        cluster = _find_cluster(span, mentions)
        unit = by_cluster.get(cluster) if cluster else None
        if unit is None and previous == number - 1 and units and _belongs(text, spans, number):
            unit = next((one for one in units if number - 1 in one.members), None)
            if unit and cluster and unit.cluster not in ("", cluster):
                unit = None
        if unit is None:
            unit = _Unit()
            units.append(unit)
        if cluster and not unit.cluster:
            unit.cluster = cluster
            by_cluster[cluster] = unit
        unit.members.append(number)
        names = list_spellings(_read_value(text, span))
        if span.label == FIRST:
            unit.firsts += names
        elif span.label == LAST:
            unit.surnames += names
        previous = number
    return units


def _find_cluster(span: FoundSpan, mentions: Sequence[Mention]) -> str:
    around = [m for m in mentions if m.start <= span.start and span.end <= m.end]
    return min(around, key=lambda mention: mention.end - mention.start).cluster if around else ""


def _belongs(text: str, spans: Sequence[FoundSpan], number: int) -> bool:
    one, other = spans[number - 1], spans[number]
    gap = text[one.end : other.start]
    gap = gap.removeprefix(".") if one.end - one.start == 1 else gap
    if {one.label, other.label} != {FIRST, LAST}:
        return one.label == other.label == FIRST and gap in (" ", "-")
    pattern = _BETWEEN if one.label == FIRST else _REVERSED
    return pattern.fullmatch(gap) is not None


def _find_person(unit: _Unit, persons: Sequence[_Unit]) -> _Unit | None:
    """The person that the names fit best, the latest of several."""

    def rank(person: _Unit) -> int:
        return rank_person(unit.firsts, unit.surnames, (person.firsts, person.surnames))

    best = max(reversed(persons), key=rank, default=None)
    return best if best and rank(best) else None


def _read_address(value: str) -> str:
    """The part of an address that may spell a name."""
    return value.rpartition("@")[0] if value.count("@") == 1 and not value.startswith("@") else value


def _describe(text: str, spans: Sequence[FoundSpan], unit: _Unit) -> Referent:
    firsts = [_read_value(text, spans[n]) for n in unit.members if spans[n].label == FIRST]
    surnames = [_read_value(text, spans[n]) for n in unit.members if spans[n].label == LAST]
    if not firsts and not surnames:
        return unit.known or _name_value(text, spans[unit.members[0]])
    first, surname = choose_name(*firsts), choose_name(*surnames)
    if unit.known:
        return replace(unit.known, first=unit.known.first or first, surname=unit.known.surname or surname)
    return name_person(first, surname)


def _read_value(text: str, span: FoundSpan) -> str:
    """The value that says whose a stretch is: what it holds, of an identifier the masked value in it."""
    return span.named or text[span.start : span.end]


def _name_value(text: str, span: FoundSpan) -> Referent:
    value = _read_value(text, span)
    if span.label in (FIRST, LAST):
        return name_person(value, "") if span.label == FIRST else name_person("", value)
    folded = fold_visible(value)
    key = "".join(filter(str.isalnum, folded.replace(TRUNK, ""))) if is_number(folded) else " ".join(folded.split())
    return Referent(f"{span.label}|{key}")
