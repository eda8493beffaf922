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

from goldspan.generators.surrogates.chance import fill_pattern, pick

COUNTRIES: dict[str, tuple[str, ...]] = {
    "en": ("US", "GB"),
    "de": ("DE", "AT", "CH"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX"),
    "nl": ("NL", "BE"),
    "da": ("DK",),
}
"""Countries (ISO 3166-1 alpha-2) that texts of a language come from, the likeliest first."""

_NOT_NAMES = frozenset(
    {
        "April",
        "August",
        "Bill",
        "Christian",
        "Drew",
        "Grant",
        "Guy",
        "Mark",
        "May",
        "Summer",
        "Will",
        "Abril",
        "Domingo",
        "Faith",
    }
)
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


def _find_region(table: dict[str, Any], country: str, language: str) -> Any:
    return table.get(f"{country}_{language}", table.get(country))


@cache
def load_places(country: str, language: str) -> tuple[Place, ...]:
    """Cities of a country's part that speaks the language."""
    return tuple(Place(*entry.split("|")) for entry in _find_region(load_data("places"), country, language))


def draw_postcode(rng: Random, place: Place) -> str:
    """A postcode of the place."""
    return fill_pattern(rng, place.postcode, letters="ABDEFGHJLNPRSTUWXYZ")


def draw_street(rng: Random, country: str, language: str) -> str:
    """A street name without number."""
    parts = _find_region(load_data("streets"), country, language)
    if parts.get("whole") and rng.random() < 0.15:
        return str(pick(rng, parts["whole"]))
    left, right = pick(rng, parts["left"]), pick(rng, parts["right"])
    return (
        f"{left}{right.capitalize()}" if left.endswith(" ") and right.islower() and language == "de" else left + right
    )


def draw_company(rng: Random, country: str, language: str) -> str:
    """An invented company; half of them without their legal form."""
    companies = load_data("world")["companies"]
    form = str(pick(rng, _find_region(companies, country, language)))
    return form.replace("{}", pick(rng, companies["stems"]))


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


def find_country(name: str, country: str, language: str) -> CountryName:
    """A country's name with its prepositions; an unknown one gets the language's usual ones."""
    names = _load_country_names(language, country)
    known = next((entry for entry in names if entry.name == name), None)
    return known or CountryName(name, "", *load_data("world")["before"][language])


@cache
def _load_names(language: str, country: str) -> dict[str, tuple[str, ...]]:
    provider = importlib.import_module(f"faker.providers.person.{language}_{country}").Provider
    lists = {"f": provider.first_names_female, "m": provider.first_names_male, "last": provider.last_names}
    return {key: tuple(dict.fromkeys(name for name in names if _is_usable(name))) for key, names in lists.items()}


def _is_usable(name: str) -> bool:
    return name not in _NOT_NAMES and _NAME.fullmatch(name) is not None


def find_genders(name: str, language: str, country: str) -> frozenset[str]:
    """The genders (`f`, `m`) that bear a given name in a country; empty if it is not in the lists."""
    names = _load_names(language, country)
    return frozenset(gender for gender in "fm" if name in names[gender])


def draw_first_name(rng: Random, language: str, country: str, gender: str) -> str:
    """A given name; one in twelve is double."""
    names = _load_names(language, country)[gender]
    name = pick(rng, names)
    if rng.random() < 0.08 and language in {"de", "fr", "es", "da"} and "-" not in name and " " not in name:
        second = pick(rng, names)
        joint = "-" if language in {"de", "fr"} else " "
        if second != name and "-" not in second and " " not in second and len(name + second) < 16:
            return f"{name}{joint}{second}"
    return name


def draw_surname(rng: Random, language: str, country: str) -> str:
    """A family name; Spanish ones are often two, some German ones joined."""
    names = _load_names(language, country)["last"]
    name = pick(rng, names)
    if language == "es" and rng.random() < 0.5:
        return f"{name} {pick(rng, names)}"
    return f"{name}-{pick(rng, names)}" if language in {"de", "en"} and rng.random() < 0.05 else name
