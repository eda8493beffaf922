"""Draw the persons of a spec and their values, so that a language model and the offline author write the same ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from goldspan.annotation.labels.schema import Label
from goldspan.generators.specs import hard_cases
from goldspan.generators.specs.families import Family
from goldspan.generators.specs.spec import SpecValue
from goldspan.generators.surrogates.values import Persona, draw_persona, draw_value

NAMES = ("FIRSTNAME", "SURNAME")
"""Labels of the parts of a person's name."""


def draw_values(
    rng: Random,
    labels: Sequence[Label],
    language: str,
    country: str,
    genders: Sequence[str],
    document_type: str,
    family: Family,
) -> tuple[SpecValue, ...]:
    """The values of these labels for each person, none of which holds another one."""
    owners = _draw_owners(rng, labels, len(genders))
    codes = {label.code for label in labels}
    case = hard_cases.choose_case(rng, document_type)
    oldest = hard_cases.OLDEST.get(document_type, 94)
    shared = ""
    values: list[SpecValue] = []
    for person, gender in enumerate(genders, start=1):
        persona = _draw_distinct_persona(rng, language, country, gender, values, codes, oldest, family)
        persona = _make_harder(rng, persona, shared, codes)
        shared = persona.surname if rng.random() < hard_cases.FAMILY_SHARE else ""
        is_abroad = "ZIP" not in codes and rng.random() < hard_cases.ABROAD_SHARE
        abroad = _draw_home_abroad(rng, persona) if is_abroad else persona
        for label in labels:
            if person in owners[label.code]:
                source = abroad if label.code in hard_cases.ABROAD else persona
                entry = _draw_distinct_value(rng, label, source, person, values)
                values += [_change_case(entry, case)] if entry.value else []
    return tuple(values)


def _make_harder(rng: Random, persona: Persona, shared: str, codes: set[str]) -> Persona:
    """The person with a surname that is shared, or with an initial for a first name."""
    if shared and "FIRSTNAME" in codes:
        return replace(persona, surname=shared)
    if codes.issuperset(NAMES) and rng.random() < hard_cases.INITIAL_SHARE:
        return replace(persona, first=hard_cases.shorten_name(persona.first))
    return persona


def _draw_home_abroad(rng: Random, persona: Persona) -> Persona:
    language, country = hard_cases.choose_abroad(rng, persona.language, persona.country)
    return draw_persona(rng, language, country, persona.gender)


def _change_case(entry: SpecValue, case: str) -> SpecValue:
    if not case or entry.label not in hard_cases.CASED:
        return entry
    return replace(entry, value=entry.value.lower() if case == "lower" else entry.value.upper())


def _draw_owners(rng: Random, labels: Sequence[Label], persons: int) -> dict[str, set[int]]:
    home = 1 if rng.random() < 0.8 else rng.randint(1, max(persons, 1))
    owners: dict[str, set[int]] = {}
    for label in labels:
        if label.code in NAMES:
            owners[label.code] = set(range(1, persons + 1))
        elif label.code in hard_cases.ADDRESS:
            owners[label.code] = {home}
        else:
            owners[label.code] = {1 if rng.random() < 0.75 else rng.randint(1, persons)}
            if persons > 1 and rng.random() < 0.15:
                owners[label.code].add(rng.randint(1, persons))
    return owners


def _draw_distinct_persona(
    rng: Random,
    language: str,
    country: str,
    gender: str,
    taken: Sequence[SpecValue],
    codes: set[str],
    oldest: int,
    family: Family,
) -> Persona:
    """A person of the family none of whose names is a word of a value taken already; other names stay empty."""
    first, surname = "FIRSTNAME" in codes, "SURNAME" in codes
    while True:
        persona = draw_persona(rng, language, country, gender, oldest)
        if not family.has_name(persona.surname):
            continue
        names = ([persona.first] if first else []) + ([persona.surname] if surname else [])
        words = {word for name in (persona.first, persona.surname, persona.company) for word in _split(name)}
        clash = any(words & _split(entry.value) for entry in taken)
        inner = _split(persona.first) & (_split(persona.surname) | _split(persona.company) | _split(persona.place.city))
        if not (names and (clash or inner or _split(persona.surname) & _split(persona.place.city))):
            return replace(persona, first=persona.first if first else "", surname=persona.surname if surname else "")


def _draw_distinct_value(
    rng: Random, label: Label, persona: Persona, person: int, taken: Sequence[SpecValue]
) -> SpecValue:
    value = draw_value(rng, label, persona)
    for _ in range(20):
        if label.code in NAMES or not any(_holds(entry.value, value) or _holds(value, entry.value) for entry in taken):
            break
        value = draw_value(rng, label, persona)
    return SpecValue(label.code, value, person)


def _split(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"[^\W_]+", text) if len(word) > 2}


def _holds(text: str, value: str) -> bool:
    return value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None
