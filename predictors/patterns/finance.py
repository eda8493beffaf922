"""IBANs (ISO 13616) and card numbers (ISO/IEC 7812): both have check digits, and without valid ones they are none."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.annotation.labels.validators import check_value
from goldspan.predictors.patterns.candidates import CHECKED, Candidate, LocalisedText

_IBAN = regex.compile(r"(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}", regex.IGNORECASE)
_CARD = regex.compile(r"(?<![\p{L}\p{N}.+])(?<![\p{N}][ -])[2-6]\d{3}(?:[ -]?\d){8,15}(?![ -]?\d)(?![\p{L}\p{N}])")
_SHORTEST_IBAN = 15


def find_ibans(document: LocalisedText) -> Iterator[Candidate]:
    """Account numbers with valid check digits, in groups or not; what follows them without a mark is cut off."""
    text = document.text
    for match in _IBAN.finditer(text):
        end = match.end()
        while end - match.start() >= _SHORTEST_IBAN:
            at_edge = end == len(text) or not text[end].isalnum()
            if at_edge and check_value("iban", text[match.start() : end].replace("-", "")):
                yield Candidate(match.start(), end, "IBAN", CHECKED)
                break
            end -= 1


def find_cards(document: LocalisedText) -> Iterator[Candidate]:
    """Twelve to nineteen digits that pass the Luhn check."""
    for match in _CARD.finditer(document.text):
        if check_value("credit_card", match.group()):
            yield Candidate(*match.span(), "CREDITCARDNUMBER", CHECKED)
