import importlib
import re
from collections.abc import Callable

import phonenumbers
import pytest

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.generators.surrogates import checkdigits, identity_documents, mexico, online
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.values import TODAY, Persona, draw_persona, draw_value
from goldspan.generators.surrogates.world import COUNTRIES, load_places

REGIONS = [(language, country) for language, countries in COUNTRIES.items() for country in countries]


@pytest.fixture(scope="module")
def labels() -> LabelSchema:
    return load_labels()


def personas(language: str, country: str, count: int = 60) -> list[tuple[object, Persona]]:
    streams = [make_random(1, index, language, country) for index in range(count)]
    return [(rng, draw_persona(rng, language, country, "fm"[number % 2])) for number, rng in enumerate(streams)]


NUMBERS: list[tuple[str, Callable]] = [
    ("us.ssn", lambda rng, p: checkdigits.draw_ssn_us(rng)),
    ("us.itin", lambda rng, p: checkdigits.draw_itin_us(rng)),
    ("gb.nhs", lambda rng, p: checkdigits.draw_nhs_gb(rng)),
    ("gb.utr", lambda rng, p: checkdigits.draw_utr_gb(rng)),
    ("de.idnr", lambda rng, p: checkdigits.draw_idnr_de(rng)),
    ("at.vnr", lambda rng, p: checkdigits.draw_vnr_at(rng, p.born)),
    ("at.tin", lambda rng, p: checkdigits.draw_tin_at(rng)),
    ("ch.ssn", lambda rng, p: checkdigits.draw_ahv_ch(rng)),
    ("fr.nir", lambda rng, p: checkdigits.draw_nir_fr(rng, p.born, p.gender)),
    ("fr.nif", lambda rng, p: checkdigits.draw_nif_fr(rng)),
    ("be.nn", lambda rng, p: checkdigits.draw_nn_be(rng, p.born, p.gender)),
    ("be.eid", lambda rng, p: checkdigits.draw_eid_be(rng)),
    ("es.dni", lambda rng, p: checkdigits.draw_dni_es(rng)),
    ("es.nie", lambda rng, p: checkdigits.draw_nie_es(rng)),
    ("mx.curp", lambda rng, p: mexico.draw_curp(rng, p.first, p.surname, p.born, p.gender)),
    ("mx.rfc", lambda rng, p: mexico.draw_rfc(rng, p.first, p.surname, p.born)),
    ("nl.bsn", lambda rng, p: checkdigits.draw_bsn_nl(rng)),
    ("nl.identiteitskaartnummer", lambda rng, p: identity_documents.draw_passport(rng, "NL")),
    ("dk.cpr", lambda rng, p: checkdigits.draw_cpr_dk(rng, p.born, p.gender)),
    ("luhn", lambda rng, p: checkdigits.draw_card(rng)),
    ("luhn", lambda rng, p: checkdigits.draw_nss_mx(rng, p.born)),
]


@pytest.mark.parametrize(("module", "draw"), NUMBERS, ids=[f"{name}-{n}" for n, (name, _) in enumerate(NUMBERS)])
def test_numbers_pass_the_rules_of_python_stdnum(module: str, draw: Callable) -> None:
    is_valid = importlib.import_module(f"stdnum.{module}").is_valid
    country = "MX" if module.startswith("mx") else "DK"
    language = "es" if country == "MX" else "da"
    for rng, persona in personas(language, country, 300):
        number = draw(rng, persona)
        assert is_valid(number), number


def test_mexican_tax_numbers_have_the_right_check_digit() -> None:
    from stdnum.mx import rfc

    for rng, persona in personas("es", "MX", 200):
        assert rfc.is_valid(
            mexico.draw_rfc(rng, persona.first, persona.surname, persona.born), validate_check_digits=True
        )


def test_personal_numbers_tell_birth_and_sex() -> None:
    from stdnum.be import nn
    from stdnum.dk import cpr

    for rng, persona in personas("da", "DK", 200):
        assert cpr.get_birth_date(checkdigits.draw_cpr_dk(rng, persona.born, persona.gender)) == persona.born
        number = checkdigits.draw_nn_be(rng, persona.born, persona.gender)
        assert nn.get_birth_date(number) == persona.born
        assert nn.get_gender(number) == ("F" if persona.gender == "f" else "M")


def test_german_pension_number_of_the_published_example() -> None:
    digits = "15070649" + "03" + "10"
    products = [int(d) * w for d, w in zip(digits, (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1), strict=True)]
    assert sum(p // 10 + p % 10 for p in products) % 10 == 3
    for rng, persona in personas("de", "DE"):
        assert re.fullmatch(r"\d{2} \d{6} [A-Z] \d{3}", checkdigits.draw_svnr_de(rng, persona.born, persona.surname))


@pytest.mark.parametrize("country", [*checkdigits.IBAN_PATTERNS, "US", "MX"])
def test_ibans_are_valid_to_the_national_check_digits(country: str) -> None:
    from stdnum import iban

    rng = make_random(5, 0, country)
    for _ in range(100):
        number = checkdigits.draw_iban(rng, country)
        assert iban.is_valid(number, check_country=country == "ES"), number
        assert country != "BE" or int(number[4:14]) % 97 in (int(number[14:]), int(number[14:]) - 97)


@pytest.mark.parametrize(("language", "country"), REGIONS)
def test_phone_numbers_are_valid_where_they_are_from(language: str, country: str) -> None:
    rng = make_random(6, 0, country)
    for _ in range(60):
        assert phonenumbers.is_valid_number(phonenumbers.parse(online.draw_phone(rng, country), country))


@pytest.mark.parametrize(("language", "country"), REGIONS)
def test_values_are_no_documentation_values_and_vary(language: str, country: str, labels: LabelSchema) -> None:
    drawn: dict[str, set[str]] = {label.code: set() for label in labels.entities}
    for rng, persona in personas(language, country, 60):
        for label in labels.entities:
            drawn[label.code].add(draw_value(rng, label, persona))
    everything = " ".join(value for values in drawn.values() for value in values)
    assert not re.search(r"example\.(com|org|net)|555-01|4111[ -]?1111|123-45-6789|@test\.", everything)
    assert all(
        (value and "<" not in value and "&" not in value) or code == "COMPANYNAME"
        for code, values in drawn.items()
        for value in values
    )
    few = {"STATE", "CITY", "COUNTRY"}
    assert all(len(values) >= (2 if code in few else 20) for code, values in drawn.items()), {
        code: len(values) for code, values in drawn.items()
    }


@pytest.mark.parametrize(("language", "country"), REGIONS)
def test_people_are_adults_and_live_in_one_place(language: str, country: str, labels: LabelSchema) -> None:
    for rng, persona in personas(language, country):
        assert 18 <= persona.age <= 95
        assert persona.born < TODAY
        assert persona.place in load_places(country, language)
        postcode = draw_value(rng, labels["ZIP"], persona)
        assert re.fullmatch(re.sub(r"[#@%]", r"\\w", persona.place.postcode), postcode)


def test_handles_are_plain_ascii() -> None:
    assert online.make_slug("Jürgen Strauß-Øster") == "juergenstraussoester"
    assert online.make_slug("Zoë Núñez") == "zoenunez"
