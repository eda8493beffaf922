"""Entities that a model tagged beyond the values of its brief: only what can be a value of its label stays.

A value that the brief gave is known to be right. One that the model added may be a person or place that the text
really names, or an ordinary word: "the <FIRSTNAME>meeting</FIRSTNAME>". What is certainly no value loses its tag, which
costs nothing; what may be one, or may reach too far, is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
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
_ARTICLES = {
    "en": frozenset({"the", "a", "an", "this", "that", "every", "each"}),
    "de": frozenset(
        {"der", "die", "das", "dem", "den", "des", "ein", "eine", "einen", "einem", "einer", "dieser", "diese", "jeder"}
    ),
    "fr": frozenset({"le", "la", "les", "un", "une", "ce", "cet", "cette"}),
    "es": frozenset({"el", "la", "los", "las", "un", "una", "este", "esta"}),
    "nl": frozenset({"de", "het", "een", "deze", "dit", "die", "elke"}),
    "da": frozenset({"den", "det", "en", "et", "denne", "dette", "hver"}),
    "it": frozenset({"il", "lo", "la", "gli", "le", "un", "una", "questo", "questa"}),
    "pt": frozenset({"o", "a", "os", "as", "um", "uma", "este", "esta"}),
}
"""Articles and determiners: a name of a person hardly follows one."""
_ORDINARY_WORDS = """
dear hello hi hey regards sincerely cheers thanks thank welcome goodbye liebe lieber hallo guten grüße gruß danke
servus bonjour salut cher chère cordialement bonsoir merci hola estimado estimada querido querida saludos gracias
beste geachte groeten dag bedankt hej kære hilsen tak goddag ciao caro cara gentile saluti olá prezado mr mrs ms miss
mister madam sir dr prof doctor professor herr frau monsieur madame mademoiselle señor señora don doña meneer mevrouw
heer fru patient patientin customer client kunde kundin klant paciente cliente mum mom mummy mommy dad daddy mama papa
grandma grandpa granny auntie uncle mutti vati oma opa tante onkel maman tonton mamie papi mamá papá abuela abuelo tía
tío mamma nonna nonno zia zio moeder vader mor far mormor morfar farmor farfar manager boss chef sister brother mother
father chefin mutter vater schwester bruder mère père sœur frère madre padre subject re fwd date from to cc note
attention name surname firstname lastname address street city town country state phone email mail contact company
password username user vorname nachname betreff datum von an straße stadt ort land telefon firma passwort benutzer
anlage nom prénom adresse rue ville pays téléphone courriel société objet nombre apellido dirección calle ciudad país
teléfono correo empresa asunto fecha naam voornaam achternaam adres straat stad plaats telefoon bedrijf onderwerp
wachtwoord navn fornavn efternavn gade by virksomhed emne monday tuesday wednesday thursday friday saturday sunday
january february march july september october november december montag dienstag mittwoch donnerstag freitag samstag
sonntag januar februar märz juli oktober dezember lundi mardi mercredi jeudi vendredi samedi dimanche janvier février
juillet septembre octobre novembre décembre lunes martes miércoles jueves viernes sábado domingo enero febrero marzo
julio septiembre octubre noviembre diciembre maandag dinsdag woensdag donderdag vrijdag zaterdag zondag januari
februari maart mandag tirsdag onsdag torsdag fredag lørdag søndag today tomorrow yesterday heute morgen gestern demain
hier mañana ayer none unknown anonymous nobody unbekannt keine niemand inconnu anonyme aucun desconocido ninguno
onbekend geen ukendt ingen yes no ja nein oui non sí nee nej please bitte
"""
"""Greetings and closings, titles, relatives, roles, headings, names of fields, days, months, words for nothing."""
_ORDINARY = frozenset(_ORDINARY_WORDS.split())


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
        return _rule_name(text, entity, words, label, language, writes_small=writes_small)
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


def _rule_name(
    text: str, entity: Entity, words: Sequence[str], label: Label, language: str, *, writes_small: bool
) -> _Ruling:
    """Names of persons, places and companies."""
    value = text[entity.start : entity.end]
    if not words:
        return _Ruling.UNTAG if any(character.isdigit() for character in value) else _Ruling.KEEP
    if label.code in _PERSONS and any(character.isdigit() for character in value):
        return _Ruling.UNCLEAR
    known = list_known_names()
    is_known = value.casefold() in known or any(word.casefold() in known for word in words)
    is_small = value == value.lower() and value != value.upper()
    before = text[: entity.start]
    last, articles = _LAST_WORD.search(before), _ARTICLES.get(language, frozenset())
    follows_article = last is not None and last[1].casefold() in articles
    if (not is_small and len(words) > 1 and value.casefold() in known) or (
        label.code == "STREET" and value[-1].isdigit()
    ):
        return _Ruling.KEEP
    is_acronym = value.isupper() and len(value) > 1 and label.code not in _PERSONS
    if _is_ordinary(words, value, language) and not is_acronym:
        if is_small or len(words) > 1 or not (is_known or is_homograph(value)):
            return _Ruling.UNTAG
        return _Ruling.UNCLEAR if _SENTENCE_START.search(before) or follows_article else _Ruling.KEEP
    is_person = label.code in _PERSONS
    if is_small and writes_small:
        is_sure = is_known or label.code not in {*_PERSONS, "CITY"}
        return _Ruling.KEEP if is_sure and not (follows_article and not is_known) else _Ruling.UNCLEAR
    if is_small and len(words) > 1 and value.casefold() in known:
        return _Ruling.KEEP
    if is_small:
        may_be_name = len(words) > 1 or (is_known and not is_homograph(value) and not follows_article)
        return _Ruling.UNCLEAR if may_be_name else _Ruling.UNTAG
    leads_with_article = len(words) > 1 and words[0].casefold() in articles and (is_person or words[0].islower())
    if leads_with_article and all(word.casefold() in _ORDINARY or word.casefold() not in known for word in words[1:]):
        return _Ruling.UNCLEAR
    is_doubtful = is_person and language in COUNTRIES and not is_known and len(words) == 1 and follows_article
    return _Ruling.UNCLEAR if is_doubtful else _Ruling.KEEP


def _is_ordinary(words: Sequence[str], value: str, language: str) -> bool:
    """True if every word is a function word, a pronoun, a greeting, a title, a heading, a day or a month."""
    common = _list_common(language)
    is_words = bool(words) and not any(character.isdigit() for character in value)
    return is_words and all(word.casefold() in common for word in words)


@cache
def _list_common(language: str) -> frozenset[str]:
    return _ORDINARY | list_function_words(language) | list_pronouns(language)


def _is_name(label: Label) -> bool:
    """True if the label's values are names, which begin with a capital."""
    if label.code in _NAMES:
        return True
    known = (*label.examples, *label.terms)
    return label.group in _NAME_GROUPS and bool(known) and all(value[:1].isupper() for value in known)
