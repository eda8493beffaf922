"""Invented companies: a wide, fixed pool for each country, with legal form, branch word or family name, or without."""

from __future__ import annotations

from functools import cache
from random import Random

from goldspan.generators.surrogates import world
from goldspan.generators.surrogates.chance import SKEW, make_random, pick

POOL = 500
"""Companies of a country; the same number is always the same company."""
_ENDINGS = ("", "", "a", "ara", "el", "eon", "ino", "is", "ix", "o", "um", "ux")
"""What products end with."""


def draw_company(rng: Random, country: str, language: str) -> str:
    """A company of the country's pool, the first ones likelier."""
    return make_company(country, language, int(POOL * rng.random() ** SKEW))


def draw_product(rng: Random) -> str:
    """An invented product: a word and often a number."""
    parts = _load_parts()
    word = pick(rng, parts["left"]) + pick(rng, parts["right"]) + pick(rng, _ENDINGS)
    return f"{word} {rng.choice((rng.randint(2, 9) * 100, rng.randint(2, 30), 'Pro', 'XL', 'mini'))}"


@cache
def make_company(country: str, language: str, number: int) -> str:
    """The company of a number in a country's pool."""
    rng = make_random(7, number, "company", country, language)
    parts, trades = _load_parts(), _split(world.load_data("names")["trades"][language])
    family = world.draw_surname(rng, language, country)
    word = pick(rng, parts["left"]) + pick(rng, parts["right"])
    kind = rng.random()
    if kind < 0.3:
        form = str(pick(rng, world.find_region(world.load_data("world")["companies"], country, language)))
        return form.replace("{}", word if rng.random() < 0.7 else family)
    if kind < 0.42:
        return f"{family} {pick(rng, parts['pairs'])} {world.draw_surname(rng, language, country)}"
    if kind < 0.55:
        trade = pick(rng, trades)
        return f"{trade} {family}" if language in {"fr", "es", "de", "nl"} else f"{family} {trade}"
    if kind < 0.67:
        return word
    if kind < 0.77:
        return f"{pick(rng, parts['nouns'])} {pick(rng, trades)}"
    if kind < 0.85:
        return f"{pick(rng, parts['nouns'])}{pick(rng, parts['nouns']).lower()}"
    if kind < 0.92:
        return f"{family}-{world.draw_surname(rng, language, country)}"
    if kind < 0.96:
        return "".join(pick(rng, "ABCDEFGHKLMNPRSTVW") for _ in range(rng.randint(3, 4)))
    return f"{pick(rng, parts['nouns'])} {pick(rng, parts['pairs'])} {pick(rng, parts['nouns'])}"


@cache
def _load_parts() -> dict[str, tuple[str, ...]]:
    return {name: _split(words) for name, words in world.load_data("names")["companies"].items()}


@cache
def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(","))
