from __future__ import annotations

import re
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.policy import Policy, Rule, build_policy, list_presets, load_policy
from goldspan.predictors.patterns.predictor import RegexPredictor

LABELS = load_labels()


def test_the_presets_load_and_are_told_apart() -> None:
    assert set(list_presets()) == {"hipaa-safe-harbor", "pci", "pseudonymise", "redact", "surrogates"}
    policies = [load_policy(name) for name in list_presets()]
    assert [policy.name for policy in policies] == list(list_presets())
    assert len({policy.fingerprint for policy in policies}) == len(policies)


def test_rules_are_found_by_label_then_group_then_default() -> None:
    policy = Policy("p", Rule("redact"), {"CITY": Rule("keep")}, {"LOCATION": Rule("mask"), "CONTACT": Rule("hash")})
    assert policy.find_rule("CITY", LABELS).operator == "keep"
    assert policy.find_rule("STREET", LABELS).operator == "mask"
    assert policy.find_rule("EMAIL", LABELS).operator == "hash"
    assert policy.find_rule("NEVER_HEARD_OF", LABELS).operator == "redact"
    assert policy.select(["EMAIL"], LABELS).find_rule("STREET", LABELS).operator == "keep"


def test_override_changes_operators_and_thresholds_and_keeps_options() -> None:
    policy = load_policy("hipaa-safe-harbor").override(LABELS, {"AGE": "redact", "ZIP": "generalise"}, 0.7)
    assert policy.find_rule("AGE", LABELS) == Rule("redact", 0.7)
    assert policy.find_rule("ZIP", LABELS).suppress[0] == "036"
    assert policy.default.threshold == 0.7
    with pytest.raises(UnknownNameError):
        policy.override(LABELS, {"AGE": "erase"})


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ('version = 1\nname = "p"', "default"),
        ('version = 1\nname = "p"\n[default]\noperator = "erase"', "operator"),
        ('version = 1\nname = "P x"\n[default]\noperator = "keep"', "lower-case"),
        ('version = 1\nname = "p"\n[default]\noperator = "mask"\nband = 5', "band does not belong to mask"),
        ('version = 1\nname = "p"\n[default]\noperator = "mask"\n[labels.city]\noperator = "keep"', "city"),
        ('version = 1\nname = "p"\n[default]\noperator = "mask"\n[[recognisers]]\nlabel = "X"\npattern = "("', "X"),
        (
            'version = 1\nname = "p"\n[default]\noperator = "mask"\n[[recognisers]]\nlabel = "X"\npattern = "a*"',
            "empty",
        ),
        (
            'version = 1\nname = "p"\n[default]\noperator = "mask"\n[[recognisers]]\nlabel = "X"\npattern = "a"\n'
            'validator = "ibam"',
            "iban",
        ),
        ("version = ", "TOML"),
    ],
)
def test_a_broken_policy_is_refused_with_the_reason(tmp_path: Path, lines: str, reason: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(lines)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)


def test_an_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="pseudonymise"):
        load_policy("pseudonymize")


def test_the_fingerprint_follows_the_rules_and_not_the_name() -> None:
    one = build_policy({"version": 1, "name": "a", "default": {"operator": "mask"}})
    same = build_policy({"version": 1, "name": "b", "description": "x", "default": {"operator": "mask"}})
    other = build_policy({"version": 1, "name": "a", "default": {"operator": "mask", "threshold": 0.1}})
    assert one.fingerprint == same.fingerprint != other.fingerprint
    assert one.select(["AGE"], LABELS).fingerprint != one.fingerprint


def mask(text: str, preset: str) -> str:
    found = RegexPredictor(LABELS).predict_sync(text, "en", "US")
    return mask_annotation(text, found, load_policy(preset), MaskingContext(LABELS, None, "en", "US")).text


@pytest.mark.parametrize(
    "value",
    [
        "03/14/2024", "March 14, 2024", "14 March 2024", "2024-03-14", "Mar 14", "415-555-0132", "(415) 555-0132",
        "jo@clinic.org", "123-45-6789", "MRN 00123456", "MRN: A-778812", "member ID XZY123456789",
        "account 9912 3344 55", "serial number SN-88123-B", "license D1234567", "https://clinic.org/jo", "10.1.2.3",
        "2001:db8::8a2e:370:7334", "94110-1234",
    ],
)  # fmt: skip
def test_safe_harbor_leaves_no_identifier_that_has_a_form(value: str) -> None:
    masked = mask(f"The patient, {value}, was seen.", "hipaa-safe-harbor")
    digits = "".join(character for character in value if character.isdigit())
    if digits:
        assert digits not in "".join(character for character in masked if character.isdigit())
    assert value.split()[-1] not in masked.replace("2024", "")
    assert masked.startswith("The patient, ")
    assert masked.endswith(", was seen.")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("admitted on 3/14 with pain", "3/14"),
        ("SSN 123 45 6789", "6789"),
        ("SSN 123456789", "6789"),
        ("SSN: xxx-xx-6789", "6789"),
        ("last four of the SSN: 6789", "6789"),
        ("from fe80::1 at 9", "fe80"),
        ("seen from ::ffff:0a00:1", "ffff"),
        ("monitor 00:1B:44:11:3A:B7", "3A:B7"),
        ("plate 7ABC123", "7ABC"),
    ],
)
def test_safe_harbor_reads_identifiers_in_other_forms(text: str, gone: str) -> None:
    assert gone not in mask(text, "hipaa-safe-harbor")


@pytest.mark.parametrize(
    "text", ["pressure 120/80, 3/4 of a cup", "a::b and std::vector", "ratio 1:2:3 at 12:30:45", "in 2024 4 of 10"]
)
def test_safe_harbor_leaves_what_is_no_identifier(text: str) -> None:
    assert mask(text, "hipaa-safe-harbor") == text


def test_safe_harbor_keeps_what_the_rule_allows() -> None:
    assert mask("Seen on 03/14/2024, aged 45; ZIP 94110.", "hipaa-safe-harbor") == "Seen on 2024, aged 45; ZIP 941**."
    assert "90+" in mask("She is 93 years old.", "hipaa-safe-harbor")
    assert mask("A 94-year-old, aged 101", "hipaa-safe-harbor") == "A 90+-year-old, aged 90+"
    assert mask("ZIP 03601.", "hipaa-safe-harbor") == "ZIP 000**."


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111.", "card 4111 11** **** 1111."),
        ("card 4111-1111-1111-1111 exp 04/27", "card 4111-11**-****-1111 exp [CARD_EXPIRY]"),
        ("CVV: 123", "CVV: [REMOVED]"),
        ("PIN 9912", "PIN [REMOVED]"),
        ("%B4111111111111111^SMITH/ANN^27041010000?", "[REMOVED]"),
        (";4111111111111111=27041010000?", "[REMOVED]"),
        ("chip 4111111111111111D27041010000F.", "chip [REMOVED]."),
        ("Kartenprüfnummer 123, gültig bis 4/27", "Kartenprüfnummer [REMOVED], gültig bis [CARD_EXPIRY]"),
        ("cryptogramme : 123, vence 12 / 2027", "cryptogramme : [REMOVED], vence [CARD_EXPIRY]"),
        ("PIN block 1F2E3D4C5B6A7988", "PIN block [REMOVED]"),
        ("order 4111 1111 1111 1112", "order 4111 1111 1111 1112"),
        ("invoice of 04/27, call 415-555-0132", "invoice of 04/27, call 415-555-0132"),
    ],
)
def test_pci(text: str, masked: str) -> None:
    policy = load_policy("pci")
    assert mask_annotation(text, Annotation(Author.model("m")), policy, MaskingContext(LABELS)).text == masked


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("[labels.EMIAL]", "Unknown label 'EMIAL'. Did you mean EMAIL?"),
        ("[groups.PERSONS]", "Unknown group 'PERSONS'. Did you mean PERSON"),
    ],
)
def test_a_rule_for_nothing_is_refused_in_a_file(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f'version = 1\nname = "x"\n[default]\noperator = "keep"\n{table}\noperator = "redact"\n')
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        load_policy(path, LABELS)


def test_a_policy_may_have_labels_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(
        'version = 1\nname = "x"\n[default]\noperator = "keep"\n[labels.CASE]\noperator = "redact"\n'
        '[[recognisers]]\nlabel = "CASE"\npattern = "C-[0-9]+"\n'
    )
    assert load_policy(path, LABELS).select(["CASE", "CITY"], LABELS).find_rule("CASE", LABELS).operator == "redact"
