"""Streets, building numbers, postcodes with the city behind them, and companies with their legal form."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.annotation.labels.validators import check_value
from goldspan.predictors.patterns.candidates import (
    LOOSE,
    SHAPED,
    STATED,
    Candidate,
    LocalisedText,
    compile_stated,
    read_stated,
)

_NAME = r"\p{Lu}[\p{L}'’-]*"
_SMALL = r"(?:de|du|des|la|le|les|los|las|del|von|van|den|der|dem|zum|zur|am|an|im|of|the|y|et|e|af|d['’]|l['’])"
_WORDS = rf"(?:{_SMALL} ?){{0,3}}{_NAME}(?: (?:{_SMALL} )?{_NAME}){{0,3}}"
_NUMBER = r"(?P<number>\d{1,4}(?: ?(?:bis|ter|quater)\b| ?[a-zA-Z](?![\p{L}\d]))?(?:[-/]\d{1,4})?)(?![\d.])"
_STREETS = tuple(
    regex.compile(rf"(?<![\p{{L}}\d./-])(?:{pattern})")
    for pattern in (
        rf"(?P<street>(?:{_NAME}[ -])?(?:\p{{Lu}}[\p{{L}}'’-]*)?"
        r"(?:[sS]traße|[sS]trasse|[sS]tr\.|[wW]eg|[aA]llee|[pP]latz|[gG]asse|[dD]amm|[uU]fer|[rR]ing|[cC]haussee"
        r"|[sS]traat|[lL]aan|[pP]lein|[gG]racht|[kK]ade|[sS]ingel|[dD]ijk|[dD]reef|[sS]teeg"
        rf"|[vV]ej|[gG]ade|[aA]llé|[sS]træde|[pP]lads|[tT]orv|[bB]oulevard)) {_NUMBER}",
        rf"{_NUMBER},? (?P<street>(?:[A-Z]\. |(?:North|South|East|West|Old|New|St\.?) )?{_NAME}(?: {_NAME}){{0,2}} "
        r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Place|Pl\.?|Way|Close|Crescent"
        r"|Terrace|Boulevard|Blvd\.?|Parkway|Pkwy\.?|Square|Sq\.?|Gardens|Grove|Row|Hill|Mews|Circle|Trail))"
        r"(?![\p{L}])",
        rf"{_NUMBER},? (?P<street>(?i:rue|avenue|av\.|boulevard|bd|place|chemin|allée|impasse|quai|route|cours|square"
        rf"|passage|sentier|faubourg) {_WORDS})",
        rf"(?P<street>(?i:calle|c/|avenida|avda?\.|paseo|plaza|camino|carrera|ronda|travesía|calzada|via|viale|piazza"
        rf"|corso|rua|praça) ?{_WORDS}),? (?:(?i:n[°º]|núm\.?|número|no\.) ?)?{_NUMBER}",
    )
)
_BARE_STREET = regex.compile(
    rf"(?<![\p{{L}}\d./-])(?:\p{{Lu}}[\p{{L}}'’-]*(?:straße|strasse|str\.|gasse|allee|straat|laan|gracht|vej|gade)"
    rf"|{_NAME}(?: {_NAME}){{0,2}} (?:Street|St|Avenue|Ave|Road|Rd|Lane|Drive|Boulevard|Blvd|Terrace|Gardens|Crescent)"
    rf"|(?:[rR]ue|[cC]alle|[aA]venida|[bB]oulevard|[pP]aseo|[cC]alzada) {_WORDS}"
    rf"|(?:[aA]venue|[pP]lace|[aA]llée|[iI]mpasse|[cC]hemin|[rR]oute|[qQ]uai|[pP]laza) (?={_SMALL} ?){_WORDS}"
    r")(?![\p{L}\d])"
)
_STATED_NUMBER = compile_stated(
    r"house (?:number|no\.?)|building (?:number|no\.?)|hausnummer|hausnr\.?|numéro de (?:maison|rue)|"
    r"número de (?:casa|portal)|huisnummer|husnummer|husnr\.?",
    r"\d{1,4}(?: ?[a-zA-Z](?![\p{L}\d]))?(?![\p{L}\d])(?!\.\d)",
)
_SENTENCE_END = regex.compile(r"\s+\p{Lu}|\s*\n|\s*\Z")
_KEEPS_STOP = regex.compile(r"(?:\.\p{L}|Inc|Corp)\.\Z")
_STATED_ZIP = compile_stated(
    r"zip(?: ?code)?|post(?:al)?[- ]?code|plz|postleitzahl|code postal|código postal|c\.?p\.|postnummer|postnr\.?|"
    r"codice postale|(?-i:CAP)",
    r"(?:[A-Z]{1,2}-)?(?:\d{5}(?:-\d{4})?|\d{4} ?[A-Z]{2}|\d{4}(?:-\d{3})?|\d{3} \d{2}|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
    r"|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?![\p{L}\d])",
)
_STATES = (
    "AL|AK|AZ|AR|CA|CO|CT|DE|DC|FL|GA|HI|ID|IL|IN|IA|KS|KY|LA|ME|MD|MA|MI|MN|MS|MO|MT|NE|NV|NH|NJ|NM|NY|NC|ND|OH|OK|"
    "OR|PA|RI|SC|SD|TN|TX|UT|VT|VA|WA|WV|WI|WY"
)
_STATE_ZIP = regex.compile(
    rf"(?:(?<![\p{{L}}])(?P<city>{_NAME}(?: {_NAME}){{0,2}}), )?(?<![\p{{L}}\d])(?P<state>{_STATES}),? "
    r"(?P<zip>\d{5}(?:-\d{4})?)(?![\d-])"
)
_ADDRESS_END = regex.compile(r"(?<=\p{L}, )(?P<zip>\d{5}(?:-\d{4})?)(?=[.;)]?(?:\s|\Z))(?!\s+\p{Ll})")
_BRITISH = regex.compile(r"(?<![\p{L}\d])(?P<zip>[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2})(?![\p{L}\d])")
_CANADIAN = regex.compile(r"(?<![\p{L}\d])(?P<zip>[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d)(?![\p{L}\d])")
_CITY = rf"(?P<city>{_NAME}(?:[ -](?:{_SMALL}[ -])?{_NAME}){{0,2}}(?:/{_NAME})?)"
_DIGITS = {"DE": 5, "FR": 5, "ES": 5, "IT": 5, "MX": 5, "AT": 4, "CH": 4, "BE": 4, "DK": 4, "NO": 4}
_AFTER_COMMA = (
    r"(?:(?<=[,;|(·:] )|(?<=\n)|(?<=\A)|(?<=\t)|(?<=, C\.P\. )|(?<=\b(?:in|aus|nach|bei) )|(?<=\b(?:à|en|i|te) ))"
)
_WITH_CITY = {
    5: regex.compile(rf"{_AFTER_COMMA}(?P<zip>(?:[DF]-)?\d{{5}})(?!\d) {_CITY}"),
    4: regex.compile(rf"{_AFTER_COMMA}(?P<zip>(?:[A-Z]{{1,2}}-)?\d{{4}})(?!\d) {_CITY}"),
}
_DUTCH = regex.compile(
    rf"(?<![\p{{L}}\d])(?P<zip>[1-9]\d{{3}} ?(?!SA|SD|SS)[A-Z]{{2}})(?![\p{{L}}\d])(?: {{1,2}}{_CITY})?"
)
_FORM = (
    r"GmbH(?: & Co\. KG)?|AG|KG|OHG|UG|e\.K\.|mbH|Ltd\.?|Limited|LLC|LLP|Inc\.?|Corp\.?|Corporation|PLC|plc|SARL|SAS"
    r"|SASU|S\.A\.S\.|S\.A\.R\.L\.|SA|S\.A\.(?: de C\.V\.)?|S\.L\.(?:U\.)?|SL"
    r"|B\.V\.|BV|N\.V\.|NV|VOF|V\.O\.F\.|A/S|ApS|I/S|SE"
    r"|S\.p\.A\.|S\.r\.l\.|Lda\.?|AB|Oy|AS|SRL"
)
_COMPANY = regex.compile(
    rf"(?<![\p{{L}}\d])(?P<value>(?:[\p{{Lu}}\d][\p{{L}}\d'’.-]{{0,60}}(?:,? (?:&|and|und|et|y|en|og|e) | |, ))"
    rf"(?:[\p{{Lu}}\d][\p{{L}}\d'’-]{{0,60}}(?: (?:&|and|und|et|y|en|og|e) | |, )){{0,3}}?(?:{_FORM}))"
    r"(?![\p{L}\d]|[ -]\d)"
)


def find_streets(document: LocalisedText) -> Iterator[Candidate]:
    """Streets with their number, and without one where the name ends or begins as streets do."""
    text = document.text
    for pattern in _STREETS:
        for match in document.iter_numbers(pattern):
            end = match.end("street")
            yield Candidate(match.start("street"), _leave_full_stop(text, end), "STREET", SHAPED)
            yield Candidate(*match.span("number"), "BUILDINGNUM", SHAPED)
    yield from read_stated(document.iter_numbers(_STATED_NUMBER), "BUILDINGNUM")
    for match in _BARE_STREET.finditer(text):
        yield Candidate(match.start(), _leave_full_stop(text, match.end()), "STREET", LOOSE)


def find_postcodes(document: LocalisedText) -> Iterator[Candidate]:
    """Postcodes that are announced, stand with a state or before a city in an address, or have a form of their own."""
    yield from read_stated(document.iter_numbers(_STATED_ZIP), "ZIP")
    for country in document.countries:
        for pattern in _list_layouts(country):
            for match in pattern.finditer(document.text):
                if check_value("postcode", match.group("zip"), country):
                    yield from _read_layout(match)


def find_companies(document: LocalisedText) -> Iterator[Candidate]:
    """Names that end with a legal form."""
    for match in _COMPANY.finditer(document.text):
        yield Candidate(match.start("value"), _leave_full_stop(document.text, match.end("value")), "COMPANYNAME", LOOSE)


def _leave_full_stop(text: str, end: int) -> int:
    """The end without a full stop that closes the sentence as well."""
    closes = text[end - 1] == "." and _SENTENCE_END.match(text, end)
    return end - 1 if closes and not _KEEPS_STOP.search(text[max(0, end - 5) : end]) else end


def _list_layouts(country: str) -> tuple[regex.Pattern[str], ...]:
    special = {"US": (_STATE_ZIP, _ADDRESS_END), "GB": (_BRITISH,), "CA": (_CANADIAN,), "NL": (_DUTCH,)}
    if country in special:
        return special[country]
    return (_WITH_CITY[_DIGITS[country]],) if country in _DIGITS else ()


def _read_layout(match: regex.Match[str]) -> Iterator[Candidate]:
    groups = match.groupdict()
    for name, label, score in (("zip", "ZIP", STATED), ("city", "CITY", SHAPED), ("state", "STATE", SHAPED)):
        if groups.get(name):
            yield Candidate(*match.span(name), label, score)
