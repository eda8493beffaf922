"""Words and phrases of a language that combine: read from one TOML file per language in `lexicon/`.

A phrase is text with slots:

<when>            one of the phrases of that list; <When> begins with a capital
<the:paper>       a noun of a class with the determiner `the` of the file, in the noun's gender
<paper>           the noun alone
<+device>         a main clause about a noun of the class: subject, verb, rest; `any` is a class drawn at random; <+Any>
                  begins with a capital
<-device>         the same with the verb first, as after an adverbial in verb-second languages
<~device>         a main clause with a time in its place, about something that happened
<^device>         a main clause with the verb first, about something that happened, as after a time
<&device>         a subordinate clause
<*device>         a main clause without its subject, which stands before it
<#date>           something that is no personal data (noise.py)
<Person>          the name of somebody or something else, an entity: Person, Family, First, Company, City, Town (one of
                  the country), Dateline (a city in capitals), Place (a city and its country), Region (a city and its
                  state), State, Country, Street, House (its number), Age, and of those that exist: Brand (a company),
                  Body (an association or authority, with its article in the nominative), Media, Team; Handle (of
                  somebody on the net); Product and Term are none
<in:Country>      a country after its preposition (in, from) or article (the)
<m:Person>        the name of a man: Person, First
<!Family>         a name that is part of another one and no entity: Family, First, Company, City
[<!Family> Ltd]   an organisation, an entity as a whole
<word>, <job>     a word of the language, an occupation
<link>            the address of a page that is nobody's
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import SchemaError
from goldspan.generators.offline.marks import close_entity, open_entity

NAMES = frozenset(
    {
        "Person", "Family", "First", "Company", "Brand", "Body", "Media", "Team", "City", "Town", "Dateline",
        "Place", "Region", "State", "Country", "Street", "House", "Age", "Handle",
    }
)  # fmt: skip
"""Slots that hold a name of somebody or something else, or an age; these are entities."""
COUNTRY_FORMS = frozenset({"in", "from", "the"})
"""What can stand before a country (`<in:Country>`): a preposition or the article, as the country's name takes it."""
_MEN = frozenset({"m"})
_FORMS = {"Country": COUNTRY_FORMS, "Person": _MEN, "First": _MEN}
PARTS = frozenset({"Family", "First", "Company", "City"})
"""Slots that hold, after `!`, a part of another name."""
UNLABELLED = frozenset({"Product", "Term"})
"""Slots that hold a name of a thing, which is no entity."""
NAMES_AND_WORDS = frozenset({*NAMES, *UNLABELLED, "word", "job", "link"})
SLOT = re.compile(r"<([+~^&*#!-]?)(?:(\w+):)?(\w+)>")
_CLAUSES = frozenset("+-~^&*")
_IN_BRACKETS = re.compile(r"\[([^\]]*)\]")
ORGANISATION = open_entity("COMPANYNAME")
_LOCALES = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "es": "es_ES", "nl": "nl_NL", "da": "da_DK"}
_MISSPELT = frozenset({"Focumentalista"})
"""Occupations that Faker spells wrongly."""
_PLAIN = re.compile(r"[^\W\d_]{4,}")


class Noun(NamedTuple):
    """A noun: its gender, its plain form, and its form with the definite article where that is a suffix."""

    gender: str
    word: str
    definite: str


class Slot(NamedTuple):
    """A slot of a phrase: its mark (`+`, `-`, `~`, `^`, `&`, `*`, `#`, `!` or none), its determiner, and its name."""

    mark: str
    determiner: str
    name: str


Phrase = tuple[str | Slot, ...]


class Predicate(NamedTuple):
    """A finite verb and what follows it; alternatives for genders stand as `{masculine/feminine}`.

    A state (`=` before it in the file) is no event: no time is added to it. A `@` in `rest` is where the verb of a
    subordinate clause goes (Dutch `moet|nog @worden betaald`, Danish `er|ikke @noget for mig`), if not as usual.
    """

    verb: str
    rest: Phrase
    is_state: bool

    @property
    def agrees(self) -> bool:
        """True if a part of it agrees with the subject's gender."""
        return any("{" in part for part in (self.verb, *self.rest) if isinstance(part, str))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything of a language that combines."""

    language: str
    verb_second: bool
    verb_final: bool
    particles: frozenset[str]
    determiners: Mapping[str, Mapping[str, str]]
    nouns: Mapping[str, tuple[Noun, ...]]
    predicates: Mapping[str, tuple[Predicate, ...]]
    events: Mapping[str, tuple[Predicate, ...]]
    phrases: Mapping[str, tuple[Phrase, ...]]
    keys: Mapping[str, tuple[Noun, ...]]
    owners: Mapping[str, Mapping[str, str]]
    frames: Mapping[str, tuple[str, ...]]
    variants: Mapping[str, Mapping[str, str]]

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of nouns that have predicates."""
        return tuple(self.predicates)


def raise_first(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


@cache
def load_lexicon(language: str) -> Lexicon:
    """The lexicon of a language (ISO 639-1).

    Raises:
        SchemaError: a slot names a list, class or determiner that the file lacks.
    """
    path = Path(__file__).with_name("lexicon") / f"{language}.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    nouns = {name: _read_nouns(table) for name, table in document["nouns"].items()}
    for name, (left, right, joint) in document.get("compounds", {}).items():
        heads = _read_nouns(right)
        nouns[name] = (*nouns.get(name, ()), *(_join(part, head, joint) for part in _split(left) for head in heads))
    predicates = {
        name: tuple(_read_predicate(entry) for entry in entries) for name, entries in document["predicates"].items()
    }
    lexicon = Lexicon(
        language,
        document["verb_second"],
        document["verb_final"],
        frozenset(_split(document.get("particles", ""))),
        document["determiners"],
        nouns,
        predicates,
        {name: tuple(entry for entry in entries if not entry.is_state) for name, entries in predicates.items()},
        {name: tuple(_read_phrase(entry) for entry in entries) for name, entries in document["phrases"].items()},
        {code: _read_keys(entries) for code, entries in document["keys"].items()},
        document["owners"],
        {name: tuple(entries) for name, entries in document["frames"].items()},
        document.get("variants", {}),
    )
    _check(lexicon, path)
    return lexicon


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _read_nouns(table: Mapping[str, str]) -> tuple[Noun, ...]:
    return tuple(_read_noun(gender, word) for gender, words in table.items() for word in _split(words))


def _read_noun(gender: str, entry: str) -> Noun:
    word, _, definite = entry.partition("/")
    return Noun(gender, word, definite or word)


def _read_keys(entries: Sequence[str]) -> tuple[Noun, ...]:
    keys = []
    for entry in entries:
        gender, _, word = entry.partition(":")
        keys.append(_read_noun(gender, word) if word else Noun("", gender, gender))
    return tuple(keys)


def _read_predicate(entry: str) -> Predicate:
    verb, _, rest = entry.partition("|")
    return Predicate(verb.removeprefix("="), _read_phrase(rest), verb.startswith("="))


def _join(part: str, head: Noun, joint: str) -> Noun:
    if joint.startswith("~"):
        return Noun(head.gender, f"{head.word}{joint[1:]}{part}", f"{head.definite}{joint[1:]}{part}")
    word, definite = (head.word.lower(), head.definite.lower()) if not joint else (head.word, head.definite)
    return Noun(head.gender, f"{part}{joint}{word}", f"{part}{joint}{definite}")


def _read_phrase(source: str) -> Phrase:
    for name in _IN_BRACKETS.findall(source):
        if name != name.strip() or ("<" in name and "<!" not in name):
            raise SchemaError(
                f"[{name}] is no organisation: brackets hold a name, written out or with a part, <!Family>."
            )
    source = source.replace("[", ORGANISATION).replace("]", close_entity())
    parts: list[str | Slot] = []
    cursor = 0
    for match in SLOT.finditer(source):
        if match.start() > cursor:
            parts.append(source[cursor : match.start()])
        parts.append(Slot(match[1], match[2] or "", match[3]))
        cursor = match.end()
    if cursor < len(source) or not parts:
        parts.append(source[cursor:])
    return tuple(parts)


def _check(lexicon: Lexicon, path: Path) -> None:
    known = {*lexicon.phrases, *lexicon.nouns, *NAMES_AND_WORDS}
    for name, phrases in lexicon.phrases.items():
        for slot in (part for phrase in phrases for part in phrase if isinstance(part, Slot)):
            is_clause = slot.mark in _CLAUSES and bool(slot.mark)
            fits = slot.mark == "#" or slot.name in (PARTS if slot.mark == "!" else known)
            if is_clause:
                fits = slot.name.lower() in {*lexicon.predicates, "any"}
            if not (fits or slot.name[0].lower() + slot.name[1:] in known):
                raise SchemaError(f"{path}: a phrase of {name} names {slot.name!r}, which the file lacks.")
            determiners = _FORMS.get(slot.name, lexicon.determiners)
            if slot.determiner and slot.determiner.lower() not in determiners:
                raise SchemaError(
                    f"{path}: a phrase of {name} names the determiner {slot.determiner!r}, which it lacks."
                )


@cache
def load_words(language: str) -> tuple[str, ...]:
    """Common words of a language, as Faker lists them."""
    provider = importlib.import_module(f"faker.providers.lorem.{_LOCALES[language]}").Provider
    return tuple(dict.fromkeys(word for word in provider.word_list if _PLAIN.fullmatch(word)))


@cache
def load_jobs(language: str) -> tuple[str, ...]:
    """Occupations: the lexicon's own, and those that Faker lists in one word."""
    path = Path(__file__).with_name("lexicon") / f"{language}.toml"
    own = _split(tomllib.loads(path.read_text(encoding="utf-8")).get("jobs", ""))
    try:
        provider = importlib.import_module(f"faker.providers.job.{_LOCALES[language]}").Provider
    except ImportError:
        return tuple(own)
    jobs = (job for job in provider.jobs if job not in _MISSPELT)
    listed = [job for job in jobs if re.fullmatch(r"[^\W\d_]+(?: [^\W\d_]+)?(?<!s)", job)]
    lower = [job if language == "de" else job[0].lower() + job[1:] for job in listed]
    return tuple(dict.fromkeys([*own, *lower]))
