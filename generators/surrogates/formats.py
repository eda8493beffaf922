"""How a country writes dates, times and money."""

from __future__ import annotations

from datetime import date
from random import Random

from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.world import load_data

_TIMES_EURO = {"DK": 7.5, "MX": 9.0}
"""About how much of the currency is spent where a euro would be."""


def name_month(month: int, language: str) -> str:
    """A month (1 to 12) in a language."""
    return str(load_data("writing")["months"][language][month - 1])


def write_long_date(day: date, language: str, country: str) -> str:
    """A date with the month's name: `3 March 1988`, `3. März 1988`."""
    month = name_month(day.month, language)
    if country == "US":
        return f"{month} {day.day}, {day.year}"
    number = "1er" if language == "fr" and day.day == 1 else str(day.day)
    return str(load_data("writing")["long_dates"][language]).format(number, month, day.year)


def write_short_date(day: date, language: str, country: str) -> str:
    """A date in digits."""
    return day.strftime("%m/%d/%Y" if country == "US" else load_data("writing")["short_dates"][language])


def write_birth_date(rng: Random, day: date, language: str, country: str) -> str:
    """A date of birth: in digits, with the month's name, or as ISO 8601 has it."""
    kind = rng.random()
    if kind < 0.45:
        return write_short_date(day, language, country)
    return write_long_date(day, language, country) if kind < 0.9 else day.isoformat()


def write_number(value: float, country: str, decimals: int = 2) -> str:
    """A number with the country's separators."""
    text = f"{value:,.{decimals}f}"
    if country in {"US", "GB", "MX"}:
        return text
    thousands = {"CH": "'", "FR": " ", "AT": " "}.get(country, ".")
    comma = "." if country == "CH" else ","
    return text.replace(",", "\0").replace(".", comma).replace("\0", thousands)


def write_amount(rng: Random, country: str, low: float = 0, high: float = 0) -> str:
    """A sum of money in the country's currency: between `low` and `high` euros, else small, middling or large."""
    ranges = ((low, high),) if high else ((4, 99), (80, 990), (900, 4800))
    value = rng.uniform(*pick(rng, ranges)) * _TIMES_EURO.get(country, 1)
    decimals = 0 if rng.random() < 0.3 else 2
    return str(load_data("writing")["amounts"][country]).format(write_number(value, country, decimals))


def write_time(rng: Random, country: str, first: int = 7, last: int = 21) -> str:
    """A time of day, of the hours from `first` to `last`."""
    return format_time(rng.randint(first, last), pick(rng, (0, 5, 10, 15, 20, 30, 40, 45, 50)), country)


def format_time(hour: int, minute: int, country: str) -> str:
    """A time of day, as the country writes it."""
    if country == "US":
        return f"{(hour - 1) % 12 + 1}:{minute:02d} {'am' if hour < 12 else 'pm'}"
    if country == "FR":
        return f"{hour} h {minute:02d}"
    return f"{hour}{'.' if country == 'DK' else ':'}{minute:02d}"
