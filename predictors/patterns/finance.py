"""IBANs (ISO 13616) and card numbers (ISO/IEC 7812): both have check digits, and without valid ones they are none.

Candidates are windows over runs of groups; the checker decides. So a number is found beside another one, or before an
expiry date.
"""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.annotation.labels.validators import check_value
from goldspan.predictors.patterns.candidates import CHECKED, Candidate, LocalisedText

_IBAN_START = regex.compile(r"(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}(?=[ .-]?[A-Za-z0-9])")
_IBAN_REST = regex.compile(r"(?:[ .-]?[A-Za-z0-9]){11,30}")
_SHORTEST_IBAN = 15
_RUN = regex.compile(r"(?<![\p{L}\p{N}.+-])(?<![\p{L}\p{N}]_+)(?<![\p{N}][ .-])\d++(?:[ .-]\d++)*+(?!_*\p{L}|_+\p{N})")
_GROUP = regex.compile(r"\d+")
_MARKS, _NO_DIGITS = regex.compile(r"[ .-]"), regex.compile(r"\D")
_SHAPES = frozenset(
    {(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 4, 3), (4, 4, 4, 1), (8, 8)} | {(size,) for size in range(13, 20)}
)
"""Group sizes in which cards are written; a whole run of 12 to 19 digits may have any."""

_ISSUER = regex.compile(r"4|5[1-5]|2[2-7]|3[0-9]|6")
_FEWEST, _MOST = 12, 19


def find_ibans(document: LocalisedText) -> Iterator[Candidate]:
    """Account numbers with valid check digits, in groups or not; what follows them without a mark is cut off."""
    text = document.text
    position = 0
    while start := _IBAN_START.search(text, position):
        position = start.end()
        rest = _IBAN_REST.match(text, start.end())
        end = rest.end() if rest else 0
        while end - start.start() >= _SHORTEST_IBAN:
            value = text[start.start() : end]
            at_edge = end == len(text) or not text[end].isalnum()
            if at_edge and value[-1].isalnum() and check_value("iban", _MARKS.sub("", value)):
                yield Candidate(start.start(), end, "IBAN", CHECKED)
                position = end
                break
            end -= 1


def find_cards(document: LocalisedText) -> Iterator[Candidate]:
    """Twelve to nineteen digits that pass the Luhn check: a whole run, or groups of a run in the shape of a card."""
    for run in _RUN.finditer(document.text):
        groups = [match.span() for match in _GROUP.finditer(document.text, *run.span())]
        if _is_card(document.text[run.start() : run.end()], whole=True):
            yield Candidate(*run.span(), "CREDITCARDNUMBER", CHECKED)
            continue
        first = 0
        while first < len(groups):
            last = _find_window(document.text, groups, first)
            if last >= 0:
                yield Candidate(groups[first][0], groups[last][1], "CREDITCARDNUMBER", CHECKED)
            first = max(first, last) + 1


def _find_window(text: str, groups: list[tuple[int, int]], first: int) -> int:
    """The last group of the longest card that begins with a group; -1 if none does."""
    best = -1
    sizes: list[int] = []
    for number in range(first, min(first + 5, len(groups))):
        sizes.append(groups[number][1] - groups[number][0])
        value = text[groups[first][0] : groups[number][1]]
        marks = {mark for mark in value if not mark.isdigit()}
        if tuple(sizes) in _SHAPES and len(marks) <= 1 and _is_card(value, whole=False):
            best = number
    return best


def _is_card(value: str, *, whole: bool) -> bool:
    digits = _NO_DIGITS.sub("", value)
    if not _FEWEST <= len(digits) <= _MOST or not _ISSUER.match(digits):
        return False
    if whole and "." in value and tuple(map(len, value.split("."))) not in _SHAPES:
        return False
    return check_value("credit_card", digits)
