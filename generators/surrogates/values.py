"""Seeded surrogate values: one person's data in one country, of the right form and with valid check digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from goldspan.annotation.labels.schema import Label
from goldspan.generators.surrogates import checkdigits, identity_documents, mexico, online, world
from goldspan.generators.surrogates import formats as writing
from goldspan.generators.surrogates.chance import draw_digits, pick_skewed
from goldspan.generators.surrogates.companies import draw_company
from goldspan.generators.surrogates.numerals import write_age
from goldspan.generators.surrogates.patterns import draw_by_pattern, has_number_example, has_words_alone
from goldspan.generators.surrogates.sources import draw_from_source, has_own_source

TODAY = date(2026, 6, 1)
"""The day that ages are counted to; fixed, so that a seed gives the same text in every year."""


@dataclass(frozen=True, slots=True)
class Persona:
    """What the values of one person have to agree with."""

    language: str
    country: str
    gender: str
    first: str
    surname: str
    born: date
    place: world.Place
    company: str

    @property
    def age(self) -> int:
        """Full years on `TODAY`."""
        return TODAY.year - self.born.year - ((TODAY.month, TODAY.day) < (self.born.month, self.born.day))


def draw_persona(rng: Random, language: str, country: str, gender: str, oldest: int = 94) -> Persona:
    """A person between 18 and 94 (or `oldest`) who lives in the country."""
    places = world.load_places(country, language)
    return Persona(
        language=language,
        country=country,
        gender=gender,
        first=world.draw_first_name(rng, language, country, gender),
        surname=world.draw_surname(rng, language, country),
        born=TODAY - timedelta(days=rng.randint(19 * 366, min(oldest, 94 if rng.random() < 0.25 else 66) * 365)),
        place=pick_skewed(rng, places),
        company=draw_company(rng, country, language),
    )


def _draw_ssn(rng: Random, p: Persona) -> str:
    makers: dict[str, Callable[[], str]] = {
        "US": lambda: checkdigits.draw_ssn_us(rng),
        "GB": lambda: checkdigits.draw_nino_gb(rng),
        "DE": lambda: checkdigits.draw_svnr_de(rng, p.born, p.surname),
        "AT": lambda: checkdigits.draw_vnr_at(rng, p.born),
        "ES": lambda: checkdigits.draw_nuss_es(rng),
        "MX": lambda: checkdigits.draw_nss_mx(rng, p.born),
    }
    return _drop_separators(rng, makers.get(p.country, lambda: _draw_personal_number(rng, p))())


def _draw_personal_number(rng: Random, p: Persona) -> str:
    makers: dict[str, Callable[[], str]] = {
        "CH": lambda: checkdigits.draw_ahv_ch(rng),
        "FR": lambda: checkdigits.draw_nir_fr(rng, p.born, p.gender),
        "BE": lambda: checkdigits.draw_nn_be(rng, p.born, p.gender),
        "ES": lambda: (checkdigits.draw_dni_es if rng.random() < 0.8 else checkdigits.draw_nie_es)(rng),
        "MX": lambda: mexico.draw_curp(rng, p.first, p.surname, p.born, p.gender),
        "NL": lambda: checkdigits.draw_bsn_nl(rng),
        "DK": lambda: checkdigits.draw_cpr_dk(rng, p.born, p.gender),
        "GB": lambda: checkdigits.draw_nhs_gb(rng),
        "DE": lambda: identity_documents.draw_serial_de(rng),
        "US": lambda: f"A{draw_digits(rng, 9)}",
        "AT": lambda: f"{draw_digits(rng, 4)}-{draw_digits(rng, 4)}-{draw_digits(rng, 4)}",
    }
    return makers[p.country]()


def _draw_tax_number(rng: Random, p: Persona) -> str:
    makers: dict[str, Callable[[], str]] = {
        "US": lambda: checkdigits.draw_itin_us(rng),
        "GB": lambda: checkdigits.draw_utr_gb(rng),
        "DE": lambda: checkdigits.draw_idnr_de(rng),
        "AT": lambda: checkdigits.draw_tin_at(rng),
        "FR": lambda: checkdigits.draw_nif_fr(rng),
        "MX": lambda: mexico.draw_rfc(rng, p.first, p.surname, p.born),
    }
    return _drop_separators(rng, makers.get(p.country, lambda: _draw_personal_number(rng, p))())


def _drop_separators(rng: Random, number: str) -> str:
    return number.replace(" ", "") if rng.random() < 0.3 else number


def _draw_card(rng: Random, p: Persona) -> str:
    digits = checkdigits.draw_card(rng)
    widths = (4, 6, 5) if len(digits) == 15 else (4, 4, 4, 4)
    separator = (" ", " ", "-", "")[rng.randrange(4)]
    starts = [sum(widths[:number]) for number in range(len(widths))]
    return separator.join(digits[start : start + width] for start, width in zip(starts, widths, strict=True))


def _draw_iban(rng: Random, p: Persona) -> str:
    number = checkdigits.draw_iban(rng, p.country)
    if rng.random() < 0.3:
        return number
    return " ".join(number[start : start + 4] for start in range(0, len(number), 4))


def _draw_building_number(rng: Random, p: Persona) -> str:
    number = str(
        rng.choice((rng.randint(1, 30), rng.randint(11, 180), rng.randint(100, 2400 if p.country == "US" else 320)))
    )
    letter = "abcd"[rng.randrange(4)] if rng.random() < 0.15 and p.country != "US" else ""
    return number + (letter.upper() if p.country == "DK" else letter)


_MAKERS: dict[str, Callable[[Random, Persona], str]] = {
    "FIRSTNAME": lambda rng, p: p.first,
    "SURNAME": lambda rng, p: p.surname,
    "USERNAME": lambda rng, p: online.draw_username(rng, p.first, p.surname),
    "EMAIL": lambda rng, p: online.draw_email(rng, p.country, p.first, p.surname, p.company),
    "PHONENUMBER": lambda rng, p: online.draw_phone(rng, p.country),
    "URL": lambda rng, p: online.draw_url(rng, p.country, p.first, p.surname),
    "BUILDINGNUM": _draw_building_number,
    "STREET": lambda rng, p: world.draw_street(rng, p.country, p.language),
    "CITY": lambda rng, p: p.place.city,
    "STATE": lambda rng, p: p.place.state,
    "ZIP": lambda rng, p: world.draw_postcode(rng, p.place),
    "COUNTRY": lambda rng, p: world.draw_country(rng, p.country, p.language),
    "DATEOFBIRTH": lambda rng, p: writing.write_birth_date(rng, p.born, p.language, p.country),
    "AGE": lambda rng, p: write_age(p.age, p.language, p.country) if rng.random() < 0.12 else str(p.age),
    "SSN": _draw_ssn,
    "NATIONALID": lambda rng, p: _draw_personal_number(rng, p),
    "IDCARDNUM": lambda rng, p: identity_documents.draw_identity_card(rng, p.country),
    "PASSPORTID": lambda rng, p: identity_documents.draw_passport(rng, p.country),
    "DRIVERLICENSENUM": lambda rng, p: identity_documents.draw_licence(rng, p.country, p.surname, p.born, p.gender),
    "TAXNUM": _draw_tax_number,
    "LICENSEPLATENUM": lambda rng, p: identity_documents.draw_plate(rng, p.country),
    "CREDITCARDNUMBER": _draw_card,
    "IBAN": _draw_iban,
    "COMPANYNAME": lambda rng, p: p.company,
    "PASSWORD": lambda rng, p: online.draw_password(rng),
    "SECURITYTOKEN": lambda rng, p: online.draw_token(rng),
}


BUILT_IN = frozenset(_MAKERS)
"""Labels whose values are drawn by code: those of the label schema that Goldspan includes."""


def has_value_source(label: Label) -> bool:
    """True if a label's values come from somewhere: its own source, a built-in one, or numbers shaped as in its hints.

    Values of other labels would be arbitrary codes.
    """
    return has_own_source(label) or label.code in _MAKERS or has_number_example(label)


def draw_value(rng: Random, label: Label, persona: Persona) -> str:
    """A value of the label that fits the person; empty if a language model has to invent it.

    The label's own source comes first, then the built-in one of its code or of the code that `function` names; others
    get a value shaped as their hints or examples show. Examples in words are for a model to follow.
    """
    maker = _MAKERS.get(label.function if label.values == "function" else label.code)
    if has_own_source(label) and not (label.values == "function" and maker):
        return draw_from_source(rng, label, persona.language, persona.country)
    if maker:
        return maker(rng, persona)
    return "" if has_words_alone(label) else draw_by_pattern(rng, label)
