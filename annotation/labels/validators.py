"""Validate values: check digits, formats, plausibility.

Numbers are checked by python-stdnum and phonenumbers. Where no rule is known for a country, a value counts
as valid.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache

from goldspan.annotation.errors import UnknownNameError

_EMAIL = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@(?:[\w-]+\.)+[^\W\d_]{2,}\Z")
_URL = re.compile(r"(?:https?://)?(?:[\w-]+\.)+[^\W\d_]{2,}(?::\d+)?(?:[/?#]\S*)?\Z", re.IGNORECASE)
_POSTCODES = {
    "US": r"\d{5}(?:-\d{4})?",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "AU": r"\d{4}",
    "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}",
    "DE": r"(?:D-)?\d{5}",
    "AT": r"(?:A-)?\d{4}",
    "CH": r"(?:CH-)?\d{4}",
    "FR": r"(?:F-)?\d{5}",
    "BE": r"(?:B-)?\d{4}",
    "ES": r"\d{5}",
    "MX": r"\d{5}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "DK": r"(?:DK-)?\d{4}",
    "IT": r"\d{5}",
    "PT": r"\d{4}-\d{3}",
    "SE": r"\d{3} ?\d{2}",
}
_NUMBERS: dict[str, dict[str, tuple[str, ...]]] = {
    "ssn": {
        "US": ("us.ssn",),
        "DE": ("de.svnr",),
        "AT": ("at.vnr",),
        "CH": ("ch.ssn",),
        "FR": ("fr.nir",),
        "BE": ("be.nn",),
        "NL": ("nl.bsn",),
        "DK": ("dk.cpr",),
        "CA": ("ca.sin",),
    },
    "national_id": {
        "ES": ("es.dni", "es.nie"),
        "NL": ("nl.bsn",),
        "DK": ("dk.cpr",),
        "FR": ("fr.nir",),
        "BE": ("be.nn",),
        "MX": ("mx.curp",),
        "CH": ("ch.ssn",),
        "PL": ("pl.pesel",),
        "SE": ("se.personnummer",),
        "FI": ("fi.hetu",),
        "NO": ("no.fodselsnummer",),
        "IT": ("it.codicefiscale",),
        "PT": ("pt.cc",),
    },
    "tax_number": {
        "DE": ("de.idnr", "de.stnr"),
        "US": ("us.tin",),
        "GB": ("gb.utr",),
        "AT": ("at.tin",),
        "FR": ("fr.nif",),
        "ES": ("es.nif",),
        "NL": ("nl.bsn",),
        "DK": ("dk.cpr",),
        "BE": ("be.nn",),
        "MX": ("mx.rfc",),
        "PT": ("pt.nif",),
        "IT": ("it.codicefiscale",),
    },
}
_WORD_AGES = re.compile(r"[^\d]+\Z")


@cache
def _number_modules(kind: str, country: str) -> tuple[Callable[[str], bool], ...]:
    found = []
    for name in _NUMBERS[kind].get(country, ()):
        try:
            found.append(importlib.import_module(f"stdnum.{name}").is_valid)
        except ModuleNotFoundError:
            continue
    return tuple(found)


def _check_number(kind: str) -> Callable[[str, str], bool]:
    def check(value: str, country: str) -> bool:
        rules = _number_modules(kind, country)
        return any(is_valid(value) for is_valid in rules) if rules else any(character.isdigit() for character in value)

    return check


def _check_email(value: str, country: str) -> bool:
    return len(value) <= 254 and _EMAIL.match(value) is not None


def _check_url(value: str, country: str) -> bool:
    return _URL.match(value) is not None


def _check_phone(value: str, country: str) -> bool:
    import phonenumbers

    if not country and not value.strip().startswith("+"):
        return 5 <= sum(character.isdigit() for character in value) <= 15
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, country or None))
    except phonenumbers.NumberParseException:
        return False


def _check_card(value: str, country: str) -> bool:
    from stdnum import luhn

    digits = re.sub(r"[\s.\u2010-\u2015\u2212-]", "", value)
    return digits.isdigit() and 12 <= len(digits) <= 19 and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _check_iban(value: str, country: str) -> bool:
    from stdnum import iban

    return bool(iban.is_valid(value, check_country=False))


def _check_age(value: str, country: str) -> bool:
    return _WORD_AGES.match(value) is not None or (value.isdigit() and 0 <= int(value) <= 120)


def _check_birth_date(value: str, country: str) -> bool:
    years = re.findall(r"(?<!\d)[0-9]{4}(?!\d)", value)
    if years:
        return any(1890 <= int(year) <= datetime.now(UTC).year for year in years)
    return any(character.isdigit() for character in value)


def _check_postcode(value: str, country: str) -> bool:
    pattern = _POSTCODES.get(country)
    return any(c.isdigit() for c in value) if pattern is None else re.fullmatch(pattern, value.upper()) is not None


_CHECKS: dict[str, Callable[[str, str], bool]] = {
    "email": _check_email,
    "url": _check_url,
    "phone": _check_phone,
    "credit_card": _check_card,
    "iban": _check_iban,
    "age": _check_age,
    "date_of_birth": _check_birth_date,
    "postcode": _check_postcode,
    **{kind: _check_number(kind) for kind in _NUMBERS},
}

VALIDATORS = tuple(sorted(_CHECKS))
"""Names that the `validator` of a label may have."""


@lru_cache(maxsize=65536)
def check_value(validator: str, value: str, country: str = "") -> bool:
    """False only if the value is known to be invalid for this country (ISO 3166-1 alpha-2, or empty).

    Raises:
        UnknownNameError: there is no such validator.
    """
    check = _CHECKS.get(validator)
    if check is None:
        raise UnknownNameError("validator", validator, VALIDATORS)
    return check(value, country)
