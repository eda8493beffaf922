"""What the sweep finds beside plain repeats: identifiers, numbers with and without the code of a country."""

from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.detection import find_spans
from goldspan.masking.policy import load_policy
from goldspan.masking.restore import restore_text
from tests.masking.lexicon import annotate

NAMES = {"Ottilie": "FIRSTNAME", "Kaminski": "SURNAME", "Will": "FIRSTNAME", "Ann": "FIRSTNAME"}


def find(text: str, values: dict[str, str]) -> list[str]:
    spans = find_spans(text, annotate(text, values).entities, load_policy("pseudonymise"), load_labels()).spans
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("user Kaminski_1", "Kaminski_1"),
        ("user kaminski2", "kaminski2"),
        ("class OttilieKaminski", "OttilieKaminski"),
        ("id=ottilie_kaminski;", "ottilie_kaminski"),
        ("see ottilie.kaminski [at] mail", "ottilie.kaminski"),
        ("at news/letter_of_ottilie_kaminski_2020_final", "of_ottilie_kaminski_2020"),
        ("see kaminski.pdf.", "kaminski.pdf"),
        ("in data/kaminski/notes", "kaminski"),
        (r"in C:\kaminski here", "kaminski"),
        ("ask #kaminski and", "kaminski"),
        ("ask @kaminski and", "kaminski"),
        ("UID:kaminski@host", "kaminski"),
    ],
)
def test_names_in_identifiers_are_masked(text: str, found: str) -> None:
    assert find(f"Ottilie Kaminski {text}", NAMES) == ["Ottilie", "Kaminski", found]


@pytest.mark.parametrize(
    "text", ["kaminskian", "they will. Come", "will-power", "Annual", "planning", "MAKAMINSKIS", "pann_e", "ann.mp3"]
)
def test_other_words_are_not(text: str) -> None:
    assert find(f"Ann, Will, Kaminski: {text}", NAMES) == ["Ann", "Will", "Kaminski"]


def test_a_name_beside_a_sign_does_not_join_another() -> None:
    assert find("Ann/Will (@Ann, Will.)", NAMES) == ["Ann", "Will", "Ann", "Will"]


def test_a_name_in_an_identifier_does_not_make_the_word_a_name() -> None:
    assert find("Will: will.lee /will/ will come", NAMES) == ["Will", "will.lee", "will"]


@pytest.mark.parametrize("text", ["Kaminski_1", "see kaminski.pdf", "@kaminski", "kaminski_7"])
def test_an_identifier_has_the_number_of_its_person(text: str) -> None:
    text = f"Ann Kaminski and Bob Jones, {text}"
    names = NAMES | {"Bob": "FIRSTNAME", "Jones": "SURNAME"}
    masked = mask_annotation(text, annotate(text, names), load_policy("pseudonymise"), MaskingContext(load_labels()))
    assert masked.replacements[-1].replacement == "[SURNAME_1.2]"
    assert restore_text(masked.text, masked.mapping).text == text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Müller", ["Muller", "Mueller", "MUELLER"]),
        ("Zoë-Lou", ["Zoe-Lou"]),
        ("Łukasz", ["Lukasz"]),
        ("Groß", ["Gross"]),
        ("Åse Bjørnø", ["Aase Bjoernoe", "Ase Bjorno"]),
    ],
)
def test_a_name_is_found_without_its_accents(value: str, written: list[str]) -> None:
    assert find(" and ".join([value, *written]), {value: "SURNAME"}) == [value, *written]


@pytest.mark.parametrize(("value", "other"), [("Bär", "Bar"), ("Müller", "muller"), ("Анна", "Анна́н"), ("李明", "李")])
def test_a_name_without_accents_is_no_other_word(value: str, other: str) -> None:
    assert find(f"{value} and {other}", {value: "SURNAME"}) == [value]


@pytest.mark.parametrize(
    "written",
    ["020 7946 0018", "(020) 79460018", "020.7946.0018", "00442079460018", "+44 (0)20 7946 0018", "20 7946 0018"],
)
@pytest.mark.parametrize("given", ["+44 20 7946 0018", "020 7946 0018", "0044 20 7946 0018"])
def test_a_number_is_found_with_and_without_its_country(given: str, written: str) -> None:
    assert find(f"Call {given}: {written}", {given: "PHONENUMBER"})[-1].strip("( ") in written
    assert len(find(f"Call {given}: {written}", {given: "PHONENUMBER"})) == 2


@pytest.mark.parametrize("other", ["020 7946 0019", "7946 0018", "120 7946 0018 2", "0018"])
def test_another_number_is_not(other: str) -> None:
    assert find(f"Call +44 20 7946 0018: {other}", {"+44 20 7946 0018": "PHONENUMBER"}) == ["+44 20 7946 0018"]
