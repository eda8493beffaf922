from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.formats.rows import SHAPES, get_shape, score_shapes
from goldspan.annotation.formats.rows.convert import RowSource, convert_row
from goldspan.annotation.formats.rows.options import RowOptions
from goldspan.annotation.formats.rows.raw import MEANINGS, Code, RowError, read_list
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labels.taxonomy import load_taxonomy
from goldspan.annotation.names import find_country, find_language, name_country, name_language
from goldspan.annotation.types import Sample

LABELS = load_labels()
SHA = "0123456789abcdef0123456789abcdef01234567"


def convert(row: dict[str, Any], taxonomy: str, labels: LabelSchema = LABELS) -> Sample:
    source = RowSource("owner/name", SHA, "train")
    return convert_row(
        score_shapes([row])[0][1].read_row(row, RowOptions(labels)), 3, source, load_taxonomy(taxonomy), labels
    )


def spans(sample: Sample) -> list[tuple[str, str]]:
    return [(sample.text[e.start : e.end], e.label) for e in sample.annotations[0].entities]


TEXT = "😀 Maria Santos wrote to Bo on 12 May."
MASK = [
    {"label": "GIVENNAME", "start": 2, "end": 7, "value": "Maria", "label_index": 1},
    {"label": "SURNAME", "start": 8, "end": 14, "value": "Santos", "label_index": 1},
    {"label": "DATE", "start": 31, "end": 37, "value": "12 May", "label_index": 1},
]


def turn_columns(mask: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [entry[name] for entry in mask] for name in mask[0]}


@pytest.mark.parametrize(
    "form",
    [lambda m: m, json.dumps, repr, lambda m: f"  {m!r}\n", turn_columns, lambda m: json.dumps(turn_columns(m))],
)
@pytest.mark.parametrize(("language", "region"), [("en", "GB"), ("English", "United Kingdom"), ("en-GB", "en_GB")])
def test_ai4privacy_in_all_its_shapes(form: Any, language: str, region: str) -> None:
    row = {"source_text": TEXT, "privacy_mask": form(MASK), "language": language, "region": region, "uid": 12}
    sample = convert(row, "openpii-500k")
    assert spans(sample) == [("Maria", "FIRSTNAME"), ("Santos", "SURNAME")]
    assert (sample.language, sample.country) == ("en", "GB")
    assert sample.provenance["unmapped"] == {"DATE": 1}
    assert (sample.provenance["row"], sample.provenance["revision"]) == ("12", SHA)


def test_ai4privacy_span_labels_of_the_mirror() -> None:
    row = {
        "unmasked_text": "Ann pays 5 euros.",
        "privacy_mask": None,
        "span_labels": "[[0, 3, 'FIRSTNAME'], [3, 9, 'O'], [9, 10, 'AMOUNT']]",
        "language": "English",
    }
    sample = convert(row, "ai4privacy-200k")
    assert spans(sample) == [("Ann", "FIRSTNAME")]
    assert sample.provenance["unmapped"] == {"AMOUNT": 1}


@pytest.mark.parametrize("form", [lambda s: s, json.dumps, repr])
def test_nemotron(form: Any) -> None:
    found = [
        {"start": 0, "end": 5, "text": "Maria", "label": "first_name"},
        {"start": 15, "end": 29, "text": "4 Baker Street", "label": "street_address"},
    ]
    row = {
        "uid": "u1",
        "text": "Maria lives at 4 Baker Street.",
        "spans": form(found),
        "locale": "us",
        "domain": "retail",
        "document_type": "letter",
    }
    sample = convert(row, "nemotron-pii")
    assert spans(sample) == [("Maria", "FIRSTNAME"), ("4 Baker Street", "STREET")]
    assert (sample.country, sample.document_type, sample.provenance["fields"]) == ("US", "letter", {"domain": "retail"})
    assert convert(row | {"locale": "intl"}, "nemotron-pii").country == ""


def test_gretel_values_and_spans() -> None:
    entities = [
        {"entity": "Maria Santos", "types": ["name"]},
        {"entity": "Santos", "types": ["name", "last_name"]},
        {"entity": "MRN-77", "types": ["medical_record_number"]},
    ]
    row = {"text": "Maria Santos has MRN-77.", "entities": repr(entities), "document_type": "note", "uid": "g"}
    sample = convert(row, "gretel")
    assert spans(sample) == [("Santos", "SURNAME")]
    assert sample.provenance["unmapped"] == {"medical_record_number": 1, "name": 1}
    finance = {
        "generated_text": "Zahlung an Jürgen.",
        "pii_spans": json.dumps([{"start": 11, "end": 17, "label": "first_name"}]),
        "language": "German",
    }
    assert spans(convert(finance, "gretel")) == [("Jürgen", "FIRSTNAME")]


def test_kiji_values_mentions_and_offsets() -> None:
    row = {
        "text": "Ann met Bob. He said he liked Ann's dog. She smiled.",
        "privacy_mask": [{"value": "Ann", "label": "FIRSTNAME"}, {"value": "Bob", "label": "FIRSTNAME"}],
        "coreferences": [
            {"mentions": ["Ann", "She", "it"], "entity_type": "FIRSTNAME", "cluster_id": 0},
            {"mentions": ["Bob", "He", "he"], "entity_type": "FIRSTNAME", "cluster_id": 1},
        ],
        "language": "English",
        "country": "Narnia",
    }
    sample = convert(row, "kiji")
    assert spans(sample) == [("Ann", "FIRSTNAME"), ("Bob", "FIRSTNAME"), ("Ann", "FIRSTNAME")]
    clusters = sample.annotations[0].clusters
    assert [[sample.text[m.start : m.end] for m in cluster] for cluster in clusters.values()] == [
        ["Ann", "Ann", "She"],
        ["Bob", "He", "he"],
    ]
    assert sample.provenance["doubtful_mentions"] == 1
    assert sample.country == ""


def test_a_surface_that_two_clusters_claim_is_not_guessed() -> None:
    row = {
        "text": "Ann and Bob: he left, he came.",
        "privacy_mask": [],
        "coreferences": [{"mentions": ["Ann", "he"]}, {"mentions": ["Bob", "he"]}],
        "language": "en",
    }
    sample = convert(row, "kiji")
    assert sample.annotations[0].mentions == ()
    assert sample.provenance["doubtful_mentions"] == 1
    assert sample.provenance["unverified_negative"] is True


BASE = {"source_text": "Ann in Lyon", "language": "en"}


@pytest.mark.parametrize(
    ("row", "taxonomy", "code"),
    [
        ({**BASE, "source_text": " ", "privacy_mask": []}, "openpii-500k", "no_text"),
        ({**BASE, "privacy_mask": "[{"}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": "open('x')"}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": '{"a": 1}'}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": [3]}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": [{"label": "CITY", "start": 1}]}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": [{"value": "Ann", "start": 0, "end": 3}]}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": None, "span_labels": None}, "openpii-500k", "unreadable_spans"),
        ({**BASE, "privacy_mask": [{"label": "TOWN", "start": 7, "end": 11}]}, "openpii-500k", "unknown_outside_label"),
        ({**BASE, "language": "Klingon", "privacy_mask": []}, "openpii-500k", "unknown_language"),
        ({**BASE, "privacy_mask": [{"label": "CITY", "start": 7, "end": 12}]}, "openpii-500k", "span_mismatch"),
        ({**BASE, "privacy_mask": [{"label": "CITY", "start": 7, "end": 7}]}, "openpii-500k", "span_mismatch"),
        (
            {**BASE, "privacy_mask": [{"label": "CITY", "start": 6, "end": 10, "value": "Lyon"}]},
            "openpii-500k",
            "span_mismatch",
        ),
        ({**BASE, "privacy_mask": [{"label": "CITY", "start": 7, "end": 9}]}, "openpii-500k", "inside_word"),
        (
            {
                **BASE,
                "privacy_mask": [{"label": "CITY", "start": 0, "end": 11}, {"label": "AGE", "start": 0, "end": 3}],
            },
            "openpii-500k",
            "overlap",
        ),
        ({**BASE, "source_text": "A\x00", "privacy_mask": []}, "openpii-500k", "text_not_storable"),
        (
            {"text": "Ann", "language": "en", "privacy_mask": [{"value": "Bob", "label": "FIRSTNAME"}]},
            "kiji",
            "unaligned_value",
        ),
        (
            {
                "text": "Paris met Paris",
                "language": "en",
                "privacy_mask": [{"value": "Paris", "label": "CITY"}, {"value": "Paris", "label": "FIRSTNAME"}],
            },
            "kiji",
            "ambiguous_value",
        ),
    ],
)
def test_rejections_have_a_code(row: dict[str, Any], taxonomy: str, code: str) -> None:
    with pytest.raises(RowError) as caught:
        convert(row, taxonomy)
    assert caught.value.code == code


@pytest.mark.parametrize("start", ["²", "9" * 5000, "-1", "٣"])
def test_offsets_in_odd_digits_are_rejections(start: str) -> None:
    row = {"source_text": TEXT, "privacy_mask": [{**MASK[0], "start": start, "value": None}], "language": "en"}
    with pytest.raises(RowError):
        convert(row, "openpii-500k")


def test_columns_of_different_lengths_are_a_rejection() -> None:
    row = {"source_text": TEXT, "privacy_mask": {"value": ["Maria"], "label": []}, "language": "en"}
    with pytest.raises(RowError, match="equally long"):
        convert(row, "openpii-500k")


def test_every_code_has_a_meaning_and_the_nearest_label_is_named() -> None:
    assert set(MEANINGS) == set(Code)
    with pytest.raises(RowError, match="Did you mean GIVENNAME"):
        convert({**BASE, "privacy_mask": [{"label": "GIVEN_NAME", "start": 0, "end": 3}]}, "openpii-500k")


def test_labels_that_the_schema_lacks_are_rejections() -> None:
    smaller = LabelSchema(tuple(label for label in LABELS.labels if label.code != "CITY"))
    row = {**BASE, "privacy_mask": [{"label": "CITY", "start": 7, "end": 11}]}
    with pytest.raises(RowError) as caught:
        convert(row, "openpii-500k", smaller)
    assert caught.value.code == "unknown_label"


@given(st.text(max_size=60) | st.none() | st.integers() | st.lists(st.integers(), max_size=3))
def test_span_columns_never_break_the_reader(value: Any) -> None:
    try:
        read = read_list(value, "c")
    except RowError as error:
        read = [error.code]
    assert isinstance(read, list | tuple)


@pytest.mark.parametrize("value", ["[" * 100_000, "(" * 5000 + ")" * 5000, "9" * 10_000, "-" * 20_000 + "1", "{1: 2}"])
def test_hostile_literals_are_refused(value: str) -> None:
    with pytest.raises(RowError):
        read_list(value, "c")


COLUMN_NAMES = ["text", "source_text", "privacy_mask", "spans", "entities", "language"]
ENTRIES = st.dictionaries(st.sampled_from(["label", "value", "start", "end"]), st.text(max_size=3) | st.integers(-3, 9))
CELLS = st.text() | st.none() | st.lists(ENTRIES, max_size=2)


@given(st.dictionaries(st.sampled_from(COLUMN_NAMES), CELLS))
def test_any_row_is_a_sample_or_a_rejection(row: dict[str, Any]) -> None:
    for shape in SHAPES:
        source = RowSource("o/n", SHA)
        try:
            outcome = convert_row(
                shape.read_row(row, RowOptions(LABELS)), 0, source, load_taxonomy("kiji"), LABELS
            ).text
        except RowError as error:
            outcome = error.code
        assert outcome


def test_shapes_have_names() -> None:
    assert get_shape("gretel").name == "gretel"
    with pytest.raises(UnknownNameError, match="gretel"):
        get_shape("gretl")


def test_languages_and_countries() -> None:
    for name, code in [("English", "en"), ("DE", "de"), ("pt_BR", "pt"), ("Flemish", "nl"), (" french ", "fr")]:
        assert find_language(name) == code
    for name, code in [("Germany", "DE"), ("gb", "GB"), ("en-US", "US"), ("USA", "US"), ("Narnia", ""), ("", "")]:
        assert find_country(name) == code
    with pytest.raises(UnknownNameError, match="German"):
        find_language("Germann")
    assert (name_language("hi"), name_country("KR")) == ("Hindi", "South Korea")
    assert (name_language("xx"), name_country("")) == ("xx", "")
