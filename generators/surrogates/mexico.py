"""Mexico's CURP and RFC, which spell out names and birth date."""

from __future__ import annotations

import unicodedata
from datetime import date
from random import Random

from goldspan.generators.surrogates.chance import pick

_STATES = "ASBCBSCCCHCLCMCSDFDGGRGTHGJCMCMNMSNENLNTOCPLQRQTSLSPSRTCTLTSVZYNZS"
"""The two letters of every state, one after the other."""
_CURP_ALPHABET = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ"
_RFC_ALPHABET = _CURP_ALPHABET + " Ñ"
_CONSONANTS = "BCDFGJKLMNPRSTVZ"


def _spell(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.upper().replace("Ñ", "X"))
    return "".join(c for c in plain if "A" <= c <= "Z") or "XAXX"


def _make_initials(rng: Random, first: str, surname: str) -> str:
    """First letter and first inner vowel of the surname, then two initials.

    The third letter is one that no word on the registry's list of forbidden words has there (mother's name is unknown).
    """
    family, given = _spell(surname), _spell(first)
    vowel = next((c for c in family[1:] if c in "AEIOU"), "X")
    return f"{family[0]}{vowel}{pick(rng, 'HWXZ')}{given[0]}"


def _pick_state(rng: Random) -> str:
    start = rng.randrange(len(_STATES) // 2) * 2
    return _STATES[start : start + 2]


def draw_curp(rng: Random, first: str, surname: str, born: date, gender: str) -> str:
    """An eighteen character CURP with its check digit."""
    initials = _make_initials(rng, first, surname)
    consonants = "".join(pick(rng, _CONSONANTS) for _ in range(3))
    century = pick(rng, "ABC") if born.year >= 2000 else "0"
    body = f"{initials}{born:%y%m%d}{'M' if gender == 'f' else 'H'}{_pick_state(rng)}{consonants}{century}"
    total = sum(_CURP_ALPHABET.index(c) * (18 - position) for position, c in enumerate(body))
    return f"{body}{-total % 10}"


def draw_rfc(rng: Random, first: str, surname: str, born: date) -> str:
    """A thirteen character RFC of a person with its check digit."""
    key = pick(rng, "123456789ABCDEFGHIJKLMNPQRSTUV") + pick(rng, "123456789ABCDEFGHIJKLMNPQRSTUVWXYZ")
    body = f"{_make_initials(rng, first, surname)}{born:%y%m%d}{key}"
    total = sum(_RFC_ALPHABET.index(c) * (13 - position) for position, c in enumerate(body))
    check = _RFC_ALPHABET[-total % 11]
    return f"{body}{check}" if check in "0123456789A" else draw_rfc(rng, first, surname, born)
