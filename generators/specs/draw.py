"""Draw specs: what a generated sample must contain, before it is written.

All randomness comes from `(seed, index)`: the same spec comes out in any order, process and on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.specs import hard_cases
from goldspan.generators.specs.documents import BRIEF, DOCUMENT_TYPES, LENGTHS, draw_type
from goldspan.generators.specs.families import EVERY, Family
from goldspan.generators.specs.spec import Spec, SpecConstraints
from goldspan.generators.specs.values import NAMES, draw_values
from goldspan.generators.surrogates.chance import make_random, pick
from goldspan.generators.surrogates.world import COUNTRIES

HARD_NEGATIVE_SHARE = 0.08
_MAX_LABELS = {"short": 4, "medium": 9, "long": 16}
_MAX_BRIEF = 3


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
    length = "short" if document_type in BRIEF else rng.choices(list(LENGTHS), weights=(20, 50, 30))[0]
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
        values=draw_values(rng, [labels[code] for code in chosen], language, country, genders, document_type, family),
        family=family,
    )


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
    most = _MAX_BRIEF if document_type in BRIEF else _MAX_LABELS[length]
    chosen = {*wanted, *drawn[: max(1, most - len(wanted))]}
    return tuple(label.code for label in labels.entities if label.code in chosen)


def _draw_persons(rng: Random, length: str) -> int:
    weights = {"short": (85, 15, 0), "medium": (45, 45, 10), "long": (25, 45, 30)}[length]
    return int(rng.choices((1, 2, 3), weights=weights)[0])
