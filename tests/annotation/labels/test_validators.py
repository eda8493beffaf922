from __future__ import annotations

import pytest

from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.labels.validators import VALIDATORS, check_value

GOOD = [
    ("email", "ann.lee+news@mail.example.co", ""),
    ("email", "jörg@büro.de", ""),
    ("url", "https://ann.example.org/a?b=c", ""),
    ("url", "www.example.org", ""),
    ("phone", "+49 30 901820", "DE"),
    ("phone", "020 7946 0018", "GB"),
    ("credit_card", "4111 1111 1111 1111", ""),
    ("iban", "DE89 3704 0044 0532 0130 00", "DE"),
    ("age", "42", ""),
    ("age", "forty-two", ""),
    ("date_of_birth", "12 March 1987", ""),
    ("date_of_birth", "03.05.87", "DE"),
    ("postcode", "SW1A 1AA", "GB"),
    ("postcode", "10115", "DE"),
    ("postcode", "99-999", "PL"),
    ("national_id", "12345678Z", "ES"),
    ("national_id", "111222333", "NL"),
    ("ssn", "536-90-4399", "US"),
    ("tax_number", "36 574 261 809", "DE"),
    ("national_id", "anything 1", "XX"),
]
BAD = [
    ("email", "ann at mail", ""),
    ("email", "ann@mail", ""),
    ("url", "not a url", ""),
    ("phone", "123", "DE"),
    ("credit_card", "4111 1111 1111 1112", ""),
    ("credit_card", "0000 0000 0000 0000", ""),
    ("iban", "DE89 3704 0044 0532 0130 01", ""),
    ("age", "131", ""),
    ("date_of_birth", "12 March 1787", ""),
    ("date_of_birth", "soon", ""),
    ("postcode", "1011", "DE"),
    ("national_id", "12345678A", "ES"),
    ("ssn", "000-12-3456", "US"),
    ("tax_number", "12345678A", "ES"),
]


@pytest.mark.parametrize(("validator", "value", "country"), GOOD)
def test_valid_values(validator: str, value: str, country: str) -> None:
    assert check_value(validator, value, country)


@pytest.mark.parametrize(("validator", "value", "country"), BAD)
def test_invalid_values(validator: str, value: str, country: str) -> None:
    assert not check_value(validator, value, country)


def test_unknown_validator_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="iban"):
        check_value("ibann", "x")


@pytest.mark.parametrize("validator", VALIDATORS)
@pytest.mark.parametrize("value", ["", " ", "\x00", "٣", "a" * 10_000, "²", "-"])
@pytest.mark.parametrize("country", ["", "DE", "ZZ"])
def test_no_value_breaks_a_check(validator: str, value: str, country: str) -> None:
    assert check_value(validator, value, country) in (True, False)
