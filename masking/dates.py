"""Dates as people write them: read one, and write another in the same form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import regex

from goldspan.annotation.text.words import fold
from goldspan.generators.surrogates.world import load_data

_TOKEN = regex.compile(r"\d+|\p{L}+\.?")
_ORDINALS = frozenset({"st", "nd", "rd", "th"})
_FILLERS = frozenset({"de", "del", "of", "den", "the", "le", "el", "am", "er"}) | _ORDINALS
_PIVOT = 30
"""Two-digit years up to this one are of this century, later ones of the last."""


@dataclass(frozen=True, slots=True)
class WrittenDate:
    """A date and the form it is written in: literal text and parts, in turn."""

    day: date
    pieces: tuple[str | DatePart, ...]

    def write(self, day: date) -> str:
        """Another day in the same form."""
        written = "".join(piece if isinstance(piece, str) else piece.write(day) for piece in self.pieces)
        return _fix_ordinals(written, day)


@dataclass(frozen=True, slots=True)
class DatePart:
    """One part of a written date: `field` is `Y`, `M` or `D`, `language` that of a month's name.

    `padded` says that days and months below 10 are written with a zero.
    """

    field: str
    text: str
    language: str = ""
    padded: bool = False

    def write(self, day: date) -> str:
        """The part for another day, in the form of the original."""
        if self.field == "M" and not self.text[0].isdecimal():
            return self._write_month(day.month)
        if self.field == "Y":
            return f"{day.year % 100:02d}" if len(self.text) == 2 else f"{day.year:04d}"
        value = day.month if self.field == "M" else day.day
        return f"{value:02d}" if self.padded else str(value)

    def _write_month(self, month: int) -> str:
        name = _load_months(self.language)[month - 1]
        bare = self.text.rstrip(".")
        if fold(bare) not in map(fold, _load_months(self.language)):
            name = name[: len(bare)] + self.text[len(bare) :]
        if bare.isupper():
            return name.upper()
        return name.capitalize() if bare[0].isupper() else name


def parse_date(text: str, language: str = "", country: str = "") -> WrittenDate | None:
    """A date with day, month and year; None if the text is not one.

    `3/4/1988` is the 4th of March in the United States, and where neither language nor country is known; elsewhere
    the 3rd of April, as `3.4.1988` is everywhere (Unicode CLDR). Forms: digits with `.`, `/`, `-` or spaces, eight
    digits (ISO 8601 basic), and months in words in English, German, French, Spanish, Dutch and Danish.
    """
    tokens = [(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text)]
    parts = [token for token in tokens if fold(token[2].rstrip(".")) not in _FILLERS]
    compact = len(parts) == 1 and len(parts[0][2]) == 8 and parts[0][2].isdecimal()
    if compact:
        begin = parts[0][0]
        parts = [(begin + a, begin + b, text[begin + a : begin + b]) for a, b in ((0, 4), (4, 6), (6, 8))]
    if len(parts) != 3 or any(len(part[2]) > 4 and part[2].isdecimal() for part in parts):
        return None
    month_language = next((found for _, _, word in parts if (found := _find_language(word, language))), "")
    dotted = text[parts[0][1] : parts[1][0]] == "."
    american = not dotted and (country == "US" or (not country and language in ("", "en")))
    fields = _order_fields([word for _, _, word in parts], month_language, american=american)
    if fields is None:
        return None
    values = {name: _read_number(name, word, month_language) for name, (_, _, word) in zip(fields, parts, strict=True)}
    try:
        day = date(values["Y"], values["M"], values["D"])
    except ValueError:
        return None
    short = [word for name, (_, _, word) in zip(fields, parts, strict=True) if name != "Y" and word.isdecimal()]
    padded = any(word.startswith("0") for word in short) or (not month_language and all(len(w) == 2 for w in short))
    pieces: list[str | DatePart] = []
    cursor = 0
    for name, (start, end, word) in zip(fields, parts, strict=True):
        pieces += (text[cursor:start], DatePart(name, word, month_language, padded))
        cursor = end
    return WrittenDate(day, (*pieces, text[cursor:]))


def find_year(text: str) -> int | None:
    """The only year of four digits in the text; None if there is none or several."""
    years = {int(year) for year in regex.findall(r"(?<!\d)(?:1[89]|20)\d\d(?!\d)", text)}
    return years.pop() if len(years) == 1 else None


@cache
def _load_months(language: str) -> tuple[str, ...]:
    return tuple(load_data("writing")["months"][language])


def _find_language(word: str, language: str) -> str:
    """The language of a month's name or abbreviation (three letters or more); empty if it is none."""
    bare = fold(word.rstrip("."))
    if len(bare) < 3 or not bare.isalpha():
        return ""
    known = load_data("writing")["months"]
    for code in (language, *known) if language in known else known:
        if _find_month(bare, code):
            return str(code)
    return ""


def _find_month(bare: str, language: str) -> int:
    names = [fold(name) for name in _load_months(language)]
    if bare in names:
        return names.index(bare) + 1
    found = [number for number, name in enumerate(names, start=1) if name.startswith(bare)]
    return found[0] if len(found) == 1 else 0


def _order_fields(words: list[str], month_language: str, *, american: bool) -> tuple[str, str, str] | None:
    if month_language:
        place = next(n for n, word in enumerate(words) if _find_language(word, month_language) == month_language)
        others = [n for n in range(3) if n != place]
        if not all(words[n].isdecimal() for n in others):
            return None
        year = others[0] if len(words[others[0]]) == 4 else others[1]
        return tuple("M" if n == place else "Y" if n == year else "D" for n in range(3))  # type: ignore[return-value]
    if not all(word.isdecimal() for word in words):
        return None
    if len(words[0]) == 4:
        return "Y", "M", "D"
    first, second = int(words[0]), int(words[1])
    month_first = first <= 12 and (second > 12 or american)
    return ("M", "D", "Y") if month_first else ("D", "M", "Y")


def _read_number(name: str, word: str, month_language: str) -> int:
    if not word.isdecimal():
        return _find_month(fold(word.rstrip(".")), month_language)
    value = int(word)
    if name == "Y" and len(word) == 2:
        return value + (2000 if value <= _PIVOT else 1900)
    return value


def _fix_ordinals(written: str, day: date) -> str:
    """`3rd` becomes `4th` and `1er` loses its ending where the day changed."""
    ending = "th" if 10 < day.day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    written = regex.sub(r"(?<=\b\d{1,2})(?:st|nd|rd|th)\b", ending, written)
    return written if day.day == 1 else regex.sub(r"(?<=\b1?\d)er\b", "", written)
