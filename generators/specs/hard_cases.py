"""What makes values hard to find: which labels a document type has, names in small letters, families, initials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from random import Random

from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.world import COUNTRIES

INFORMAL = frozenset({"chat", "sms", "forum_post", "voice_note", "post"})
STRUCTURED = frozenset({"form", "table", "record", "log", "scan", "delivery_note"})
_CODES = frozenset(
    {"chat", "support_email", "forum_post", "email_thread", "sms", "phone_transcript", "record", "log", "note"}
)
_FORMAL = frozenset({"bank_letter", "invoice", "rental_contract", "hr_memo", "form", "table", "record", "scan"})
_FITTING: Mapping[str, frozenset[str]] = {
    "PASSWORD": _CODES,
    "SECURITYTOKEN": _CODES,
    "USERNAME": _CODES | {"job_application", "table", "voice_note"},
    "CREDITCARDNUMBER": _FORMAL | {"support_email", "chat", "phone_transcript", "email_thread", "sms", "note"},
    "IBAN": _FORMAL | {"support_email", "email_thread", "job_application", "chat", "note"},
    "TAXNUM": _FORMAL | {"job_application", "email_thread", "note"},
    "LICENSEPLATENUM": frozenset(
        {"accident_report", "rental_contract", "invoice", "phone_transcript", "form", "table", "record", "chat", "log"}
        | {"note", "post", "sms"}
    ),
    "AGE": frozenset(
        {"medical_letter", "accident_report", "chat", "forum_post", "job_application", "phone_transcript", "voice_note"}
        | {"sms", "scan", "table", "support_email", "note", "post", "news"}
    ),
}
UNFIT_SHARE = 0.45
"""How often a label that is drawn stays in a document type that seldom has it."""
ADDRESS = frozenset({"STREET", "BUILDINGNUM", "ZIP", "CITY", "STATE", "COUNTRY"})
ABROAD = ADDRESS - {"COUNTRY", "ZIP"}
"""Labels of an address in another country; postcodes are checked against the country of the text."""
_NEEDS = {"BUILDINGNUM": "STREET", "ZIP": "CITY", "STATE": "CITY"}
_ALONE_SHARE = 0.4
WITHOUT_IBAN = frozenset({"US", "MX"})
"""Countries whose accounts have no IBAN."""
CASED = frozenset({"FIRSTNAME", "SURNAME", "CITY", "STREET", "COMPANYNAME", "STATE", "COUNTRY"})
FAMILY_SHARE, INITIAL_SHARE, ABROAD_SHARE = 0.15, 0.04, 0.05
"""Shares of documents with a family, of persons with an initial for a first name, of addresses in another country."""
OLDEST = {"job_application": 64, "hr_memo": 64}
"""The age that nobody exceeds in documents about work."""


def keep_fitting(rng: Random, labels: list[str], document_type: str, country: str) -> list[str]:
    """The labels that a document of the type has: most of the others are left out, and parts of addresses alone."""
    kept = []
    for code in labels:
        fits = document_type in _FITTING.get(code, (document_type,)) or rng.random() < UNFIT_SHARE
        needed = _NEEDS.get(code)
        has_rest = needed is None or needed in labels or rng.random() < _ALONE_SHARE
        if fits and has_rest and not (code == "IBAN" and country in WITHOUT_IBAN):
            kept.append(code)
    return kept


def choose_case(rng: Random, document_type: str) -> str:
    """How a document writes names: `lower`, `upper`, or as usual (empty)."""
    chance = rng.random()
    if document_type in INFORMAL and chance < 0.4:
        return "lower"
    if chance < 0.015:
        return "lower"
    return "upper" if chance > (0.88 if document_type in STRUCTURED else 0.985) else ""


def choose_abroad(rng: Random, language: str, country: str) -> tuple[str, str]:
    """Another country with one of its languages."""
    others = [(code, place) for code, places in COUNTRIES.items() for place in places if place != country]
    return pick(rng, [other for other in others if other[0] != language or rng.random() < 0.5] or others)


def shorten_name(name: str) -> str:
    """The initial of a name."""
    return name[:1].upper()


def find_case(values: Iterable[str]) -> Callable[[str], str]:
    """What writes other names as the document writes these."""
    names = [value for value in values if len(value) > 3]
    if names and all(name.islower() for name in names):
        return str.lower
    return str.upper if names and all(name.isupper() for name in names) else str
