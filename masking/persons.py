"""Persons and their names, as they are compared: spelled plainly, in part, as an initial, with the s of a genitive."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import regex

from goldspan.generators.surrogates.online import make_slug
from goldspan.masking.visible import fold_visible

T = TypeVar("T")
FIRST, LAST = "FIRSTNAME", "SURNAME"
_BARE, _SPELLED = (
    str.maketrans("äöüøåÄÖÜØÅ", "aouoaAOUOA"),
    str.maketrans(dict(zip("äöüøåÄÖÜØÅ", ["ae", "oe", "ue", "oe", "aa", "Ae", "Oe", "Ue", "Oe", "Aa"], strict=True))),
)
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "Æ": "Ae", "œ": "oe", "ı": "i"})
_ACCENTS = regex.compile(r"(?<=[A-Za-z])\p{Mn}+")
"""Accents of Latin letters, decomposed; those of other scripts are letters."""

_LEAST = 4
"""Letters of a name to which an s may be added: `Jans` is hardly the genitive of `Jan`."""

_MOST = 200
"""Persons with one name that are looked through; of more, none is meant without doubt."""


@dataclass(frozen=True, slots=True)
class Referent:
    """A person or thing. `key` names it the same way in every text: by its names, or by label and value."""

    key: str
    first: str = ""
    surname: str = ""

    @property
    def is_person(self) -> bool:
        """True if a name is known."""
        return bool(self.first or self.surname)


def name_person(first: str, surname: str) -> Referent:
    """The person of these names; one of them may be empty."""
    return Referent(f"person|{fold_visible(first)}|{fold_visible(surname)}", first, surname)


def read_name(value: str) -> str:
    """A name for comparing: its words in small ASCII letters; other scripts case folded."""
    return " ".join(make_slug(word) or word for word in fold_visible(value).split())


def list_spellings(value: str) -> tuple[str, ...]:
    """A name for comparing, as it is spelled without its accents and with letters in their place: `Müller`."""
    composed = unicodedata.normalize("NFC", value)
    return tuple(dict.fromkeys((read_name(composed.translate(_BARE)), read_name(composed.translate(_SPELLED)))))


def spell_plainly(value: str) -> frozenset[str]:
    """A value in the letters that stand for those with accents: `Muller` and `Mueller` of `Müller`."""
    spelled = (value.translate(_BARE), value.translate(_SPELLED))
    plain = (unicodedata.normalize("NFD", one.translate(_LETTERS)) for one in spelled)
    return frozenset(_ACCENTS.sub("", one) for one in plain) - {value}


def choose_name(*names: str) -> str:
    """The longest of a person's first names or surnames that is no genitive of another one; empty without names."""
    read = {name: read_name(name) for name in names}
    bare = [one for one in names if not any(is_genitive(read[one], other) for other in read.values())]
    return max(bare, key=len, default="")


def find_part(name: str, whole: str) -> slice | None:
    """Which words of a longer name a name is, both as `read_name` gives them: its first or its last ones."""
    words, others = name.split(), whole.split()
    parts = slice(0, len(words)), slice(len(others) - len(words), None)
    return next((part for part in parts if others[part] == words), None) if 0 < len(words) < len(others) else None


def is_genitive(name: str, known: str) -> bool:
    """True for a name with an s added."""
    return name == known + "s" and len(known) >= _LEAST


def rank_person(firsts: Sequence[str], surnames: Sequence[str], person: tuple[Sequence[str], Sequence[str]]) -> int:
    """How well names mean a person, 0 for not at all: both names as they are, both nearly, one as it is, one nearly.

    Nearly are a part of a surname, an initial beside a surname, a genitive, and one name of two where the person's
    other one is not known.
    """
    others, last_others = person
    pairs = [(one, other) for one in surnames for other in last_others]
    last = 2 * any(one == other for one, other in pairs) or any(
        is_genitive(one, other) or find_part(one, other) for one, other in pairs
    )
    pairs = [(one, other) for one in firsts for other in others]
    first = 2 * any(one == other for one, other in pairs)
    if not (firsts and surnames):
        return last or first or any(is_genitive(one, other) for one, other in pairs)
    first = first or any(1 in (len(one), len(other)) and one[0] == other[0] for one, other in pairs)
    if first and last:
        return 4 if first + last == 4 else 3
    return int(bool((first and not last_others) or (last and not others)))


def spells_person(slug: str, firsts: Sequence[str], surnames: Sequence[str]) -> bool:
    """True if an address spells a person: both names, initial and surname, or one name and no more."""
    firsts = [name.replace(" ", "") for name in firsts]
    surnames = [part for name in surnames for part in (name.replace(" ", ""), *name.split()[:1], *name.split()[-1:])]
    if firsts and surnames:
        return slug.rstrip("0123456789") in (*firsts, *surnames) or any(
            last in slug and (first in slug or slug.startswith(first[0] + last) or slug.startswith(last + first[0]))
            for first in firsts
            for last in surnames
            if first and len(last) > 1
        )
    return any(len(name) > 2 and name in slug for name in (*firsts, *surnames))


def choose_owner(address: str, persons: Iterable[tuple[T, tuple[Sequence[str], Sequence[str]]]]) -> T | None:
    """The one of the persons, each with first names and surnames, whose names an address spells."""
    slug = make_slug(address)
    owners = [person for person, (firsts, surnames) in persons if spells_person(slug, firsts, surnames)]
    return owners[0] if len(owners) == 1 else None


class PersonIndex:
    """Persons of earlier texts. A name means one of them where no other has it."""

    def __init__(self) -> None:
        self._persons: dict[str, Referent] = {}
        self._names: dict[str, tuple[list[str], list[str]]] = {}
        self._by_name: dict[str, dict[str, None]] = {}

    def add(self, label: str, key: str, value: str) -> None:
        """Take a name of a person."""
        person = self._persons.get(key) or Referent(key)
        if label == FIRST:
            person = replace(person, first=choose_name(person.first, value))
        else:
            person = replace(person, surname=choose_name(person.surname, value))
        self._persons[key] = person
        spellings = list_spellings(value)
        self._names.setdefault(key, ([], []))[label == LAST].extend(spellings)
        for name in spellings:
            for spelled in {name, name.replace(" ", ""), *name.split()[:1], *name.split()[-1:]}:
                self._by_name.setdefault(spelled, {})[key] = None

    def find(self, firsts: Sequence[str], surnames: Sequence[str]) -> Referent | None:
        """The one person whom names mean, as `read_name` gives them; None for none and for several."""
        names = surnames or firsts
        found = self._list_persons([*names, *(name[:-1] for name in names if name.endswith("s"))])
        ranks = [rank_person(firsts, surnames, self._names[person.key]) for person in found]
        best = max(ranks, default=0)
        doubtful = ranks.count(best) > 1 or (best == 1 and bool(firsts and surnames) and len(found) > 1)
        return None if not best or doubtful else found[ranks.index(best)]

    def find_owner(self, address: str) -> Referent | None:
        """The one person whose names an address spells."""
        words = regex.findall(r"[a-z]+", address.lower())
        found = self._list_persons([*words, *(word[1:] for word in words), *(word[:-1] for word in words)])
        return choose_owner(address, ((person, self._names[person.key]) for person in found))

    def _list_persons(self, names: Iterable[str]) -> list[Referent]:
        keys = dict.fromkeys(key for name in names for key in self._by_name.get(name, ()))
        return [self._persons[key] for key in keys] if len(keys) <= _MOST else []


def list_names(person: Referent) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """First names and surnames of a person for comparing, in each spelling."""
    first, surname = (list_spellings(name) if name else () for name in (person.first, person.surname))
    return first, surname
