"""Names of people, places and companies that a text names without being about them: they are no personal data."""

from __future__ import annotations

from random import Random

from goldspan.generators.surrogates import world
from goldspan.generators.surrogates.chance import pick, pick_skewed
from goldspan.generators.surrogates.companies import draw_company


def draw_name_outside(rng: Random, kind: str, language: str, country: str) -> str:
    """A name from the lists that persons, places and employers come from.

    `kind` is Person, Family, First, Company, City or Country.
    """
    if kind == "City":
        return pick_skewed(rng, world.load_places(country, language)).city
    if kind == "Company":
        return draw_company(rng, country, language)
    if kind == "Country":
        return world.draw_country(rng, country, language)
    family = world.draw_surname(rng, language, country)
    if kind == "Family":
        return family
    first = world.draw_first_name(rng, language, country, pick(rng, "fm"))
    return first if kind == "First" else f"{first} {family}"
