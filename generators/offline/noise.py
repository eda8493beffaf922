"""Text that is not personal data: dates, sums, order numbers, numbers that look like an identifier."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from goldspan.generators.surrogates.chance import CAPITALS, draw_digits, draw_from, fill_pattern, pick
from goldspan.generators.surrogates.checkdigits import luhn_digit
from goldspan.generators.surrogates.formats import (
    name_month,
    write_amount,
    write_long_date,
    write_number,
    write_short_date,
    write_time,
)
from goldspan.generators.surrogates.values import TODAY


def _draw_day(rng: Random, language: str, country: str, long: bool) -> str:
    day = TODAY - timedelta(days=rng.randint(2, 900))
    return (write_long_date if long else write_short_date)(day, language, country)


def _draw_near_card(rng: Random) -> str:
    """Sixteen digits that fail Luhn's check: a parcel number, no card."""
    body = pick(rng, "36789") + draw_digits(rng, 14)
    return body + pick(rng, "0123456789".replace(luhn_digit(body), ""))


def _draw_month(rng: Random, language: str) -> str:
    return f"{name_month(rng.randint(1, 12), language)}{' de' if language == 'es' else ''} {rng.randint(2023, 2026)}"


_MAKERS: dict[str, Callable[[Random, str, str], str]] = {
    "date": lambda rng, language, country: _draw_day(rng, language, country, long=True),
    "day": lambda rng, language, country: _draw_day(rng, language, country, long=False),
    "future": lambda rng, language, country: write_long_date(
        TODAY + timedelta(days=rng.randint(5, 400)), language, country
    ),
    "salary": lambda rng, language, country: write_amount(rng, country, 1900, 5200),
    "rent": lambda rng, language, country: write_amount(rng, country, 480, 1900),
    "month": lambda rng, language, country: _draw_month(rng, language),
    "time": lambda rng, language, country: write_time(rng, country),
    "amount": lambda rng, language, country: write_amount(rng, country),
    "order": lambda rng, language, country: fill_pattern(
        rng, pick(rng, ("A-#######", "%#######", "@@-####-##", "WEB%######"))
    ),
    "ticket": lambda rng, language, country: pick(rng, ("#{}", "T-{}", "CASE-{}", "{}")).format(draw_digits(rng, 5)),
    "invoice": lambda rng, language, country: (
        f"{pick(rng, ('R', 'F', 'INV', 'RE'))}-{rng.randint(2023, 2026)}-{draw_digits(rng, 4)}"
    ),
    "tracking": lambda rng, language, country: _draw_near_card(rng),
    "version": lambda rng, language, country: f"{rng.randint(2, 14)}.{rng.randint(0, 9)}.{rng.randint(0, 20)}",
    "model": lambda rng, language, country: f"{draw_from(rng, CAPITALS, 2)}-{rng.randint(100, 990)}",
    "count": lambda rng, language, country: str(rng.randint(2, 15)),
    "hours": lambda rng, language, country: str(rng.randint(3, 7)),
    "discount": lambda rng, language, country: str(rng.randint(2, 5)),
    "percent": lambda rng, language, country: str(rng.randint(2, 9) * 5),
    "rate": lambda rng, language, country: write_number(rng.uniform(1.2, 9.8), country, 1),
    "year": lambda rng, language, country: str(rng.randint(2015, 2026)),
    "room": lambda rng, language, country: f"{rng.randint(1, 4)}.{rng.randint(10, 38)}",
}

KINDS = frozenset(_MAKERS)


def draw_noise(rng: Random, kind: str, language: str, country: str) -> str:
    """Something of the kind, as the country writes it."""
    return _MAKERS[kind](rng, language, country)
