from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.keys import draw_key, parse_key
from goldspan.masking.operators import (
    TOKEN,
    decrypt_token,
    encrypt_value,
    generalise,
    hash_value,
    mask_characters,
    shift_date,
)
from goldspan.masking.persons import Referent
from goldspan.masking.policy import Rule

LABELS = load_labels()
KEY = parse_key("01" * 32)


@pytest.mark.parametrize(
    ("value", "rule", "masked"),
    [
        ("Müller", Rule("mask"), "******"),
        ("4111 1111 1111 1111", Rule("mask", keep_first=6, keep_last=4, separators=True), "4111 11** **** 1111"),
        ("4111111111111111", Rule("mask", keep_last=4, character="•"), "••••••••••••1111"),
        ("12345", Rule("mask", keep_first=6, keep_last=4), "*****"),
        ("1234", Rule("mask", keep_last=4), "****"),
        ("👩\u200d💻e\u0301x", Rule("mask"), "***"),
        ("anything", Rule("mask", length=3), "***"),
    ],
)
def test_mask(value: str, rule: Rule, masked: str) -> None:
    assert mask_characters(value, rule) == masked


def test_hash_is_keyed_and_links_forms_of_one_value() -> None:
    assert hash_value("Ann  Smith", "NAME", KEY) == hash_value("ANN smith", "NAME", KEY)
    assert hash_value("Ann", "NAME", KEY) != hash_value("Ann", "NAME", draw_key())
    assert hash_value("Ann", "NAME", KEY) != hash_value("Ann", "CITY", KEY)
    import hashlib

    assert hashlib.sha256(b"Ann").hexdigest()[:8] not in hash_value("Ann", "NAME", KEY)


@given(st.text(max_size=40), st.booleans())
def test_encryption_is_undone_with_its_key_alone(value: str, linkable: bool) -> None:
    token = encrypt_value(value, "NAME", KEY, linkable=linkable)
    assert TOKEN.fullmatch(token)
    assert decrypt_token(token, KEY) == value
    assert decrypt_token(token, draw_key()) is None
    assert decrypt_token(token.replace("[NAME", "[CITY"), KEY) is None


def test_linkable_tokens_are_equal_and_others_are_not() -> None:
    assert encrypt_value("Ann", "NAME", KEY) == encrypt_value("Ann", "NAME", KEY)
    assert encrypt_value("Ann", "NAME", KEY, linkable=False) != encrypt_value("Ann", "NAME", KEY, linkable=False)


def test_a_changed_token_is_refused() -> None:
    token = encrypt_value("Ann Smith", "NAME", KEY)
    for place in range(token.index("~", 8) + 10, len(token) - 1):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        assert decrypt_token(changed, KEY) in (None, "Ann Smith")
    assert decrypt_token(token[:-6] + "]", KEY) is None
    assert decrypt_token("[NAME~zz]", KEY) is None


@pytest.mark.parametrize(
    ("value", "label", "rule", "general"),
    [
        ("34", "AGE", Rule("generalise"), "30–39"),
        ("89", "AGE", Rule("generalise", band=1), "89"),
        ("90", "AGE", Rule("generalise", band=1), "90+"),
        ("85", "AGE", Rule("generalise", band=20, top=90), "80–89"),
        ("34 years", "AGE", Rule("generalise"), "30–39"),
        ("thirty", "AGE", Rule("generalise"), "[AGE]"),
        ("94110", "ZIP", Rule("generalise", digits=3), "941**"),
        ("03601-1234", "ZIP", Rule("generalise", digits=3, suppress=("036",)), "000******"),
        ("SW1A 1AA", "ZIP", Rule("generalise", digits=2), "SW*****"),
        ("12", "ZIP", Rule("generalise"), "[ZIP]"),
        ("3 March 1988", "DATEOFBIRTH", Rule("generalise"), "1988"),
        ("3 March 1988", "DATEOFBIRTH", Rule("generalise", precision="month"), "1988-03"),
        ("in the spring of 1988", "DATEOFBIRTH", Rule("generalise"), "1988"),
        ("3 March 1930", "DATEOFBIRTH", Rule("generalise", oldest=89), "[DATEOFBIRTH]"),
        ("long ago", "DATEOFBIRTH", Rule("generalise"), "[DATEOFBIRTH]"),
    ],
)
def test_generalise(value: str, label: str, rule: Rule, general: str) -> None:
    assert generalise(value, label, rule, LABELS, "en", "US", date(2026, 6, 1)) == general


def test_generalise_refuses_a_label_of_no_known_kind() -> None:
    with pytest.raises(MaskingError, match="CITY"):
        generalise("Berlin", "CITY", Rule("generalise"), LABELS)


def test_shift_date_keeps_the_form_and_hides_what_is_no_date() -> None:
    rule, ann = Rule("shift_date", days=30), Referent("person|ann|smith")
    moved = shift_date("03.04.1988", "DATE", rule, ann, KEY, "de", "DE")
    day, month, year = (int(part) for part in moved.split("."))
    assert 1 <= abs((date(year, month, day) - date(1988, 4, 3)).days) <= 30
    assert len(moved) == 10
    assert shift_date("Easter", "DATE", rule, ann, KEY) == "[DATE]"
    assert shift_date("31.12.9999", "DATE", Rule("shift_date", days=1), ann, KEY) in {"[DATE]", "30.12.9999"}
