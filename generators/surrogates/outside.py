"""Names of people, places and companies that a text names without being about them: they are no personal data."""

from __future__ import annotations

from random import Random

from goldspan.generators.surrogates import world
from goldspan.generators.surrogates.chance import pick, pick_skewed
from goldspan.generators.surrogates.companies import draw_company, draw_product

_EVEN_SHARE = 0.45
"""How often every city is equally likely, so that seldom ones stand outside entities too."""


def draw_name_outside(rng: Random, kind: str, language: str, country: str) -> str:
    """A name from the lists that persons, places and employers come from.

    `kind` is Person, Family, First, Company, City, Country, Street or Product.
    """
    if kind == "City":
        choose = pick if rng.random() < _EVEN_SHARE else pick_skewed
        return choose(rng, world.load_places(country, language)).city
    if kind == "Company":
        return draw_company(rng, country, language)
    if kind == "Country":
        return world.draw_country(rng, country, language)
    if kind == "Product":
        return draw_product(rng)
    if kind == "Street":
        return world.draw_street(rng, country, language)
    family = world.draw_surname(rng, language, country)
    if language == "es" and rng.random() < 0.5:
        family = family.rsplit(" ", 1)[-1]
    if kind == "Family":
        return family
    first = world.draw_first_name(rng, language, country, pick(rng, "fm"))
    return first if kind == "First" else f"{first} {family}"
