"""Numbers that states give to people and vehicles.

A number is recognised because the text says what it is (`passport no. C01X00T47`), or because its country's form
and check digits leave little else. Context decides the label: the same number is an SSN behind `social security`
and a NATIONALID behind `CPR`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import regex

from goldspan.predictors.patterns.candidates import (
    CHECKED,
    SHAPED,
    STATED,
    Candidate,
    LocalisedText,
    compile_stated,
    read_stated,
)

_NUMBER_WORD = r"(?:[- ]?(?:numbers?|no\.?|nummer|nr\.?|num\.?|n[°º]\.?|#|code))?"
_VALUE = (
    r"(?:\p{Lu}{2,3}-)?(?:\p{Lu}{1,5}[ -]?)?\d[\p{Lu}\d]*(?:[ ./-](?:\d[\p{Lu}\d]*|\p{Lu} ?\d{2,})){0,6}"
    r"(?:[ -]?\p{Lu}{1,3}(?![\p{L}\d]))?(?![\p{L}\d])"
)
_PLATE = r"(?:[\p{Lu}\d]{1,4}(?:[ ·-]{1,2}[\p{Lu}\d]{1,5}){1,3}|[\p{Lu}\d]{5,8})(?![\p{L}\d])"
_MIXED = r"(?=[\p{Lu} ·-]{0,25}\d)(?=[\d ·-]{0,25}\p{Lu})"

_STATED_WORDS = {
    "SSN": (
        r"social security|ssn|national insurance|nino\b|n\.?i\.?(?= n)|social insurance|sozialversicherung(?:s)?|sv-|"
        r"rentenversicherung(?:s)?|ahv-?|(?:numéro )?(?:de )?sécurité sociale|n° (?:de )?sécu|assurance sociale|"
        r"seguridad social|nss|sofi-?|inss|sociale ?zekerheid(?:s)?|socialsikring(?:s)?|sygesikr(?:ing|et)|zorgpas|"
        r"insured under|versichert unter|versicher(?:ten|ungs)(?:nummer|karte|-nr\.?)|carte d['’]assurance|"
        r"assurée? sous|numéro d['’]assuré|verzekerd onder|afiliad[oa] con"
    ),
    "NATIONALID": (
        r"national (?:id(?:entity|entification)?|number|register)|personal (?:id(?:entity|entification)? )?number|"
        r"dni|(?-i:NIE)|curp|bsn|burgerservice|cpr|person(?:en)?-?nummer|personenkenn(?:ziffer|nummer)|zmr-?zahl|"
        r"nhs|personal(?= no\.?| number)|pesel|rijksregister|"
        r"numéro national|registre national|\bnir|número nacional|documento nacional de identidad|henkilötunnus|"
        r"fødsels(?:nummer)|ciudadanía|nationale id|national-?id"
    ),
    "IDCARDNUM": (
        r"id(?:entity|entification)? card|\bid[- ]card|personalausweis(?:es)?|ausweis(?:es)?|identitätskarte|"
        r"carte (?:nationale )?d['’]identité|\bcni|tarjeta de identidad|carné de identidad|"
        r"(?:documento|cédula) de identidad|credencial|identiteitskaart|id-?kaart|identiteitsbewijs|id-?kort|"
        r"identitetskort|legitimationskort|carta d['’]identità|(?-i:INE)|cartão de cidadão"
    ),
    "PASSPORTID": r"passport|reisepass(?:es)?|\bpass(?=-?(?:nr|nummer|no\b|number))|passeport|pasaporte|"
    r"paspoort|\bpas-?(?:nummer|nr)|"
    r"passaport[oe]",
    "DRIVERLICENSENUM": (
        r"driver['’]?s?['’]? ?licen[sc]e|driving licen[sc]e|führerschein(?:s)?|führerausweis|permis de conduire|"
        r"(?:permiso|licencia|carn[eé]t?) de conducir|rijbewijs|kørekort(?:s)?|patente di guida|carta de condução"
    ),
    "TAXNUM": (
        r"tax(?:payer)?[- ]?(?:id(?:entification)?|reference|file|payer)?|(?-i:TIN|ITIN|UTR)|steuer-?id(?:nr)?|"
        r"steueridentifikations(?:nummer)?|steuernummer|steuer-?|\bst\.?-?nr\.?|numéro (?:de contribuable|fiscal)|"
        r"(?:référence|identifiant) fiscal|(?-i:SPI|NIF)|(?:identificación|número) fiscal|(?-i:RFC)|fiscaal|belasting|"
        r"skatte?-?|codice fiscale|contribuinte"
    ),
}
_STATED = {label: compile_stated(rf"(?:{words}){_NUMBER_WORD}", _VALUE) for label, words in _STATED_WORDS.items()}
_STATED_PLATE = compile_stated(
    r"(?:licen[sc]e|number|registration|vehicle) ?plates?|plates?|(?:vehicle |car )?registration|vehicle(?=:)|"
    r"fahrzeug(?=:)|véhicule(?= ?:)|reg\.|kennzeichen|"
    r"nummernschild|kontrollschild|plaque(?: d['’]immatriculation)?|immatricul(?:ation|ée?)|matrículas?|placas?|"
    r"kenteken(?:plaat)?|nummerplaat|nummerplade|registreringsnummer|targa|matrícula",
    _MIXED + _PLATE,
)


@dataclass(frozen=True, slots=True)
class _Form:
    """A form that speaks for itself in its country; `module` of python-stdnum checks it, empty: the form is enough."""

    country: str
    label: str
    pattern: str
    module: str = ""


_CANTONS = "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH"
_FORMS = (
    _Form("US", "SSN", r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    _Form("US", "TAXNUM", r"9\d{2}-\d{2}-\d{4}", "us.itin"),
    _Form("GB", "SSN", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    _Form("DE", "SSN", r"\d{2} ?\d{6} ?[A-Z] ?\d{3}"),
    _Form("DE", "TAXNUM", r"\d{2} \d{3} \d{3} \d{3}", "de.idnr"),
    _Form("AT", "SSN", r"\d{4} ?\d{6}", "at.vnr"),
    _Form("GB", "NATIONALID", r"\d{3} \d{3} \d{4}", "gb.nhs"),
    _Form("CH", "SSN", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn"),
    _Form("FR", "NATIONALID", r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    _Form("ES", "NATIONALID", r"\d{2}\.?\d{3}\.?\d{3}[ -]?[A-Z]", "es.dni"),
    _Form("ES", "NATIONALID", r"[XYZ]-?\d{7}-?[A-Z]", "es.nie"),
    _Form("MX", "NATIONALID", r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z\d]\d", "mx.curp"),
    _Form("MX", "TAXNUM", r"[A-ZÑ&]{4}\d{6}[A-Z\d]{3}", "mx.rfc"),
    _Form("DK", "NATIONALID", r"\d{6}-\d{4}", "dk.cpr"),
    _Form("BE", "NATIONALID", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn"),
    _Form("SE", "NATIONALID", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    _Form("FI", "NATIONALID", r"\d{6}[-+A]\d{3}[\dA-Z]", "fi.hetu"),
    _Form("IT", "TAXNUM", r"[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale"),
    _Form("GB", "LICENSEPLATENUM", r"[A-Z]{2}\d{2} [A-Z]{3}"),
    _Form("DE", "LICENSEPLATENUM", r"[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?"),
    _Form("AT", "LICENSEPLATENUM", r"[A-Z]{1,2}-\d{1,5} ?[A-Z]{1,3}"),
    _Form("CH", "LICENSEPLATENUM", rf"(?:{_CANTONS}) ?\d{{3,6}}"),
    _Form("FR", "LICENSEPLATENUM", r"[A-HJ-NP-TV-Z]{2}-\d{3}-[A-HJ-NP-TV-Z]{2}"),
    _Form("ES", "LICENSEPLATENUM", r"\d{4} [BCDFGHJKLMNPRSTVWXYZ]{3}"),
    _Form("NL", "LICENSEPLATENUM", r"(?:[A-Z]{2}-\d{3}-[A-Z]|[A-Z]-\d{3}-[A-Z]{2}|\d{1,2}-[A-Z]{3}-\d{1,2})"),
    _Form("DK", "LICENSEPLATENUM", r"[A-Z]{2} \d{2} \d{3}"),
)
_COMPILED = tuple((form, regex.compile(rf"(?<![\p{{L}}\d.-]){form.pattern}(?![\p{{L}}\d])")) for form in _FORMS)
_FEWEST = 5
_DATE = regex.compile(r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})\Z|(?:19|20)\d{2}-\d{2}-\d{2}\Z")


def find_identifiers(document: LocalisedText) -> Iterator[Candidate]:
    """Numbers that the text calls by name, of at least five letters and digits; of two readings the nearer one wins."""
    for label, pattern in _STATED.items():
        for match in document.iter_numbers(pattern):
            start, end = match.span("value")
            if _looks_issued(match.group("value")):
                nearness = 0.03 / (1 + start - match.start())
                yield Candidate(start, end, label, STATED + nearness)
    for candidate in read_stated(document.iter_numbers(_STATED_PLATE), "LICENSEPLATENUM"):
        if candidate.end - candidate.start >= _FEWEST - 1:
            yield candidate


def find_self_evident(document: LocalisedText) -> Iterator[Candidate]:
    """Numbers in a form of one of the document's countries, with valid check digits where the form has them."""
    for form, pattern in _COMPILED:
        if form.country not in document.countries:
            continue
        for match in pattern.finditer(document.text):
            if not form.module:
                yield Candidate(*match.span(), form.label, SHAPED)
            elif _load_check(form.module)(match.group()):
                yield Candidate(*match.span(), form.label, SHAPED + (CHECKED - SHAPED) / 2)


def _looks_issued(value: str) -> bool:
    return sum(map(str.isalnum, value)) >= _FEWEST and not _DATE.match(value)


@cache
def _load_check(module: str) -> Callable[[str], bool]:
    import importlib

    check: Callable[[str], bool] = importlib.import_module(f"stdnum.{module}").is_valid
    return check
