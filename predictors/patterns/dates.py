"""Dates of birth and ages: a date is personal only where the text says that somebody was born on it."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.annotation.labels.validators import check_value
from goldspan.predictors.patterns.candidates import STATED, Candidate, LocalisedText

_MONTHS = (
    "january february march april may june july august september october november december "
    "januar februar märz april mai juni juli august september oktober november dezember jänner feber "
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre "
    "januari februari maart april mei juni juli augustus september oktober november december "
    "januar februar marts april maj juni juli august september oktober november december "
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre "
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"
)
_SHORT = "jan feb mar mär mrt apr jun jul aug sep sept oct okt nov dec dez déc janv févr avr juil ene abr ago dic"
_NAMES = "|".join(sorted({*_MONTHS.split(), *(rf"{name}\.?" for name in _SHORT.split())}, key=len, reverse=True))
_YEAR = r"(?:18|19|20)\d\d"
_DATE = (
    rf"(?:\d{{1,2}}[./-]\d{{1,2}}[./-](?:{_YEAR}|\d\d)|{_YEAR}[./-]\d{{1,2}}[./-]\d{{1,2}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th|er|\.|º)?(?: of| de)? ?[ -](?:{_NAMES})(?: de| del|,)?[ -]{_YEAR}"
    rf"|(?:{_NAMES}) \d{{1,2}}(?:st|nd|rd|th)?,? {_YEAR})"
)
_BIRTH = (
    r"born|birth ?date|birthday|date of birth|d\.?o\.?b\.?|geb(?:oren|\.)|geburtsdatum|geburtstag|né\(?e?\)?|née|"
    r"(?:date de )?naissance|nacid[oa]s?|nació|nací|(?:fecha de )?nacimiento|f\. ?nac\.?|geboortedatum|geboortedag|"
    r"født|fødselsdato(?:en)?|fødselsdag(?:en)?|fødd|nat[oa] il|nascita|nascid[oa]|nascimento"
)
_BORN = regex.compile(
    rf"(?<![\p{{L}}])(?i:{_BIRTH})(?![\p{{L}}])(?:[^.!?;\d]|(?<=\b\p{{Lu}}\p{{L}}{{0,3}})\.){{0,40}}?(?<![\d./-])(?P<value>(?i:{_DATE}))(?![\d/-])"
)
_BIRTH_AFTER = r"(?i:geboren|date of birth|born\b|(?:is|as) (?:my|his|her|their) (?:birthday|date of birth)|født)"
_TELLS_BIRTH = regex.compile(_BIRTH_AFTER)
_BORN_AFTER = regex.compile(
    rf"(?<![\d./-])(?P<value>(?i:{_DATE}))(?![\d/-])[^.!?;\d,]{{0,14}}?(?<![\p{{L}}]){_BIRTH_AFTER}(?![\p{{L}}])"
)
_LONGEST_DATE = 80
"""Characters of a date in words and of what may stand between it and the word for birth."""

_TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES = "one|two|three|four|five|six|seven|eight|nine"
_NUMBER = rf"(?P<value>\d{{1,3}}|(?i:eighteen|nineteen|(?:{_TENS})(?:-(?:{_ONES}))?))"
_ONLY = r" (?P<value>\d{2})(?=[,;]|\.(?!\d)|\n| (?i:and|und|en|og|years|jahre|now)\b)"
_AGES = tuple(
    regex.compile(rf"(?<![\p{{L}}\d.,/-])(?:{pattern})")
    for pattern in (
        rf"{_NUMBER}[ -](?i:years?[ -]old|year[ -]olds?|y/?o\b|yrs? old)",
        rf"(?i:aged?|age of)[: |]{{1,3}}{_NUMBER}(?![\d.,/-]*\d)(?! ?(?i:minutes|days|weeks|months|km|%))",
        rf"(?i:i am|i['’]m|s?he is|s?he['’]s|they are){_ONLY}",
        rf"(?i:ich bin|(?:sie|er) ist|ik ben|(?:hij|zij|ze) is|jeg er|(?:han|hun) er){_ONLY}",
        r"(?i:mit) (?P<value>\d{1,3})(?i: jahren)(?! (?:[EGL]|in\b))",
        r"(?i:à) (?P<value>\d{1,3})(?i: ans)(?! (?:de|d['’]))",
        r"(?P<value>\d{1,3})(?i: jahre alt|[- ]?jährige[nrsm]?| jahre jung)",
        r"(?i:alter(?: von)?|im alter von)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
        r"(?i:âgée?s? de|âge ?:|à l['’]âge de|j['’]ai|(?:il|elle) a|ayant)[ |]{1,2}(?P<value>\d{1,3})(?i: ans)",
        r"(?i:âge)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
        r"(?i:tengo|tiene|de|con)[ ](?P<value>\d{1,3})(?i: años)"
        r"(?! (?:de (?:experiencia|antigüedad|servicio)|en|como))",
        r"(?P<value>\d{1,3})(?i: años de edad| años cumplidos)",
        r"(?i:edad)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
        r"(?P<value>\d{1,3})(?i:[- ]jarige| jaar oud| jaar jong)",
        r"(?i:leeftijd(?: van)?)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
        r"(?P<value>\d{1,3})(?i:[- ]årige?| år gammel)",
        r"(?i:alder(?:en)?(?: af| på)?)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
        r"(?P<value>\d{1,3})(?i: anni di età| anos de idade)",
        r"(?i:età|idade)[: |]{1,3}(?P<value>\d{1,3})(?!\d)",
    )
)

_AGES_IN_WORDS = 2
"""The first ones also find ages without a digit."""


def find_birth_dates(document: LocalisedText) -> Iterator[Candidate]:
    """Dates behind a word for birth, at most forty characters without a full stop away, or right before one."""
    matches = [*document.iter_numbers(_BORN)]
    if word := _TELLS_BIRTH.search(document.text):
        matches += _BORN_AFTER.finditer(document.text, max(0, word.start() - _LONGEST_DATE))
    for match in matches:
        if check_value("date_of_birth", match.group("value")):
            yield Candidate(match.start("value"), match.end("value"), "DATEOFBIRTH", STATED)


def find_ages(document: LocalisedText) -> Iterator[Candidate]:
    """Numbers up to 120 that the text calls somebody's age; English ones also in words."""
    for number, pattern in enumerate(_AGES):
        in_words = number < _AGES_IN_WORDS
        for match in pattern.finditer(document.text) if in_words else document.iter_numbers(pattern):
            if check_value("age", match.group("value")):
                yield Candidate(*match.span("value"), "AGE", STATED)
