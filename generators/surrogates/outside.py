"""Names of people, places and companies that a text names without being about them: they are no personal data."""

from __future__ import annotations

from random import Random

from goldspan.generators.surrogates import world
from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.companies import draw_product, make_company

COMMON = {"names": 200, "cities": 80, "companies": 70, "streets": 80}
"""How many of the likeliest names of each kind stand outside entities: those that entities have most often."""


def draw_name_outside(rng: Random, kind: str, language: str, country: str) -> str:
    """A name from the lists that persons, places and employers come from.

    `kind` is Person, Family, First, Company, City, Country, Street, Product or Term (a name of files and machines).
    """
    if kind == "City":
        return pick(rng, world.load_places(country, language)[: COMMON["cities"]]).city
    if kind == "Company":
        return make_company(country, language, rng.randrange(COMMON["companies"]))
    if kind == "Country":
        return world.draw_country(rng, country, language)
    if kind == "Product":
        return draw_product(rng)
    if kind == "Term":
        return draw_product(rng).split()[0].lower()
    if kind == "Street":
        return world.make_street(country, language, rng.randrange(COMMON["streets"]))
    names = world.load_names(language, country)
    family = pick(rng, names["last"][: COMMON["names"]])
    if kind == "Family":
        return family
    first = pick(rng, names[pick(rng, "fm")][: COMMON["names"] // 2])
    return first if kind == "First" else f"{first} {family}"
