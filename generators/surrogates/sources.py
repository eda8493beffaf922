"""Values of labels that say themselves where their values come from: pattern, list, Faker, function."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.metadata import entry_points
from random import Random
from typing import TYPE_CHECKING

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import Label
from goldspan.annotation.labels.values import load_terms, matches_pattern

if TYPE_CHECKING:
    from faker import Faker

GROUP = "goldspan.values"
"""Entry points of functions that draw values: `function(rng, language, country) -> str`."""

MODEL = "model"
_ATTEMPTS = 20
_LOCALES = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "nl": "nl_NL", "da": "da_DK", "it": "it_IT"}
_Draw = Callable[[Random, str, str], str]


def has_own_source(label: Label) -> bool:
    """True if the label says where its values come from; a language model that invents them counts too."""
    return bool(label.values) or bool(label.pattern or label.terms or label.terms_file)


def draw_from_source(rng: Random, label: Label, language: str, country: str) -> str:
    """A value from the label's own source; empty if a language model has to invent it.

    The source is `values`, else the pattern, else the terms. Equal random state gives an equal value.

    Raises:
        ConfigurationError: the source gives no value that fits its own pattern, or Faker has no such provider.
        SchemaError: the terms or the pattern cannot be read.
        UnknownNameError: there is no such function.
    """
    source = label.values or ("pattern" if label.pattern else "list")
    if source == MODEL:
        return ""
    if source == "pattern":
        return _draw_by_regex(rng, label)
    if source == "list":
        terms = load_terms(label)
        return terms[rng.randrange(len(terms))]
    if source == "faker":
        return _draw_by_faker(rng, label, language, country)
    return _find_function(label.function)(rng, language, country)


def _draw_by_regex(rng: Random, label: Label) -> str:
    from rstr import Rstr

    maker = Rstr(rng)
    for _ in range(_ATTEMPTS):
        try:
            value = maker.xeger(label.pattern)
        except (ValueError, KeyError, IndexError, RecursionError) as error:
            raise ConfigurationError(
                f"No value can be made from the pattern of {label.code}: {error}. Use a simpler one, or a list."
            ) from None
        if value.strip() == value != "" and value.isprintable() and matches_pattern(label, value):
            return value
    raise ConfigurationError(f'No value made from the pattern of {label.code} matched it; use values = "list".')


def _draw_by_faker(rng: Random, label: Label, language: str, country: str) -> str:
    """A value of a Faker provider; `name` comes without the titles and degrees that Faker adds in some languages."""
    fake = _open_faker(_LOCALES.get(language, "en_US"))
    fake.seed_instance(rng.getrandbits(64))
    try:
        value = f"{fake.first_name()} {fake.last_name()}" if label.faker == "name" else getattr(fake, label.faker)()
    except (AttributeError, TypeError) as error:
        raise ConfigurationError(
            f"The Faker provider {label.faker!r} of {label.code} gives no value: {error}."
        ) from None
    if not isinstance(value, str | int | float | Decimal | date) or not str(value).strip():
        raise ConfigurationError(f"The Faker provider {label.faker!r} of {label.code} gives no text.")
    return " ".join(str(value).split())


@cache
def _open_faker(locale: str) -> Faker:
    from faker import Faker

    return Faker(locale)


@cache
def _find_function(name: str) -> _Draw:
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise UnknownNameError("function of values", name, found, f"Functions register under {GROUP!r}.")
    function: _Draw = found[name].load()
    return function
