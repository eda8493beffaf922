from __future__ import annotations

from dataclasses import replace
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation import checks
from goldspan.annotation.checks import CODES, check_annotation, check_sample, check_text, find_errors, has_errors
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from tests.strategies import LABELS, samples

AUTHOR = Author.model("m")


def codes(tagged: str, labels: LabelSchema, country: str = "") -> list[str]:
    read = parse_tagged(tagged, labels)
    annotation = Annotation(AUTHOR, read.entities, read.mentions)
    return [issue.code for issue in check_annotation(read.text, annotation, labels, "en", country)]


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ("I met <FIRSTNAME>Ann</FIRSTNAME>.", []),
        ("I met<FIRSTNAME> Ann</FIRSTNAME>.", ["edge_whitespace"]),
        ("I met <FIRSTNAME>Ann</FIRSTNAME>a.", ["inside_word"]),
        ("I met <FIRSTNAME>Ann,</FIRSTNAME> yes", ["edge_punctuation"]),
        ("<CITY><STREET>Lyon Road</STREET></CITY>", ["overlap"]),
        ("<FIRSTNAME>Ann</FIRSTNAME> saw Ann", ["unlabelled_repeat"]),
        ("<FIRSTNAME>Ann</FIRSTNAME> saw Anna and Ann-Marie", []),
        ("<FIRSTNAME>Ann</FIRSTNAME> at <COMPANYNAME>Ann Ltd</COMPANYNAME>", []),
        ("room <AGE>42</AGE> or 42", []),
        ("<IBAN>GB82 WEST 1234 5698 7654 32</IBAN>", []),
        ("<IBAN>GB83 WEST 1234 5698 7654 32</IBAN>", ["invalid_value"]),
        ("<CREDITCARDNUMBER>4532-1234-5678-9012</CREDITCARDNUMBER>", ["invalid_value"]),
        ("<AGE>300</AGE>", ["invalid_value"]),
        ('<m c="1">Ann</m> left', ["single_mention_cluster"]),
        ('<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m> and <m c="1" k="PRONOUN">she</m>', []),
        (
            '<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m> and <m c="1"><FIRSTNAME>Tom</FIRSTNAME></m>',
            ["two_given_names"],
        ),
        (
            '<m c="1"><FIRSTNAME>Ann Lee</FIRSTNAME></m>, <m c="1"><FIRSTNAME>Ann</FIRSTNAME></m>',
            [],
        ),
    ],
)
def test_each_fault_has_its_code(tagged: str, expected: list[str], labels: LabelSchema) -> None:
    assert codes(tagged, labels) == expected


@pytest.mark.parametrize(
    ("span", "code"),
    [((0, 0), "empty_span"), ((2, 1), "out_of_range"), ((-1, 2), "out_of_range"), ((0, 99), "out_of_range")],
)
def test_spans_must_lie_in_the_text(span: tuple[int, int], code: str, labels: LabelSchema) -> None:
    annotation = Annotation(AUTHOR, (Entity(*span, "CITY"),))
    issues = check_annotation("Lyon", annotation, labels)
    assert [issue.code for issue in issues] == [code]
    assert issues[0].severity == "error"


def test_layers_may_nest_but_not_cross(labels: LabelSchema) -> None:
    annotation = Annotation(AUTHOR, (Entity(0, 9, "STREET"),), (Mention(5, 14, "MENTION"),))
    assert [i.code for i in check_annotation("Lyon Road East", annotation, labels)] == ["crossing_layers"]


def test_unknown_and_doubled_labels(labels: LabelSchema) -> None:
    annotation = Annotation(AUTHOR, (Entity(0, 4, "TOWN"),), (Mention(0, 4, "CITY"), Mention(0, 4, "CITY")))
    found = [issue.code for issue in check_annotation("Lyon", annotation, labels)]
    assert found == ["unknown_label", "unknown_label", "unknown_label", "duplicate_span"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_text"),
        (" \n", "empty_text"),
        ("a\x00b", "text_not_storable"),
        ("a\ud800b", "text_not_storable"),
        ("a" * 1_000_001, "text_too_long"),
    ],
)
def test_texts_that_cannot_be_kept(text: str, code: str) -> None:
    assert [issue.code for issue in check_text(text)] == [code]


@given(st.text("ab -.", max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=6))
def test_repeats_are_the_same_however_many_values_there_are(text: str, places: list[tuple[int, int]]) -> None:
    entities = tuple(Entity(start, start + size, "CITY") for start, size in sorted(places) if start + size <= len(text))
    found = []
    for most in (0, 100):
        with mock.patch.object(checks, "_MOST_SEARCHED", most):
            found.append(check_annotation(text, Annotation(AUTHOR, entities), LABELS))
    assert found[0] == found[1]


@given(samples())
def test_checks_never_fail_and_quote_no_text(sample: Sample) -> None:
    issues = check_sample(sample, LABELS)
    assert all(issue.code in CODES and issue.annotation_index in (-1, 0) for issue in issues)
    errors = [i for i in issues if i.severity == "error" and i.annotation_index == 0]
    found = find_errors(sample.text, sample.annotations[0], LABELS, sample.language)
    assert [replace(one, annotation_index=0) for one in found] == errors
    assert has_errors(errors) is bool(errors)


@given(st.text(min_size=1), st.integers(-2, 20), st.integers(-2, 20))
def test_any_span_gets_an_answer(text: str, start: int, end: int) -> None:
    annotation = Annotation(AUTHOR, (Entity(start, end, "CITY"),), (Mention(start, end, "MENTION", "1"),))
    issues = check_annotation(text, annotation, LABELS)
    if not 0 <= start < end <= len(text):
        assert {issue.code for issue in issues} <= {"out_of_range", "empty_span"}
        assert issues
