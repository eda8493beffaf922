"""Numbers with check digits: cards, accounts, and the personal numbers of thirteen countries' states.

Rules: Luhn (ISO/IEC 7812-1), IBAN (ISO 13616, ISO 7064 mod 97-10), and for each personal number the rule its
state publishes, as python-stdnum documents it. The tests hold every number against python-stdnum.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from random import Random

from goldspan.generators.surrogates.chance import CAPITALS, draw_digits, fill_pattern, pick

IBAN_PATTERNS = {
    "GB": "@@@@##############",
    "DE": "##################",
    "AT": "################",
    "CH": "#################",
    "FR": "###########",
    "BE": "##########",
    "ES": "########",
    "NL": "@@@@##########",
    "DK": "##############",
}
"""What follows country and check digits; FR, BE and ES get their national check digits appended."""

_BANKS = {"GB": ("NWBK", "BARC", "LOYD", "HBUK", "MIDL"), "NL": ("ABNA", "INGB", "RABO", "TRIO", "SNSB")}
_CARDS = ("4###############", "5%##############", "2#5#############", "37#############", "4###############")


def luhn_digit(digits: str) -> str:
    """The check digit that Luhn's rule puts behind `digits`."""
    doubled = (int(d) * 2 if position % 2 == 0 else int(d) for position, d in enumerate(reversed(digits)))
    return str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)


def weigh(digits: str, weights: Sequence[int]) -> int:
    """The sum of each digit times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def draw_card(rng: Random) -> str:
    """A card number of 15 or 16 digits that passes Luhn's check, without separators."""
    pattern = pick(rng, _CARDS)
    if pattern.startswith("5"):
        body = "5" + pick(rng, "12345") + draw_digits(rng, 13)
    elif pattern.startswith("2"):
        body = str(rng.randint(2300, 2699)) + draw_digits(rng, 11)
    else:
        body = fill_pattern(rng, pattern)[:-1]
    return draw_card(rng) if body.startswith("4111") else body + luhn_digit(body)


def draw_iban(rng: Random, country: str) -> str:
    """A valid IBAN without spaces; countries without IBANs (US, MX) get one of a neighbour in trade."""
    if country not in IBAN_PATTERNS:
        country = "ES" if country == "MX" else "GB"
    account = fill_pattern(rng, IBAN_PATTERNS[country])
    if country in _BANKS:
        account = pick(rng, _BANKS[country]) + account[4:]
    if country == "BE":
        account += f"{int(account) % 97 or 97:02d}"
    elif country == "ES":
        account = _spanish_account(rng, account)
    elif country == "FR":
        account = _french_account(rng)
    number = "".join(str(int(character, 36)) for character in account + country) + "00"
    return f"{country}{98 - int(number) % 97:02d}{account}"


def _spanish_account(rng: Random, bank: str) -> str:
    weights = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)
    own = draw_digits(rng, 10)
    checks = (11 - weigh("00" + bank, weights) % 11, 11 - weigh(own, weights) % 11)
    return bank + "".join({10: "1", 11: "0"}.get(check, str(check)) for check in checks) + own


def _french_account(rng: Random) -> str:
    bank, branch, own = draw_digits(rng, 5), draw_digits(rng, 5), draw_digits(rng, 11)
    key = 97 - (89 * int(bank) + 15 * int(branch) + 3 * int(own)) % 97
    return f"{bank}{branch}{own}{key:02d}"


def draw_ssn_us(rng: Random) -> str:
    """A US social security number of an area that is given out."""
    area = rng.choice([*range(1, 666), *range(667, 900)])
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def draw_itin_us(rng: Random) -> str:
    """A US individual taxpayer identification number."""
    return f"9{draw_digits(rng, 2)}-{pick(rng, (70, 72, 75, 78, 81, 84, 86, 90, 94, 97))}-{draw_digits(rng, 4)}"


def draw_nino_gb(rng: Random) -> str:
    """A British national insurance number; prefixes that are not given out are left out."""
    while True:
        prefix = pick(rng, "ABCEGHJKLMNOPRSTWXYZ") + pick(rng, "ABCEGHJKLMNPRSTWXYZ")
        if prefix not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}:
            return f"{prefix} {draw_digits(rng, 2)} {draw_digits(rng, 2)} {draw_digits(rng, 2)} {pick(rng, 'ABCD')}"


def draw_nhs_gb(rng: Random) -> str:
    """A British NHS number: ten digits, mod 11."""
    while True:
        digits = pick(rng, "4679") + draw_digits(rng, 8)
        check = -weigh(digits, range(10, 1, -1)) % 11
        if check < 10:
            return f"{digits[:3]} {digits[3:6]} {digits[6:]}{check}"


def draw_utr_gb(rng: Random) -> str:
    """A British unique taxpayer reference: the check digit comes first."""
    digits = draw_digits(rng, 9)
    return "21987654321"[weigh(digits, (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] + digits


def draw_idnr_de(rng: Random) -> str:
    """A German tax identification number: one digit twice or thrice among the first ten, ISO 7064 mod 11,10."""
    digits = rng.sample("0123456789", 9)
    digits.append(pick(rng, digits))
    rng.shuffle(digits)
    if digits[0] == "0":
        return draw_idnr_de(rng)
    product = 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    number = "".join(digits) + str((11 - product) % 10)
    return f"{number[:2]} {number[2:5]} {number[5:8]} {number[8:]}"


def draw_svnr_de(rng: Random, born: date, surname: str) -> str:
    """A German pension insurance number (§ 147 SGB VI, VKVV § 4)."""
    area = pick(rng, ("12", "13", "15", "20", "50", "53", "65"))
    initial = surname[:1].upper() if surname[:1].upper() in CAPITALS and surname else pick(rng, CAPITALS)
    body = f"{area}{born:%d%m%y}{initial}{rng.randint(0, 99):02d}"
    digits = f"{body[:8]}{ord(initial) - 64:02d}{body[9:]}"
    products = (int(d) * w for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True))
    return f"{body[:2]} {body[2:8]} {body[8]} {body[9:]}{sum(p // 10 + p % 10 for p in products) % 10}"


def draw_vnr_at(rng: Random, born: date) -> str:
    """An Austrian social insurance number: serial, check digit, date of birth."""
    while True:
        serial, day = str(rng.randint(100, 999)), f"{born:%d%m%y}"
        check = (weigh(serial, (3, 7, 9)) + weigh(day, (5, 8, 4, 2, 1, 6))) % 11
        if check < 10:
            return f"{serial}{check} {day}"


def draw_tin_at(rng: Random) -> str:
    """An Austrian tax number of an existing tax office."""
    digits = pick(rng, ("03", "04", "09", "10", "12", "46", "59", "68", "81", "93")) + draw_digits(rng, 6)
    total = sum(int("0246813579"[int(d)]) if position % 2 else int(d) for position, d in enumerate(digits))
    return f"{digits[:2]}-{digits[2:5]}/{digits[5:]}{-total % 10}"


def draw_ahv_ch(rng: Random) -> str:
    """A Swiss AHV number: EAN-13 with prefix 756."""
    digits = "756" + draw_digits(rng, 9)
    check = -weigh(digits, (1, 3) * 6) % 10
    return f"756.{digits[3:7]}.{digits[7:11]}.{digits[11:]}{check}"


def draw_nir_fr(rng: Random, born: date, gender: str) -> str:
    """A French social security number (NIR) with its key."""
    department = rng.choice([number for number in range(1, 96) if number != 20])
    commune, serial = rng.randint(1, 400), rng.randint(1, 700)
    body = f"{'2' if gender == 'f' else '1'}{born:%y%m}{department:02d}{commune:03d}{serial:03d}"
    key = 97 - int(body) % 97
    return f"{body[0]} {body[1:3]} {body[3:5]} {body[5:7]} {body[7:10]} {body[10:]} {key:02d}"


def draw_nif_fr(rng: Random) -> str:
    """A French tax number (numéro fiscal de référence, SPI)."""
    digits = pick(rng, "0123") + draw_digits(rng, 9)
    number = f"{digits}{int(digits) % 511:03d}"
    return f"{number[:2]} {number[2:4]} {number[4:7]} {number[7:10]} {number[10:]}"


def draw_nn_be(rng: Random, born: date, gender: str) -> str:
    """A Belgian national register number."""
    serial = rng.randint(1, 498) * 2 - (0 if gender == "f" else 1)
    body = f"{born:%y%m%d}{serial:03d}"
    check = 97 - int(f"2{body}" if born.year >= 2000 else body) % 97
    return f"{body[:2]}.{body[2:4]}.{body[4:6]}-{body[6:]}.{check:02d}"


def draw_eid_be(rng: Random) -> str:
    """A Belgian identity card number."""
    digits = "59" + draw_digits(rng, 8)
    return f"{digits[:3]}-{digits[3:]}-{int(digits) % 97 or 97:02d}"


def draw_dni_es(rng: Random) -> str:
    """A Spanish DNI: eight digits and their letter."""
    number = rng.randint(10_000_000, 79_999_999)
    return f"{number}{_spanish_letter(number)}"


def draw_nie_es(rng: Random) -> str:
    """A Spanish NIE, the number of a foreign resident."""
    prefix, digits = pick(rng, "XYZ"), draw_digits(rng, 7)
    return f"{prefix}{digits}{_spanish_letter(int(str('XYZ'.index(prefix)) + digits))}"


def _spanish_letter(number: int) -> str:
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def draw_nuss_es(rng: Random) -> str:
    """A Spanish social security number: province, serial, mod 97."""
    province, serial = f"{rng.randint(1, 52):02d}", str(rng.randint(10_000_000, 99_999_999))
    return f"{province}/{serial}/{int(province + serial) % 97:02d}"


def draw_nss_mx(rng: Random, born: date) -> str:
    """A Mexican social security number (IMSS): eleven digits, Luhn."""
    digits = f"{rng.randint(1, 97):02d}{(born.year + 18) % 100:02d}{born:%y}{draw_digits(rng, 4)}"
    return digits + luhn_digit(digits)


def draw_bsn_nl(rng: Random) -> str:
    """A Dutch BSN: nine digits, the eleven test."""
    while True:
        digits = pick(rng, "12") + draw_digits(rng, 7)
        check = weigh(digits, range(9, 1, -1)) % 11
        if check < 10:
            return f"{digits}{check}"


def draw_cpr_dk(rng: Random, born: date, gender: str) -> str:
    """A Danish CPR number whose century digit, sex and (as before 2007) mod 11 are right."""
    centuries = "4569" if born.year >= 2000 and born.year < 2037 else "0123"
    while True:
        digits = f"{born:%d%m%y}{pick(rng, centuries if born.year < 2000 else '4567')}{draw_digits(rng, 2)}"
        check = -weigh(digits, (4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
        if check < 10 and check % 2 == (0 if gender == "f" else 1):
            return f"{digits[:6]}-{digits[6:]}{check}"
