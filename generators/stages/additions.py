"""Entities that a model tagged beyond the values of its brief: only what can be a value of its label stays.

A value that the brief gave is known to be right. One that the model added may be a person or place that the text
really names, or an ordinary word: "the <FIRSTNAME>meeting</FIRSTNAME>". What is certainly no value loses its tag, which
costs nothing; what may be one, or may reach too far, is asked again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.labels.values import find_mismatch
from goldspan.annotation.text.homographs import is_homograph
from goldspan.annotation.text.language import list_function_words
from goldspan.annotation.text.pronouns import list_pronouns
from goldspan.annotation.types import Entity
from goldspan.generators.surrogates.numerals import names_number
from goldspan.generators.surrogates.world import COUNTRIES, list_known_names

_WITH_DIGITS = frozenset(
    {"phone", "postcode", "date_of_birth", "ssn", "national_id", "tax_number", "credit_card", "iban"}
)
"""Validators of values that hold a digit."""
_CODES_WITH_DIGITS = frozenset({"BUILDINGNUM", "IDCARDNUM", "PASSPORTID", "DRIVERLICENSENUM"})
_CHECKED = frozenset({"iban", "credit_card", "email", "url"})
"""Validators that hold in every country."""
_NAME_GROUPS = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
_NAMES = frozenset({"FIRSTNAME", "SURNAME", "STREET", "CITY", "STATE", "COUNTRY", "COMPANYNAME"})
_SECRETS = "AUTHENTICATION"
"""Group of labels whose values may be any word: some passwords are."""
_PERSONS = frozenset({"FIRSTNAME", "SURNAME"})
_MOST_WORDS = {"FIRSTNAME": 4, "SURNAME": 5, "CITY": 6, "STATE": 6, "COUNTRY": 7, "STREET": 9, "COMPANYNAME": 10}
_MOST_OF_ANY = 16
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_SENTENCE_END = re.compile(r"[^\W\d_]{4,}[.!?…]\s+[^\W\d_]")
_LAST_WORD = re.compile(r"([^\W\d_]+)\s+\Z")
_SENTENCE_BEGINNING = re.compile(r"(?:\A|[.!?]\s|\n)\s*([^\W\d_])")
_SENTENCE_START = re.compile(r"(?:\A|[.!?:\n]|[-–—•*])\W*\Z")


class _Ruling(Enum):
    KEEP = "keep"
    UNTAG = "untag"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class AdditionsCheck:
    """Entities that stay, how many lost their tag, and the labels of those that are asked again."""

    entities: tuple[Entity, ...]
    untagged: int
    unclear: tuple[str, ...]


def check_additions(
    text: str, entities: Sequence[Entity], brief: Mapping[str, Any], labels: LabelSchema, *, is_final: bool = False
) -> AdditionsCheck:
    """Judge the entities of a text whose value the brief does not give.

    `is_final`: nothing can be asked again; what is not clear loses its tag, unless only its check digits are wrong.
    """
    given = {str(entry["value"]).casefold() for entry in brief.get("values", ())}
    writes_small = _writes_small(text, brief, labels)
    language = str(brief.get("language", ""))
    surnames = {entity.start for entity in entities if entity.label == "SURNAME"}
    kept: list[Entity] = []
    unclear: list[str] = []
    for entity in entities:
        value = text[entity.start : entity.end]
        ruling = _Ruling.KEEP
        leads_surname = value[:1].isupper() and entity.end + 1 in surnames and value.casefold() in list_known_names()
        if value.casefold() not in given and entity.label in labels.entity_codes and not leads_surname:
            ruling = _rule(text, entity, labels[entity.label], language, writes_small=writes_small)
        if ruling is _Ruling.UNCLEAR and is_final:
            ruling = _Ruling.KEEP if labels[entity.label].validator in _CHECKED else _Ruling.UNTAG
        if ruling is not _Ruling.UNTAG:
            kept.append(entity)
        if ruling is _Ruling.UNCLEAR:
            unclear.append(entity.label)
    return AdditionsCheck(tuple(kept), len(entities) - len(kept), tuple(dict.fromkeys(unclear)))


def _writes_small(text: str, brief: Mapping[str, Any], labels: LabelSchema) -> bool:
    """True if a text writes names in small letters: those of the brief, or most beginnings of its sentences."""
    for entry in brief.get("values", ()):
        if entry["label"] in labels and _is_name(labels[entry["label"]]) and str(entry["value"])[:1].islower():
            return True
    starts = [match[1] for match in _SENTENCE_BEGINNING.finditer(text)]
    return 2 * sum(map(str.islower, starts)) >= len(starts)


def _rule(text: str, entity: Entity, label: Label, language: str, *, writes_small: bool) -> _Ruling:
    value = text[entity.start : entity.end]
    words = _WORD.findall(value)
    if len(words) > _MOST_WORDS.get(label.code, _MOST_OF_ANY) or _SENTENCE_END.search(value):
        return _Ruling.UNCLEAR
    if _is_name(label):
        return _rule_name(_TaggedName(value, words, label, language, text[: entity.start]), writes_small=writes_small)
    if _is_ordinary(words, value, language) and not (value.isupper() and len(value) > 1):
        return _Ruling.UNCLEAR if label.group == _SECRETS else _Ruling.UNTAG
    return _rule_form(value, words, label, language)


def _rule_form(value: str, words: Sequence[str], label: Label, language: str) -> _Ruling:
    """Values that are told by their form: digits, signs, patterns, closed lists."""
    has_digit = any(character.isdigit() for character in value)
    if label.validator in _WITH_DIGITS or label.code in _CODES_WITH_DIGITS:
        if not has_digit:
            return _Ruling.UNTAG if len(words) < 3 else _Ruling.UNCLEAR
    elif label.validator == "age" and not has_digit:
        return _Ruling.KEEP if names_number(value, language) else _Ruling.UNTAG
    elif label.validator in {"email", "url"} and not any(sign in value for sign in "@./"):
        return _Ruling.UNTAG
    if label.validator in _CHECKED and not check_value(label.validator, value):
        return _Ruling.UNCLEAR
    if (label.pattern or label.values == "list") and find_mismatch(label, value):
        return _Ruling.UNTAG if label.values == "list" else _Ruling.UNCLEAR
    return _Ruling.KEEP


@dataclass(frozen=True, slots=True)
class _TaggedName:
    """A value that is tagged as the name of a person, place or company, and the text before it."""

    value: str
    words: Sequence[str]
    label: Label
    language: str
    before: str

    @property
    def is_person(self) -> bool:
        return self.label.code in _PERSONS

    @property
    def is_small(self) -> bool:
        return self.value == self.value.lower() != self.value.upper()

    @property
    def is_ordinary(self) -> bool:
        """True for ordinary words that are no acronym."""
        is_acronym = self.value.isupper() and len(self.value) > 1 and not self.is_person
        return not is_acronym and _is_ordinary(self.words, self.value, self.language)

    @property
    def is_known(self) -> bool:
        return self.value.casefold() in list_known_names()

    @property
    def has_known_word(self) -> bool:
        return self.is_known or any(word.casefold() in list_known_names() for word in self.words)

    @property
    def follows_article(self) -> bool:
        last = _LAST_WORD.search(self.before)
        return last is not None and last[1].casefold() in _list_articles(self.language)

    @property
    def begins_with_article(self) -> bool:
        first = self.words[0]
        return first.casefold() in _list_articles(self.language) and (self.is_person or first.islower())


def _rule_name(name: _TaggedName, *, writes_small: bool) -> _Ruling:
    """Names of persons, places and companies."""
    has_digit = any(character.isdigit() for character in name.value)
    if not name.words:
        return _Ruling.UNTAG if has_digit else _Ruling.KEEP
    if name.is_person and has_digit:
        return _Ruling.UNCLEAR
    if name.is_ordinary and name.is_small:
        return _Ruling.UNTAG
    if (name.is_known and len(name.words) > 1) or (name.label.code == "STREET" and name.value[-1].isdigit()):
        return _Ruling.KEEP
    if name.is_ordinary:
        return _rule_ordinary_name(name)
    if name.is_small:
        return _rule_small_name(name, writes_small=writes_small)
    is_phrase = name.begins_with_article and not any(_can_be_name(word) for word in name.words[1:])
    if is_phrase and len(name.words) > 1:
        return _Ruling.UNCLEAR
    may_be_noun = name.is_person and len(name.words) == 1 and name.follows_article and not name.has_known_word
    return _Ruling.UNCLEAR if may_be_noun and name.language in COUNTRIES else _Ruling.KEEP


def _rule_ordinary_name(name: _TaggedName) -> _Ruling:
    """Ordinary words with a capital: `Will`, `Mark` and `Page` may be names."""
    if len(name.words) > 1 or not (name.has_known_word or is_homograph(name.value)):
        return _Ruling.UNTAG
    begins_sentence = _SENTENCE_START.search(name.before)
    return _Ruling.UNCLEAR if begins_sentence or name.follows_article else _Ruling.KEEP


def _rule_small_name(name: _TaggedName, *, writes_small: bool) -> _Ruling:
    """Words in small letters, which are names in chats and hardly elsewhere."""
    if writes_small:
        is_open = not name.is_person and name.label.code != "CITY" and not name.follows_article
        return _Ruling.KEEP if name.has_known_word or is_open else _Ruling.UNCLEAR
    is_known_name = name.has_known_word and not is_homograph(name.value) and not name.follows_article
    return _Ruling.UNCLEAR if is_known_name or len(name.words) > 1 else _Ruling.UNTAG


def _can_be_name(word: str) -> bool:
    return word.casefold() in list_known_names() and word.casefold() not in _read_ordinary_words()


def _is_ordinary(words: Sequence[str], value: str, language: str) -> bool:
    """True if every word is a function word, a pronoun, a greeting, a title, a heading, a day or a month."""
    common = _list_common(language)
    is_words = bool(words) and not any(character.isdigit() for character in value)
    return is_words and all(word.casefold() in common for word in words)


@cache
def _list_common(language: str) -> frozenset[str]:
    return _read_ordinary_words() | list_function_words(language) | list_pronouns(language)


@cache
def _list_articles(language: str) -> frozenset[str]:
    return frozenset(_read_words()["articles"].get(language, "").split())


@cache
def _read_ordinary_words() -> frozenset[str]:
    """Greetings and closings, titles, relatives, roles, names of fields, days, months, words for nobody."""
    return frozenset(" ".join(_read_words()["ordinary"].values()).split())


@cache
def _read_words() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_name("ordinary_words.toml").read_text(encoding="utf-8"))


def _is_name(label: Label) -> bool:
    """True if the label's values are names, which begin with a capital."""
    if label.code in _NAMES:
        return True
    known = (*label.examples, *label.terms)
    return label.group in _NAME_GROUPS and bool(known) and all(value[:1].isupper() for value in known)
