from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.masking.dates import find_year, parse_date

FORMS = [
    ("1988-03-04", "", "", "2001-11-22"),
    ("19880304", "", "", "20011122"),
    ("04.03.1988", "de", "DE", "22.11.2001"),
    ("4.3.88", "de", "DE", "22.11.01"),
    ("03/04/1988", "en", "US", "11/22/2001"),
    ("04/03/1988", "en", "GB", "22/11/2001"),
    ("04-03-1988", "nl", "NL", "22-11-2001"),
    ("4 March 1988", "en", "GB", "22 November 2001"),
    ("March 4, 1988", "en", "US", "November 22, 2001"),
    ("Mar. 4th, 1988", "en", "US", "Nov. 22nd, 2001"),
    ("4 MAR 1988", "en", "GB", "22 NOV 2001"),
    ("4. März 1988", "de", "DE", "22. November 2001"),
    ("4 mars 1988", "fr", "FR", "22 novembre 2001"),
    ("4 de marzo de 1988", "es", "ES", "22 de noviembre de 2001"),
    ("4 maart 1988", "nl", "NL", "22 november 2001"),
    ("4. marts 1988", "da", "DK", "22. november 2001"),
]


@pytest.mark.parametrize(("written", "language", "country", "other"), FORMS)
def test_a_date_is_read_and_another_written_alike(written: str, language: str, country: str, other: str) -> None:
    parsed = parse_date(written, language, country)
    assert parsed
    assert parsed.day == date(1988, 3, 4)
    assert parsed.write(date(1988, 3, 4)) == written
    assert parsed.write(date(2001, 11, 22)) == other


def test_a_day_beyond_twelve_tells_the_order() -> None:
    parsed = parse_date("25/12/1988", "en", "US")
    assert parsed
    assert parsed.day == date(1988, 12, 25)


def test_the_first_of_a_month_in_french() -> None:
    parsed = parse_date("1er mars 1988", "fr", "FR")
    assert parsed
    assert parsed.day == date(1988, 3, 1)
    assert parsed.write(date(1988, 3, 2)) == "2 mars 1988"


@pytest.mark.parametrize(
    "text", ["", "Easter", "1988", "31.02.1988", "12/2020", "1.2.3.4", "March", "99999999", "a 1 b"]
)
def test_what_is_no_full_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_find_year() -> None:
    assert find_year("spring of 1988") == 1988
    assert find_year("1988 or 1989") is None
    assert find_year("no. 12345") is None


@given(st.text(max_size=30), st.sampled_from(["", "en", "de", "xx"]), st.sampled_from(["", "US", "DE"]))
def test_any_text_is_read_or_none(text: str, language: str, country: str) -> None:
    parsed = parse_date(text, language, country)
    assert parsed is None or parsed.write(parsed.day)
