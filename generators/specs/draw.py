"""Specs: what a generated sample must contain, drawn before it is written.

All randomness comes from `(seed, index)`: the same spec comes out in any order, process and on any machine.
The values are drawn here, so that a language model and the offline author put the same ones into their texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.generators.specs import hard_cases
from goldspan.generators.specs.families import EVERY, Family
from goldspan.generators.surrogates.chance import make_random, pick
from goldspan.generators.surrogates.values import Persona, draw_persona, draw_value
from goldspan.generators.surrogates.world import COUNTRIES

DOCUMENT_TYPES: dict[str, str] = {
    "support_email": "formal",
    "chat": "informal",
    "medical_letter": "formal",
    "bank_letter": "formal",
    "job_application": "formal",
    "accident_report": "formal",
    "rental_contract": "formal",
    "hr_memo": "formal",
    "delivery_note": "formal",
    "forum_post": "informal",
    "phone_transcript": "formal",
    "invoice": "formal",
    "email_thread": "formal",
    "sms": "informal",
    "voice_note": "informal",
    "note": "formal",
    "post": "informal",
    "news": "formal",
    "form": "formal",
    "table": "formal",
    "record": "formal",
    "log": "formal",
    "scan": "formal",
}
"""Document types and the register that people write them in."""

_OF_ANY_SUBJECT = (
    "support_email", "email_thread", "chat", "sms", "voice_note", "phone_transcript", "note", "post", "forum_post",
    "news", "form", "table", "record", "log", "scan",
)  # fmt: skip
"""Document types of projects about another subject than personal data that name none of their own."""

HARD_NEGATIVE_SHARE = 0.08
LENGTHS = {"short": (60, 250), "medium": (200, 700), "long": (500, 1500)}
"""Length bands and about how many characters they mean."""

_WEIGHTS = {"form": 0.5, "table": 0.5, "record": 0.75, "log": 0.45, "note": 3.5, "post": 3.5, "news": 5.0}
"""Weights of document types; others have 1. A model that learned from many lists misses names in sentences."""
_BRIEF = frozenset({"note", "post"})
"""Document types of a sentence or two."""

NAMES = ("FIRSTNAME", "SURNAME")
"""Labels of the parts of a person's name."""
_MAX_LABELS = {"short": 4, "medium": 9, "long": 16}
_MAX_BRIEF = 3


@dataclass(frozen=True, slots=True)
class SpecValue:
    """A value that must occur in the text; `person` counts from 1."""

    label: str
    value: str
    person: int = 1


@dataclass(frozen=True, slots=True)
class SpecConstraints:
    """Constraints on a spec; empty fields are drawn at random."""

    language: str = ""
    country: str = ""
    document_type: str = ""
    labels: tuple[str, ...] = ()
    hard_negative: bool | None = None


@dataclass(frozen=True, slots=True)
class Spec:
    """One sample to be written.

    `labels` must all occur in the text, each value of `values` verbatim. `genders` holds `f` or `m` for each person.
    `length` is a band of `LENGTHS`, `register` is formal or informal. A hard negative has no labels, persons or values.
    The offline author writes with the phrases of `family`.
    """

    seed: int
    index: int
    language: str
    country: str
    document_type: str
    register: str
    length: str
    labels: tuple[str, ...]
    persons: int
    genders: tuple[str, ...]
    hard_negative: bool
    values: tuple[SpecValue, ...]
    family: Family = EVERY

    def of_person(self, person: int) -> dict[str, str]:
        """Values of one person by label."""
        return {entry.label: entry.value for entry in self.values if entry.person == person}


def spec_to_dict(spec: Spec) -> dict[str, Any]:
    """The spec as JSON can hold it, without its family."""
    return {name: getattr(spec, name) for name in Spec.__slots__ if name != "family"} | {
        "labels": list(spec.labels),
        "genders": list(spec.genders),
        "values": [{name: getattr(entry, name) for name in SpecValue.__slots__} for entry in spec.values],
    }


def spec_from_dict(document: Mapping[str, Any]) -> Spec:
    """The spec that `spec_to_dict` wrote; other fields of a brief are left out."""
    fields = {name: document[name] for name in Spec.__slots__ if name in document and name != "family"}
    values = tuple(SpecValue(**entry) for entry in fields.pop("values"))
    labels, genders = tuple(fields.pop("labels")), tuple(fields.pop("genders"))
    return Spec(**fields, labels=labels, genders=genders, values=values)


def draw_spec(
    seed: int,
    index: int,
    languages: Sequence[str],
    labels: LabelSchema,
    *,
    wanted: SpecConstraints | None = None,
    document_types: Sequence[str] = tuple(DOCUMENT_TYPES),
    hard_negative_share: float = HARD_NEGATIVE_SHARE,
    families: int = 0,
) -> Spec:
    """Draw the spec of sample `index` of the run with this seed.

    Each label is asked for with its `chance`, those of `wanted` surely. A spec without any label is a hard negative.
    Specs take turns in `families` phrase families (0: none).

    Raises:
        UnknownNameError: a language, country, document type or label that is not known.
        ConfigurationError: a hard negative with labels was wanted.
    """
    wanted = wanted or SpecConstraints()
    _check_wanted(wanted, languages, labels, document_types)
    rng = make_random(seed, index, "spec")
    language = wanted.language or pick(rng, languages)
    country = wanted.country or _draw_country(rng, language, wanted.labels)
    document_type = wanted.document_type or draw_type(rng, document_types)
    length = "short" if document_type in _BRIEF else rng.choices(list(LENGTHS), weights=(20, 50, 30))[0]
    negative = rng.random() < hard_negative_share
    if wanted.hard_negative is not None or wanted.labels:
        negative = bool(wanted.hard_negative)
    chosen = () if negative else _draw_labels(rng, labels, wanted.labels, length, document_type, country)
    persons = _draw_persons(rng, length) if chosen else 0
    genders = tuple(pick(rng, "fm") for _ in range(persons))
    family = Family(index % families, families) if families else EVERY
    return Spec(
        seed=seed,
        index=index,
        language=language,
        country=country,
        document_type=document_type,
        register=DOCUMENT_TYPES.get(document_type, "formal"),
        length=length,
        labels=chosen,
        persons=persons,
        genders=genders,
        hard_negative=not chosen,
        values=_draw_values(rng, [labels[code] for code in chosen], language, country, genders, document_type, family),
        family=family,
    )


def list_document_types(labels: LabelSchema) -> tuple[str, ...]:
    """The document types of a project: its own, else those that suit its purpose."""
    return labels.purpose.document_types or (tuple(DOCUMENT_TYPES) if labels.purpose.is_pii else _OF_ANY_SUBJECT)


def draw_type(rng: Random, document_types: Sequence[str]) -> str:
    """One of the document types; lists are rarer than sentences."""
    weights = [_WEIGHTS.get(document_type, 1.0) for document_type in document_types]
    return rng.choices(document_types, weights)[0]


def _check_wanted(
    wanted: SpecConstraints, languages: Sequence[str], labels: LabelSchema, document_types: Sequence[str]
) -> None:
    for language in (*languages, wanted.language):
        if language and language not in COUNTRIES:
            raise UnknownNameError("language", language, COUNTRIES)
    if wanted.country and wanted.country not in COUNTRIES.get(wanted.language, ()):
        known = COUNTRIES.get(wanted.language, ())
        raise UnknownNameError("country", wanted.country, known, "A country needs one of its languages beside it.")
    known_types = {*document_types, *DOCUMENT_TYPES}
    if wanted.document_type and wanted.document_type not in known_types:
        raise UnknownNameError("document type", wanted.document_type, known_types)
    for code in wanted.labels:
        if code not in labels.entity_codes:
            raise UnknownNameError("label", code, labels.entity_codes)
    if wanted.hard_negative and wanted.labels:
        raise ConfigurationError("A hard negative holds no entity: ask for labels or for a hard negative.")


def _draw_country(rng: Random, language: str, wanted: Sequence[str]) -> str:
    countries = [
        country for country in COUNTRIES[language] if "IBAN" not in wanted or country not in hard_cases.WITHOUT_IBAN
    ]
    return rng.choices(countries, weights=(3, 2, 2)[: len(countries)])[0]


def _draw_labels(
    rng: Random, labels: LabelSchema, wanted: Sequence[str], length: str, document_type: str, country: str
) -> tuple[str, ...]:
    drawn = [label.code for label in labels.entities if rng.random() < label.chance and label.code not in wanted]
    drawn = hard_cases.keep_fitting(rng, [*drawn, *wanted], document_type, country)
    drawn = [code for code in drawn if code not in wanted]
    rng.shuffle(drawn)
    names = [code for code in NAMES if code in labels.entity_codes]
    if names and not set(names) & {*wanted, *drawn}:
        drawn.insert(0, pick(rng, names))
    likely = [label for label in labels.entities if label.chance > 0]
    if likely and not (drawn or wanted):
        drawn = [rng.choices(likely, [label.chance for label in likely])[0].code]
    drawn.sort(key=lambda code: code not in names)
    most = _MAX_BRIEF if document_type in _BRIEF else _MAX_LABELS[length]
    chosen = {*wanted, *drawn[: max(1, most - len(wanted))]}
    return tuple(label.code for label in labels.entities if label.code in chosen)


def _draw_persons(rng: Random, length: str) -> int:
    weights = {"short": (85, 15, 0), "medium": (45, 45, 10), "long": (25, 45, 30)}[length]
    return int(rng.choices((1, 2, 3), weights=weights)[0])


def _draw_values(
    rng: Random,
    labels: Sequence[Label],
    language: str,
    country: str,
    genders: Sequence[str],
    document_type: str,
    family: Family,
) -> tuple[SpecValue, ...]:
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
