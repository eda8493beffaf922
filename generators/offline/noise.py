"""Text that is not personal data: dates, sums, order numbers, numbers that look like an identifier."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from random import Random

from goldspan.generators.offline.lexicon import load_lexicon
from goldspan.generators.offline.marks import drop_marks, mark_entity
from goldspan.generators.offline.phrasing import Phrasing
from goldspan.generators.specs.families import EVERY, Family
from goldspan.generators.surrogates.chance import CAPITALS, draw_digits, draw_from, fill_pattern, pick
from goldspan.generators.surrogates.checkdigits import luhn_digit
from goldspan.generators.surrogates.formats import (
    format_time,
    name_month,
    write_amount,
    write_long_date,
    write_number,
    write_short_date,
    write_time,
)
from goldspan.generators.surrogates.outside import draw_mention, draw_name_part
from goldspan.generators.surrogates.values import TODAY
from goldspan.generators.surrogates.world import find_country

_TRIES = 9
_RECENT = 4
"""Names before one that it does not repeat."""
_LONGEST_AGO = 900
_WORD = re.compile(r"[^\W\d_]+")


class Timeline:
    """The days that one document speaks of: they run forward, and none but the future is later than its own."""

    def __init__(self, rng: Random, longest_ago: int) -> None:
        """A document of one of the last `longest_ago` days."""
        self._rng = rng
        self.today = TODAY - timedelta(days=rng.randint(2, longest_ago))
        self._last = self.today - timedelta(days=rng.randint(4, 60))
        self._minute = 0

    def draw_past(self) -> date:
        """A day before the document's, not before the last one that was drawn."""
        self._last = min(self.today, self._last + timedelta(days=self._rng.randint(0, 9)))
        return self._last

    def draw_future(self) -> date:
        """A day after the document's."""
        return self.today + timedelta(days=self._rng.randint(3, 120))

    def draw_moment(self) -> tuple[int, int]:
        """Hour and minute, not before the last ones that were drawn."""
        passed = self._rng.randint(0, 30) if self._minute else 60 * self._rng.randint(7, 19) + self._rng.randint(0, 59)
        self._minute = min(self._minute + passed, 24 * 60 - 1)
        return divmod(self._minute, 60)

    def draw_month(self) -> date:
        """A day of one of the ten months before the document's."""
        return self.today - timedelta(days=self._rng.randint(10, 300))


def _draw_near_card(rng: Random) -> str:
    """Sixteen digits that fail Luhn's check: a parcel number, no card."""
    body = pick(rng, "36789") + draw_digits(rng, 14)
    return body + pick(rng, "0123456789".replace(luhn_digit(body), ""))


def _name_month(day: date, language: str) -> str:
    return f"{name_month(day.month, language)}{' de' if language == 'es' else ''} {day.year}"


_MAKERS: dict[str, Callable[[Random, str, str], str]] = {
    "salary": lambda rng, language, country: write_amount(rng, country, 1900, 5200),
    "fee": lambda rng, language, country: write_amount(rng, country, 12, 95),
    "rent": lambda rng, language, country: write_amount(rng, country, 480, 1900),
    "time": lambda rng, language, country: write_time(rng, country),
    "morning": lambda rng, language, country: write_time(rng, country, last=11),
    "evening": lambda rng, language, country: write_time(rng, country, first=14),
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
    "room": lambda rng, language, country: f"{rng.randint(1, 4)}.{rng.randint(10, 38)}",
}

_DATES: dict[str, Callable[[Timeline, str, str], str]] = {
    "today": lambda time, language, country: write_long_date(time.today, language, country),
    "date": lambda time, language, country: write_long_date(time.draw_past(), language, country),
    "day": lambda time, language, country: write_short_date(time.draw_past(), language, country),
    "future": lambda time, language, country: write_long_date(time.draw_future(), language, country),
    "month": lambda time, language, country: _name_month(time.draw_month(), language),
    "moment": lambda time, language, country: format_time(*time.draw_moment(), country),
    "year": lambda time, language, country: str(time.draw_month().year - time.today.day % 12),
}

_KINDS_OF: dict[tuple[str, ...], frozenset[str]] = {
    ("FIRSTNAME", "SURNAME"): frozenset({"Person"}),
    ("FIRSTNAME",): frozenset({"First"}),
    ("SURNAME",): frozenset({"Family"}),
    ("COMPANYNAME",): frozenset({"Company", "Brand"}),
    ("CITY",): frozenset({"City", "Town"}),
    ("STATE",): frozenset({"State"}),
    ("COUNTRY",): frozenset({"Country"}),
}
"""The slots of phrases that values of these labels fill."""

KINDS = frozenset({*_MAKERS, *_DATES})


class Noise:
    """Everything in one document that no spec asks for: figures, dates in order, phrases, and names of others.

    Names of others are marked as entities (marks.py); parts of other names are not. `taken` are words of the document's
    own values, and these themselves, in lower case; no name is or holds one of them. `case` is applied to names; a
    text that is not `naming` has none. Phrases are those of the `family`. The document is of one of the last
    `longest_ago` days.
    """

    def __init__(
        self,
        rng: Random,
        language: str,
        country: str,
        taken: frozenset[str] = frozenset(),
        *,
        case: Callable[[str], str] = str,
        naming: bool = True,
        family: Family = EVERY,
        longest_ago: int = _LONGEST_AGO,
    ) -> None:
        self._rng, self._language, self._country, self._taken = rng, language, country, taken
        self._case, self._naming, self._family = case, naming, family
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._given: tuple[tuple[str, str], ...] = ()
        self._kinds: frozenset[str] = frozenset()
        self.timeline = Timeline(rng, longest_ago)
        self.phrasing = Phrasing(load_lexicon(language), rng, self._draw_name, self.draw, naming=naming, family=family)

    def draw(self, kind: str) -> str:
        """Something of the kind, as the country writes it."""
        if kind in _MAKERS:
            return _MAKERS[kind](self._rng, self._language, self._country)
        if kind in _DATES:
            return _DATES[kind](self.timeline, self._language, self._country)
        return self.phrasing.draw(kind)

    def draw_about(self, parts: Sequence[tuple[str, str]]) -> str:
        """A sentence or line that names the given value, labels beside values: a person's names, a place, a company.

        Empty if no phrase is about values of these labels, or none can be found.
        """
        kinds = _KINDS_OF.get(tuple(label for label, _ in parts), frozenset())
        phrases = self.phrasing.list_phrases("report", kinds)
        for _ in range(_TRIES if phrases else 0):
            self._given, self._kinds = tuple(parts), kinds
            text = self.phrasing.expand(pick(self._rng, phrases))
            is_told, self._given = not self._given, ()
            begins = drop_marks(text).startswith(parts[0][1]) and parts[0][1][0].islower()
            if is_told and not begins:
                return text
        return ""

    def _name_given(self, kind: str) -> str:
        """The value that `draw_about` was given, marked, with the words that a country has before it."""
        parts, self._given = self._given, ()
        text = " ".join(mark_entity(label, value) for label, value in parts)
        form, _, plain = kind.rpartition(":")
        if plain != "Country" or not form:
            return text
        name = find_country(parts[0][1], self._country, self._language)
        before = {"in": name.inside, "from": name.origin, "the": name.article}[form]
        return text if not before else f"{before}{text}" if before.endswith("'") else f"{before} {text}"

    def _draw_name(self, kind: str, is_part: bool) -> str:
        """A name of others, marked, if the text is naming; or a part of another name."""
        if self._given and not is_part and kind.rpartition(":")[2] in self._kinds:
            return self._name_given(kind)
        kind = kind if is_part or self._naming else "Term"
        place = self._language, self._country
        for _ in range(_TRIES * max(1, self._family.count)):
            parts = (
                (("", draw_name_part(self._rng, kind, *place)),) if is_part else draw_mention(self._rng, kind, *place)
            )
            values = [value.casefold() for label, value in parts if label or is_part]
            fits = len(parts) < 2 or self._family.has_name(parts[-1][1]) or parts[-1][0] != "SURNAME"
            fits = fits and not any(value in self._recent for value in values)
            if fits and self._taken.isdisjoint({*values}.union(*map(find_words, values))):
                break
        self._recent.extend(values)
        text = ""
        for label, value in parts:
            text += "" if not text or text.endswith("'") or value == "," else " "
            text += mark_entity(label, self._case(value)) if label else value
        return text


def find_words(text: str) -> frozenset[str]:
    """The words of more than two letters, in lower case."""
    return frozenset(word for word in _WORD.findall(text.casefold()) if len(word) > 2)
