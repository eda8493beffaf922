"""Identity document numbers: passports, identity cards, driving licences, vehicle plates."""

from __future__ import annotations

from datetime import date
from random import Random

from goldspan.generators.surrogates.chance import CAPITALS, DIGITS, draw_digits, draw_from, fill_pattern, pick
from goldspan.generators.surrogates.checkdigits import draw_dni_es, draw_eid_be

_PASSPORTS = {
    "US": ("#########", "A########"),
    "GB": ("%########",),
    "AT": ("P#######", "U#######"),
    "CH": ("X#######", "S#######"),
    "FR": ("##@@#####",),
    "BE": ("E@######",),
    "ES": ("PA@######", "XD@######"),
    "MX": ("G########", "N########"),
    "DK": ("2########",),
}
_IDENTITY_CARDS = {
    "US": ("ID-@###-####", "@#######"),
    "GB": ("ZU#######",),
    "AT": ("PA########", "@######%"),
    "CH": ("C#######", "E#######"),
    "MX": ("IDMEX##########",),
    "DK": ("#########",),
}
_LICENCES = {
    "US": ("@#######", "@###-####-####", "########", "@@######"),
    "AT": ("########", "##/######"),
    "CH": ("############", "00#########"),
    "FR": ("##@@#####", "############"),
    "BE": ("##########",),
    "MX": ("@########", "T#########"),
    "NL": ("##########",),
    "DK": ("########",),
}
_PLATES = {
    "US": ("@@@ ####", "%@@@###", "@@@-###", "### @@@"),
    "GB": ("@@%# @@@",),
    "AT": ("G-###@@", "L ###@@", "KU-##@@@", "W-#####@"),
    "CH": ("ZH ######", "BE ######", "VD ######", "AG ######"),
    "FR": ("@@-###-@@",),
    "BE": ("1-@@@-###", "2-@@@-###"),
    "ES": ("#### @@@",),
    "MX": ("@@@-##-##", "@@@-###-@"),
    "NL": ("@@-###-@", "#-@@@-##", "@-###-@@", "##-@@@-#"),
    "DK": ("@@ ## ###",),
}
_PLATE_LETTERS = "BCDFGHJKLMNPRSTVWXYZ"
_ICAO_LETTERS = "CFGHJKLMNPRTVWXYZ"
_AREAS = ("B", "M", "HH", "KI", "L", "DD", "S", "HRO", "KS", "ROW", "WÜ", "FR", "ER", "BI")


def draw_serial_de(rng: Random) -> str:
    """A German passport or identity card number with its ICAO 9303 check digit (weights 7, 3, 1)."""
    serial = pick(rng, "CFGHJKLMNPR") + draw_from(rng, _ICAO_LETTERS + DIGITS, 8)
    total = sum(int(c, 36) * (7, 3, 1)[place % 3] for place, c in enumerate(serial))
    return f"{serial}{total % 10}"


def _draw_serial_nl(rng: Random) -> str:
    letters = CAPITALS.replace("O", "")
    return draw_from(rng, letters, 2) + draw_from(rng, letters + "123456789", 6) + draw_digits(rng, 1)


def draw_passport(rng: Random, country: str) -> str:
    """A passport number in the country's format."""
    if country == "DE":
        return draw_serial_de(rng)
    if country == "NL":
        return _draw_serial_nl(rng)
    return fill_pattern(rng, pick(rng, _PASSPORTS[country]))


def draw_identity_card(rng: Random, country: str) -> str:
    """The number of an identity card."""
    if country == "DE":
        return draw_serial_de(rng)[:9]
    if country == "NL":
        return _draw_serial_nl(rng)
    if country == "BE":
        return draw_eid_be(rng)
    if country == "ES":
        return fill_pattern(rng, "@@@######")
    if country == "FR":
        return draw_from(rng, "BCDFGHJKLMNPRTVWXZ" + DIGITS, 8) + "X" if rng.random() < 0.5 else draw_digits(rng, 12)
    return fill_pattern(rng, pick(rng, _IDENTITY_CARDS[country]))


def draw_licence(rng: Random, country: str, surname: str, born: date, gender: str) -> str:
    """The number of a driving licence."""
    if country == "GB":
        letters = "".join(c for c in surname.upper() if c in CAPITALS)[:5].ljust(5, "9")
        month = born.month + (50 if gender == "f" else 0)
        year = f"{born:%y}"
        return f"{letters}{year[0]}{month:02d}{born:%d}{year[1]}{pick(rng, CAPITALS)}9{fill_pattern(rng, '#@@')}"
    if country == "DE":
        return f"{pick(rng, CAPITALS)}{draw_digits(rng, 3)}{draw_from(rng, CAPITALS + DIGITS, 5)}{draw_digits(rng, 2)}"
    if country == "ES":
        return draw_dni_es(rng)
    return fill_pattern(rng, pick(rng, _LICENCES[country]))


def draw_plate(rng: Random, country: str) -> str:
    """The number plate of a vehicle."""
    if country == "DE":
        letters = draw_from(rng, _PLATE_LETTERS, rng.randint(1, 2))
        return f"{pick(rng, _AREAS)}-{letters} {rng.randint(10, 9999)}"
    return fill_pattern(rng, pick(rng, _PLATES[country]), letters=_PLATE_LETTERS)
