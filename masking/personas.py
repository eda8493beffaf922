"""Surrogates for `fake`: one invented person for each referent, whose values agree with one another.

Values come from `generators.surrogates`: valid check digits, the country's forms. Language, country and, where the
first name tells it, gender are those of the original. The choice depends on the key and the referent alone, so the
same person gets the same surrogate in every text masked with that key. E-mail addresses and URLs are at the domains
that RFC 2606 reserves for examples.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import regex

from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.generators.surrogates.chance import make_random, pick
from goldspan.generators.surrogates.online import make_slug
from goldspan.generators.surrogates.patterns import draw_like
from goldspan.generators.surrogates.values import Persona, draw_persona, draw_value
from goldspan.generators.surrogates.world import COUNTRIES, draw_first_name, draw_surname, find_genders
from goldspan.masking.dates import parse_date
from goldspan.masking.keys import MaskingKey
from goldspan.masking.persons import FIRST, LAST, Referent, find_part, is_genitive, read_name
from goldspan.masking.repeats import TRUNK

ATTEMPTS = 40
"""Surrogates drawn for one value before a placeholder takes its place."""

_DOMAINS = ("example.com", "example.org", "example.net")
_FULL_NAMES = frozenset({"NAME", "FULLNAME", "PERSON", "PERSONNAME"})


class PersonaMaker:
    """Draws surrogates for the referents of texts in one language and country."""

    def __init__(self, key: MaskingKey, schema: LabelSchema, language: str = "", country: str = "") -> None:
        self._key, self._schema = key, schema
        spoken = next((code for code, places in COUNTRIES.items() if country in places), "en")
        self._language = language if language in COUNTRIES else spoken
        countries = COUNTRIES[self._language]
        self._country = country if country in countries else countries[0]
        self._personas: dict[str, Persona] = {}

    def choose_persona(self, referent: Referent, is_free: Callable[[str], bool]) -> Persona:
        """The invented person of a referent: the first one drawn whose names are free."""
        known = self._personas.get(referent.key)
        if known is None:
            for attempt in range(ATTEMPTS):
                known = self._draw_persona(referent, attempt)
                if is_free(known.first) and is_free(known.surname):
                    break
            assert known is not None  # noqa: S101
            self._personas[referent.key] = known
        return known

    def draw_values(self, label: str, value: str, referent: Referent, persona: Persona, number: int) -> Iterator[str]:
        """Surrogates for a value, the best first; `number` counts the referent's values of this label before it."""
        if form := _draw_form(label, value, referent, persona):
            yield match_case(form, value)
        for attempt in range(ATTEMPTS):
            rng = self._make_random("value", label, referent.key, str(number), str(attempt))
            yield match_case(self._draw(label, value, persona, rng, number + attempt), value)

    def _draw(self, label: str, value: str, persona: Persona, rng: Random, number: int) -> str:
        if label in (FIRST, LAST):
            return self._draw_name(label, value, persona, rng, number)
        if label == "USERNAME" and persona.first:
            local = draw_value(rng, self._find_label("EMAIL"), persona).partition("@")[0]
            return local if "." in value else local.replace(".", "")
        if label in _FULL_NAMES:
            return f"{persona.first} {persona.surname}" if not number else self._vary(persona, rng)
        if label == "EMAIL":
            local = draw_value(rng, self._find_label(label), persona).partition("@")[0]
            return f"{local}@{pick(rng, _DOMAINS)}"
        if label == "URL":
            slug = "-".join(part for part in (make_slug(persona.first), make_slug(persona.surname)) if part)
            scheme = value[: value.find("://") + 3] if "://" in value else ""
            suffix = f"-{rng.randint(2, 9999)}" if number else ""
            return f"{scheme}{pick(rng, _DOMAINS)}/{slug}{suffix}"
        if number:
            other = draw_persona(rng, *self._describe(persona))
            persona = replace(persona, place=other.place, company=other.company, born=other.born)
        date = parse_date(value, self._language, self._country)
        if date is not None and self._find_label(label).validator in ("date_of_birth", ""):
            return date.write(persona.born)
        if label == "IBAN":
            persona = _move(persona, "".join(filter(str.isalnum, value))[:2].upper())
        validator = self._find_label(label).validator
        is_checked = bool(validator) and check_value(validator, value, self._country)

        def is_sound(drawn: str) -> bool:
            return not is_checked or check_value(validator, drawn, self._country)

        return _fit(lambda: draw_value(rng, self._find_label(label), persona), value, rng, is_sound)

    def _draw_name(self, label: str, value: str, persona: Persona, rng: Random, number: int) -> str:
        name = persona.first if label == FIRST else persona.surname
        bare = value.rstrip(".")
        if len(bare) == 1 and bare.isupper():
            return name[0] + value[1:] if not number else pick(rng, "ABCDEFGHIJKLMNOPRSTVWZ") + value[1:]
        if not number:
            return name
        if label == FIRST:
            return f"{name}-{draw_first_name(rng, *self._describe(persona))}"
        return f"{name}-{draw_surname(rng, persona.language, persona.country)}"

    def _vary(self, persona: Persona, rng: Random) -> str:
        return f"{persona.first} {draw_first_name(rng, *self._describe(persona))} {persona.surname}"

    def _draw_persona(self, referent: Referent, attempt: int) -> Persona:
        rng = self._make_random("persona", referent.key, str(attempt))
        genders = find_genders(referent.first.title(), self._language, self._country)
        gender = next(iter(genders)) if len(genders) == 1 else pick(rng, "fm")
        persona = draw_persona(rng, self._language, self._country, gender)
        words = len(referent.surname.split()) if referent.surname else 0
        for _ in range(ATTEMPTS):
            if not words or len(persona.surname.split()) == words:
                break
            persona = draw_persona(rng, self._language, self._country, gender)
        return persona

    def _describe(self, persona: Persona) -> tuple[str, str, str]:
        return persona.language, persona.country, persona.gender

    def _find_label(self, code: str) -> Label:
        return self._schema[code] if code in self._schema else Label(code, code)

    def _make_random(self, *purpose: str) -> Random:
        return make_random(int.from_bytes(self._key.sign("fake", *purpose)[:8], "big"), 0)


def _draw_form(label: str, value: str, referent: Referent, persona: Persona) -> str:
    """The same form of the invented name as a value is of the real one: the genitive, or one of several words."""
    if label not in (FIRST, LAST):
        return ""
    name, invented = (referent.first, persona.first) if label == FIRST else (referent.surname, persona.surname)
    written, whole = read_name(value), read_name(name)
    if is_genitive(written, whole):
        return invented + "s"
    if written == whole:
        plain = "".join(c for c in unicodedata.normalize("NFD", invented) if not unicodedata.combining(c))
        return plain if value != name and plain != invented else ""
    part = find_part(written, whole)
    words = invented.split()
    return " ".join(words[part]) if part and len(words) == len(whole.split()) else ""


_COUNTRY_CODE = regex.compile(r"\+\d{1,3}(?=[ ./()-])|\+\d{2}")


def match_case(surrogate: str, value: str) -> str:
    """The surrogate in capitals or small letters where the value is written so throughout."""
    letters = [character for character in value if character.isalpha()]
    if len(letters) > 1 and all(character.isupper() for character in letters):
        return surrogate.upper()
    if letters and all(character.islower() for character in letters):
        return surrogate.lower()
    return surrogate


def _fit(draw: Callable[[], str], value: str, rng: Random, is_sound: Callable[[str], bool]) -> str:
    """A drawn surrogate with the value's separators; of the drawn ones, the first with as many digits and letters.

    Where none has, and the value is a number, one of the value's shape, sound if one of those drawn is; the code of a
    country in front of a telephone number stays.
    """
    wanted = _count(value)
    prefix = _COUNTRY_CODE.match(value)
    kept = prefix.end() if prefix else 0
    first = draw()
    drawn = first
    for _ in range(ATTEMPTS):
        laid = lay_out(drawn, value)
        if _count(drawn) == wanted and laid.startswith(value[:kept]) and is_sound(laid):
            return laid
        drawn = draw()
    if not wanted[0]:
        return first
    shaped = [value[:kept] + draw_like(rng, value[kept:]) for _ in range(ATTEMPTS)]
    return next(filter(is_sound, shaped), shaped[0])


def _count(value: str) -> tuple[int, int]:
    return sum(c.isdigit() for c in value), sum(c.isalpha() for c in value) if any(c.isdigit() for c in value) else 0


def lay_out(drawn: str, value: str) -> str:
    """The drawn letters and digits between the separators of the value; as drawn where the value is in words."""
    if not any(character.isdigit() for character in value):
        return drawn
    written = value.split(TRUNK)
    characters = [character for character in drawn.replace(TRUNK, "") if character.isalnum()]
    if len(characters) != sum(character.isalnum() for part in written for character in part):
        return drawn
    following = iter(characters)
    return TRUNK.join("".join(next(following) if c.isalnum() else c for c in part) for part in written)


def _move(persona: Persona, country: str) -> Persona:
    from goldspan.generators.surrogates.checkdigits import IBAN_PATTERNS

    return replace(persona, country=country) if country in IBAN_PATTERNS else persona
