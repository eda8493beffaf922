from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.errors import InputError, SchemaError
from goldspan.annotation.labels.schema import Label, LabelSchema, build_labels, load_labels
from goldspan.annotation.labels.values import find_mismatch, load_terms, matches_pattern, probe_pattern, search_pattern
from goldspan.annotation.types import Annotation, Author, Entity

EXPONENTIAL = ["(a|a)+b", "(a|aa)+$", "(.*?,){13}P"]
BACKTRACKING = [*EXPONENTIAL, "(a+)+$", "([a-z0-9]+)*!", r"(\w+\s?)+$", "(.*a){20}", "(x+x+)+y"]


def make(code: str = "ID", **fields: object) -> tuple[Label, LabelSchema]:
    labels = build_labels({"labels": {code: {"name": code, **fields}}})
    return labels[code], labels


@pytest.mark.parametrize("pattern", BACKTRACKING)
def test_a_pattern_that_backtracks_is_bounded_and_named(pattern: str) -> None:
    label, _ = make(pattern=pattern)
    begun = time.monotonic()
    for text in ("a" * 5000 + "b x" * 2000 + "\x00", "1," * 3000):
        with contextlib.suppress(InputError):
            list(search_pattern(label, text, 0.1))
    assert time.monotonic() - begun < 60
    with pytest.raises(InputError, match=r"pattern of ID took longer than 0\.2 s"):
        list(search_pattern(make(pattern="(a|a)+b")[0], "a" * 60, 0.2))


@pytest.mark.parametrize("pattern", EXPONENTIAL)
def test_probing_finds_exponential_patterns(pattern: str) -> None:
    assert "backtracks" in probe_pattern(make(pattern=pattern)[0])


@pytest.mark.parametrize("pattern", ["ORD-[0-9]{6}", r"[A-Z]{2}\d{4,10}", "(red|green) (apple|pear)s?", r"\p{Lu}\w+"])
def test_probing_passes_ordinary_patterns(pattern: str) -> None:
    assert not probe_pattern(make(pattern=pattern)[0])
    assert "empty" in probe_pattern(make(pattern=f"({pattern})?")[0])


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(SchemaError, match="pattern of ID is not a regular expression"):
        matches_pattern(make(pattern="[a")[0], "x")


def test_terms_come_from_a_file_without_comments_and_repeats(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text('[labels.DRUG]\nname = "Drug"\nvalues = "list"\nterms = "drugs.txt"\n')
    labels = load_labels(file)
    with pytest.raises(SchemaError, match=r"drugs\.txt"):
        load_terms(labels["DRUG"])
    (tmp_path / "drugs.txt").write_text("# drugs\naspirin\n\n  insulin \naspirin\n")
    assert load_terms(labels["DRUG"]) == ("aspirin", "insulin")
    (tmp_path / "drugs.txt").write_text("a" * 300)
    with pytest.raises(SchemaError, match=r"drugs\.txt:1"):
        load_terms(labels["DRUG"])
    (tmp_path / "drugs.txt").write_bytes(b"\xff")
    with pytest.raises(SchemaError, match="UTF-8"):
        load_terms(labels["DRUG"])


@pytest.mark.parametrize(
    ("fields", "value", "right"),
    [
        ({"pattern": "ORD-[0-9]{6}"}, "ORD-123456", True),
        ({"pattern": "ORD-[0-9]{6}"}, "ORD-12345", False),
        ({"pattern": "ord-[0-9]{6}", "ignore_case": True}, "ORD-123456", True),
        ({"values": "list", "terms": ["aspirin"]}, "aspirin", True),
        ({"values": "list", "terms": ["aspirin"]}, "Aspirin", False),
        ({"values": "list", "terms": ["aspirin"], "ignore_case": True}, "Aspirin", True),
        ({"values": "model", "terms": ["aspirin"]}, "insulin", True),
        ({}, "anything", True),
    ],
)
def test_values_are_checked_by_what_the_label_says(fields: dict[str, object], value: str, right: bool) -> None:
    label, labels = make(**fields)
    assert (find_mismatch(label, value) == "") == right
    annotation = Annotation(Author.person("p"), (Entity(0, len(value), "ID"),))
    issues = [issue.code for issue in check_annotation(value, annotation, labels)]
    assert issues == ([] if right else ["invalid_value"])


def test_entities_may_lie_in_each_other_where_the_schema_says_so() -> None:
    annotation = Annotation(Author.person("p"), (Entity(0, 18, "A"), Entity(14, 18, "A")))
    for nested, expected in ((False, ["overlap"]), (True, [])):
        labels = build_labels({"labels": {"A": {"name": "a"}}, "nested": nested})
        assert [issue.code for issue in check_annotation("University of Bonn", annotation, labels)] == expected
