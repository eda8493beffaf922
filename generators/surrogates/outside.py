"""Names that a text mentions beside its own values: those of others, and parts of names that are no entities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from goldspan.generators.surrogates import world
from goldspan.generators.surrogates.chance import CAPITALS, pick
from goldspan.generators.surrogates.companies import draw_product, make_company
from goldspan.generators.surrogates.online import draw_username

COMMON = {"names": 240, "cities": 110, "companies": 90}
"""How many of the likeliest names of each kind are mentioned or parts of other names."""
_LISTED = 240
"""How many of the likeliest names of each kind stand in lists of names."""
_ABROAD_SHARE = 0.12
"""How often somebody or some place that is mentioned is of another country."""
_WORLD_SHARE = 0.5
"""How often a city that is mentioned is one of those that all the world knows."""
_KNOWN_SHARE = 0.7
"""How often a country that is mentioned is one of those that people name most."""
_KNOWN_PRODUCT_SHARE = 0.05
_INITIAL_SHARE = 0.05
"""How often a given name is followed by the initial of a second one."""


def draw_mention(rng: Random, kind: str, language: str, country: str) -> tuple[tuple[str, str], ...]:
    """A name of somebody or something else, as pairs of a label and its value; a blank belongs between them.

    `kind` is Person, Family, First, City, Town, Dateline, Place (a city and its country), Region (and its state),
    State, Country, Street, House, Age, Handle, Company, one that exists (Brand, Body, Media, Team), or one without a
    label (empty): Product or Term (a name of files and machines). A country may have its preposition or article before
    it: `in:Country`, `from:Country`, `the:Country`; a body has its article. `m:Person` and `m:First` are names of men.
    """
    if kind.endswith(":Country"):
        return _draw_country_after(rng, kind.removesuffix(":Country"), language, country)
    genders = "m" if kind.startswith("m:") else "fm"
    if kind.removeprefix("m:") in {"Person", "Family", "First", "City"} and rng.random() < _ABROAD_SHARE:
        if kind == "City" and rng.random() < 0.5:
            return (("CITY", pick(rng, world.load_mentioned("cities", language))),)
        kind = "Town" if kind == "City" else kind
        language, country = pick(rng, [(code, place) for code, places in world.COUNTRIES.items() for place in places])
    if kind.endswith("Person"):
        given = _draw_given(rng, language, country, genders)
        return (("FIRSTNAME", given), _draw_family(rng, language, country))
    if kind.endswith("First"):
        return (("FIRSTNAME", _pick_name(rng, language, country, pick(rng, genders))),)
    if kind == "Family":
        return (_draw_family(rng, language, country),)
    if kind == "Body":
        article, _, name = pick(rng, world.load_mentioned("bodies", language)).rpartition("|")
        return (("", article), ("COMPANYNAME", name)) if article else (("COMPANYNAME", name),)
    if kind == "Place":
        city, _, state = pick(rng, world.load_mentioned("places", language)).partition(", ")
        return (("CITY", city), ("", ","), ("COUNTRY", state))
    if kind == "Region":
        place = pick(rng, world.load_places(country, language)[: COMMON["cities"]])
        return (("CITY", place.city), ("", ","), ("STATE", place.state))
    label, draw = _MAKERS[kind]
    return ((label, draw(rng, language, country)),)


def draw_name_part(rng: Random, kind: str, language: str, country: str) -> str:
    """A name that is only part of another one, as of a product or a method: Family, First, City or Company."""
    if kind == "City":
        return _pick_city(rng, language, country)
    if kind == "Company":
        return make_company(country, language, rng.randrange(COMMON["companies"]))
    return _pick_name(rng, language, country, "last" if kind == "Family" else pick(rng, "fm"))


def draw_name_parts(rng: Random, kind: str, language: str, country: str, count: int) -> list[str]:
    """Up to `count` different names of a kind: First, Family or City."""
    names = world.load_names(language, country)
    places = [place.city for place in world.load_places(country, language)]
    pools: dict[str, tuple[Sequence[str], ...]] = {
        "First": (names["f"], names["m"]),
        "Family": (names["last"],),
        "City": (places, world.load_mentioned("cities", language)),
    }
    pool = list(dict.fromkeys(name for pool in pools[kind] for name in pool[:_LISTED]))
    return rng.sample(pool, min(count, len(pool)))


def _draw_given(rng: Random, language: str, country: str, genders: str) -> str:
    given = _pick_name(rng, language, country, pick(rng, genders))
    return f"{given} {pick(rng, CAPITALS)}." if rng.random() < _INITIAL_SHARE else given


def _draw_family(rng: Random, language: str, country: str) -> tuple[str, str]:
    return "SURNAME", _pick_name(rng, language, country, "last")


def _pick_name(rng: Random, language: str, country: str, key: str) -> str:
    """One of the likelier names of the country's lists, all as likely."""
    return pick(rng, world.load_names(language, country)[key][: COMMON["names"]])


def _pick_city(rng: Random, language: str, country: str) -> str:
    return pick(rng, world.load_places(country, language)[: COMMON["cities"]]).city


def _draw_country_after(rng: Random, form: str, language: str, country: str) -> tuple[tuple[str, str], ...]:
    name = world.draw_known_country(rng, language, country)
    before = {"in": name.inside, "from": name.origin, "the": name.article}[form]
    return (("", before), ("COUNTRY", name.name)) if before else (("COUNTRY", name.name),)


def _draw_country(rng: Random, language: str, country: str) -> str:
    if rng.random() < _KNOWN_SHARE:
        return world.draw_known_country(rng, language, country).name
    return pick(rng, world.load_countries(language))


def _draw_city(rng: Random, language: str, country: str) -> str:
    if rng.random() < _WORLD_SHARE:
        return pick(rng, world.load_mentioned("cities", language))
    return _pick_city(rng, language, country)


def _draw_handle(rng: Random, language: str, country: str) -> str:
    name = draw_username(
        rng, _pick_name(rng, language, country, pick(rng, "fm")), _pick_name(rng, language, country, "last")
    )
    return f"@{name.removeprefix('@')}"


def _draw_thing(rng: Random, language: str, country: str) -> str:
    """A product; in English, whose articles fit any, now and then one that exists."""
    is_known = language == "en" and rng.random() < _KNOWN_PRODUCT_SHARE
    return pick(rng, world.load_mentioned("products", language)) if is_known else draw_product(rng)


_MAKERS: dict[str, tuple[str, Callable[[Random, str, str], str]]] = {
    "City": ("CITY", _draw_city),
    "Town": ("CITY", _pick_city),
    "Dateline": ("CITY", lambda rng, language, country: _draw_city(rng, language, country).upper()),
    "State": ("STATE", lambda rng, language, country: pick(rng, world.load_places(country, language)[:110]).state),
    "Country": ("COUNTRY", _draw_country),
    "Street": ("STREET", lambda rng, language, country: world.draw_street(rng, country, language)),
    "House": ("BUILDINGNUM", lambda rng, language, country: str(rng.randint(1, 180))),
    "Age": ("AGE", lambda rng, language, country: str(rng.randint(18, 94))),
    "Handle": ("USERNAME", _draw_handle),
    "Company": (
        "COMPANYNAME",
        lambda rng, language, country: make_company(country, language, rng.randrange(COMMON["companies"])),
    ),
    "Brand": ("COMPANYNAME", lambda rng, language, country: pick(rng, world.load_mentioned("companies", language))),
    "Media": ("COMPANYNAME", lambda rng, language, country: pick(rng, world.load_mentioned("media", language))),
    "Team": ("COMPANYNAME", lambda rng, language, country: pick(rng, world.load_mentioned("teams", language))),
    "Product": ("", _draw_thing),
    "Term": ("", lambda rng, language, country: draw_product(rng).split()[0].lower()),
}
"""Kinds of one value: its label and how it is drawn."""
