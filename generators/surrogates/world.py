"""What surrogate values are made of: places, streets, companies, people's names, by country."""

from __future__ import annotations

import importlib
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from goldspan.generators.surrogates.chance import SKEW, fill_pattern, make_random, mix, pick, pick_skewed

COUNTRIES: dict[str, tuple[str, ...]] = {
    "en": ("US", "GB"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX"),
    "nl": ("NL", "BE"),
    "da": ("DK",),
}
"""Countries (ISO 3166-1 alpha-2) that texts of a language come from, the likeliest first."""

FOREIGN = ("tr_TR", "pl_PL", "it_IT", "pt_BR", "ro_RO", "sv_SE", "en_IN", "hr_HR", "id_ID", "en_NG", "fi_FI", "hu_HU")
"""Faker's lists of names from elsewhere, that people of every country bear."""
FOREIGN_SHARE = 0.12
WORD_SHARE = 0.04
WORD_SHARES = {"da": 0.3}
"""Share of family names that are also words or places; Faker's list of Danish ones is short."""

_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ '-]+")
_NAME = re.compile(r"[^\W\d_]{2,}(?:[ '-][^\W\d_]{2,})*")


class Place(NamedTuple):
    """A city with the state it lies in and the pattern of its postcodes."""

    city: str
    state: str
    postcode: str


@dataclass(frozen=True, slots=True)
class CountryName:
    """A country's name with the words before it: its article, and "in" and "from"."""

    name: str
    article: str
    inside: str
    origin: str


@cache
def load_data(name: str) -> dict[str, Any]:
    """One of the TOML files beside this module."""
    path = Path(__file__).with_name("data") / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def find_region(table: dict[str, Any], country: str, language: str) -> Any:
    """What a table has for a country's part that speaks a language, else for the country."""
    return table.get(f"{country}_{language}", table.get(country))


@cache
def load_places(country: str, language: str) -> tuple[Place, ...]:
    """Cities of a country's part that speaks the language; those whose state and postcode are known best come first."""
    table = load_data("places")
    key = f"{country}_{language}" if f"{country}_{language}" in table else country
    known = [Place(*entry.split("|")) for entry in table[key]]
    listed = [place for place in _load_cities().get(key, ()) if place.city not in {place.city for place in known}]
    return (*mix(known), *mix(listed))


@cache
def _load_cities() -> dict[str, list[Place]]:
    """Cities of GeoNames (CC BY 4.0) by key of `places.toml`."""
    path = Path(__file__).with_name("data") / "cities.tsv"
    cities: dict[str, list[Place]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            region, *place = line.split("\t")
            cities.setdefault(region, []).append(Place(*place))
    return cities


def draw_postcode(rng: Random, place: Place) -> str:
    """A postcode of the place."""
    return fill_pattern(rng, place.postcode, letters="ABDEFGHJLNPRSTUWXYZ")


STREETS = 600
"""Streets of a country; the same number is always the same street."""


def draw_street(rng: Random, country: str, language: str) -> str:
    """A street name without number, the first ones of the country's pool likelier."""
    return make_street(country, language, int(STREETS * rng.random() ** SKEW))


@cache
def make_street(country: str, language: str, number: int) -> str:
    """The street of a number in a country's pool."""
    rng = make_random(7, number, "street", country, language)
    parts = find_region(load_data("streets"), country, language)
    if parts.get("whole") and rng.random() < 0.15:
        return str(pick(rng, parts["whole"]))
    if rng.random() < 0.5:
        return _name_street(rng, country, language)
    left, right = pick(rng, parts["left"]), pick(rng, parts["right"])
    return (
        f"{left}{right.capitalize()}" if left.endswith(" ") and right.islower() and language == "de" else left + right
    )


def _name_street(rng: Random, country: str, language: str) -> str:
    """A street that bears somebody's name, a number or the name of a place."""
    first = draw_first_name(rng, language, country, pick(rng, "fm"))
    form = str(pick(rng, find_region(load_data("names")["streets"], country, language)))
    family = pick_skewed(rng, load_names(language, country)["last"])
    city = pick_skewed(rng, load_places(country, language)).city
    return form.format(first=first, last=family, city=city, number=rng.randint(2, 98))


@cache
def _load_country_names(language: str, country: str) -> tuple[CountryName, ...]:
    world = load_data("world")
    inside, origin = world["before"][language]
    entries = [world["home"][f"{language}_{country}"], *world["countries"][language]]
    names = []
    for entry in entries:
        parts = [*entry.split("|"), "", "", ""]
        names.append(CountryName(parts[0], parts[1], parts[2] or inside, parts[3] or origin))
    return tuple(names)


def draw_country(rng: Random, country: str, language: str) -> str:
    """The name of the country itself or, more often, of another one."""
    names = _load_country_names(language, country)
    return names[0].name if rng.random() < 0.3 else pick(rng, names[1:]).name


MENTIONED = ("cities", "places", "companies", "bodies", "media", "teams", "products")
"""Kinds of names that texts mention beside those that persons of a spec have."""
_COUNTRY_LISTS = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "nl": "nl_NL", "da": "da_DK"}
_LONGEST_COUNTRY = 22


@cache
def load_mentioned(kind: str, language: str) -> tuple[str, ...]:
    """Names of one of the kinds `MENTIONED` in the language."""
    entry = load_data("world")["mentioned"][kind]
    listed = entry[language] if isinstance(entry, dict) else entry
    names = [name.strip() for name in listed.split("; " if "; " in listed else ", ")]
    return mix(tuple(dict.fromkeys(names)))


@cache
def load_countries(language: str) -> tuple[str, ...]:
    """Nearly all countries in the language, as Faker lists them; their articles are not known."""
    provider = importlib.import_module(f"faker.providers.address.{_COUNTRY_LISTS[language]}").Provider
    names = (name for name in provider.countries if _LATIN.fullmatch(name) and len(name) <= _LONGEST_COUNTRY)
    return mix(tuple(dict.fromkeys(names)))


def draw_known_country(rng: Random, language: str, country: str) -> CountryName:
    """One of the countries that people name most, with the words before it."""
    return pick(rng, _load_country_names(language, country))


def find_country(name: str, country: str, language: str) -> CountryName:
    """A country's name with its prepositions; an unknown one gets the language's usual ones."""
    names = _load_country_names(language, country)
    known = next((entry for entry in names if entry.name.casefold() == name.casefold()), None)
    return known or CountryName(name, "", *load_data("world")["before"][language])


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@cache
def load_names(language: str, country: str) -> dict[str, tuple[str, ...]]:
    """Given names (`f`, `m`) and family names (`last`) of a country, the likeliest first."""
    provider = importlib.import_module(f"faker.providers.person.{language}_{country}").Provider
    lists = {"f": provider.first_names_female, "m": provider.first_names_male, "last": provider.last_names}
    return {key: mix(tuple(dict.fromkeys(name for name in names if _is_usable(name)))) for key, names in lists.items()}


@cache
def _load_foreign_names() -> dict[str, tuple[str, ...]]:
    """Names of people from elsewhere, in Latin letters that every country's registers write."""
    names: dict[str, list[str]] = {"f": [], "m": [], "last": []}
    for locale in FOREIGN:
        provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
        for key, field in (("f", "first_names_female"), ("m", "first_names_male"), ("last", "last_names")):
            names[key] += [str(name) for name in getattr(provider, field, ()) if isinstance(name, str)]
    return {
        key: mix(tuple(dict.fromkeys(name for name in listed if _is_usable(name) and _LATIN.fullmatch(name))))
        for key, listed in names.items()
    }


@cache
def list_known_names() -> frozenset[str]:
    """Names in all our languages, and each word of those of persons, cities and countries.

    Case-folded. What is not listed may be a name all the same.
    """
    groups = list(_load_foreign_names().values())
    whole: list[str] = []
    for language, countries in COUNTRIES.items():
        for kind in MENTIONED:
            names = [name.rpartition("|")[2] for name in load_mentioned(kind, language)]
            whole += [part for name in names for part in (name, *name.split(", "))]
        groups += [load_mentioned("cities", language), load_countries(language), load_data("names")["words"][language]]
        for country in countries:
            whole += [name.name for name in _load_country_names(language, country)]
            groups += load_names(language, country).values()
            groups.append(tuple(place.city for place in load_places(country, language)))
    listed = [name.casefold() for group in groups for name in group]
    words = (word for name in listed for word in _WORD.findall(name) if len(word) > 1)
    return frozenset([*listed, *words, *(name.casefold() for name in whole)])


def _is_usable(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def find_genders(name: str, language: str, country: str) -> frozenset[str]:
    """The genders (`f`, `m`) that bear a given name in a country; empty if it is not in the lists."""
    names = load_names(language, country)
    return frozenset(gender for gender in "fm" if name in names[gender])


def draw_first_name(rng: Random, language: str, country: str, gender: str) -> str:
    """A given name; one in twelve is double."""
    if rng.random() < FOREIGN_SHARE:
        return pick_skewed(rng, _load_foreign_names()[gender])
    names = load_names(language, country)[gender]
    name = pick_skewed(rng, names)
    if rng.random() < 0.08 and language in {"de", "fr", "es", "da"} and "-" not in name and " " not in name:
        second = pick(rng, names)
        joint = "-" if language in {"de", "fr"} else " "
        if second != name and "-" not in second and " " not in second and len(name + second) < 16:
            return f"{name}{joint}{second}"
    return name


def draw_surname(rng: Random, language: str, country: str) -> str:
    """A family name; some are foreign, some are words; Spanish ones are often two, some German ones joined."""
    if rng.random() < FOREIGN_SHARE:
        return pick_skewed(rng, _load_foreign_names()["last"])
    if rng.random() < WORD_SHARES.get(language, WORD_SHARE):
        return str(pick(rng, load_data("names")["words"][language]))
    names = load_names(language, country)["last"]
    name = pick_skewed(rng, names)
    if language == "es" and rng.random() < 0.5:
        return f"{name} {pick(rng, names)}"
    return f"{name}-{pick(rng, names)}" if language in {"de", "en"} and rng.random() < 0.05 else name
