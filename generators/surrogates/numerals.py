"""Ages in words."""

from __future__ import annotations

import re

_UNITS = {
    "en": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "de": ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
    "fr": ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"),
    "es": ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
    "nl": ("een", "twee", "drie", "vier", "vijf", "zes", "zeven", "acht", "negen"),
    "da": ("en", "to", "tre", "fire", "fem", "seks", "syv", "otte", "ni"),
}
_TENS = {
    "en": ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
    "de": ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"),
    "fr": ("vingt", "trente", "quarante", "cinquante", "soixante"),
    "es": ("veinte", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta", "noventa"),
    "nl": ("twintig", "dertig", "veertig", "vijftig", "zestig", "zeventig", "tachtig", "negentig"),
    "da": ("tyve", "tredive", "fyrre", "halvtreds", "tres", "halvfjerds", "firs", "halvfems"),
}


def write_age(age: int, language: str, country: str = "") -> str:
    """An age in words; in digits below twenty and where words are harder: French from 70, Spanish 20s and -uno."""
    ten, unit = divmod(age, 10)
    if not 2 <= ten < 2 + len(_TENS[language]) or (language == "es" and (ten == 2 or unit == 1)):
        return str(age)
    tens = _TENS[language][ten - 2].replace("ß", "ss" if country == "CH" else "ß")
    if not unit:
        return tens
    units = _UNITS[language][unit - 1]
    if language == "de":
        return f"{units}und{tens}"
    if language == "nl":
        return f"{units}{'ën' if units.endswith('e') else 'en'}{tens}"
    if language == "da":
        return f"{units}og{tens}"
    if language == "es":
        return f"{tens} y {units}"
    return f"{tens} et un" if language == "fr" and unit == 1 else f"{tens}-{units}"


_TEENS = """
ten eleven twelve teen zehn elf zwölf dix onze douze treize quatorze quinze seize diez once doce trece catorce quince
tien twaalf ti elleve tolv fjorten
"""


def names_number(words: str, language: str) -> bool:
    """True if words of a language name a number, such as forty-two, achtundvierzig or soixante-dix."""
    folded = words.casefold()
    stems = {*_UNITS.get(language, ()), *_TENS.get(language, ()), *_TEENS.split()}
    tokens = re.findall(r"[^\W\d_]+", folded)
    return any(stem in folded if len(stem) > 3 else stem in tokens for stem in stems)
