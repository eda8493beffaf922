from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.checks import find_errors
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import build_labels
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.schema.terms import TermIndex


def predict(text: str, nested: bool = False, **labels: dict[str, Any]) -> list[tuple[str, str]]:
    schema = build_labels(
        {"labels": {code: {"name": code, **fields} for code, fields in labels.items()}, "nested": nested}
    )
    annotation = open_predictor("schema", schema).predict_sync(text, "en")
    assert not find_errors(text, annotation, schema)
    return [(text[e.start : e.end], e.label) for e in annotation.entities]


ORDER = {"pattern": "ORD-[0-9]{6}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Order ORD-123456, thanks", ["ORD-123456"]),
        ("ORD-1234567 and XORD-123456 are others", []),
        ("(ORD-123456)\u200b ORD-000000.", ["ORD-123456", "ORD-000000"]),
        ("🎉ORD-123456🎉", ["ORD-123456"]),
        ("", []),
    ],
)
def test_patterns_match_whole_words(text: str, expected: list[str]) -> None:
    assert predict(text, ORDER_ID=ORDER) == [(value, "ORDER_ID") for value in expected]


def test_terms_match_whole_words_the_longest_first() -> None:
    drugs = {"terms": ["aspirin", "aspirin forte", "E. coli", "St. John's wort", "β-blocker"], "ignore_case": True}
    text = "Aspirin forte, ASPIRIN, aspirins, e. coli; St. John's wort and β-Blocker."
    found = [value for value, _ in predict(text, DRUG=drugs)]
    assert found == ["Aspirin forte", "ASPIRIN", "e. coli", "St. John's wort", "β-Blocker"]


def test_case_matters_unless_the_label_says_otherwise() -> None:
    assert predict("WAS was", GENE={"terms": ["WAS"]}) == [("WAS", "GENE")]


def test_letters_that_fold_to_two_keep_offsets_right() -> None:
    text = "Maße İstanbul Straße aspirin"
    assert predict(text, DRUG={"terms": ["ASPIRIN", "straße"], "ignore_case": True}) == [
        ("Straße", "DRUG"),
        ("aspirin", "DRUG"),
    ]


def test_overlaps_keep_the_longer_then_the_pattern_then_the_first_label() -> None:
    text = "Pump ORD-123456 now"
    assert predict(text, A={"terms": ["Pump ORD-123456"]}, ORDER_ID=ORDER) == [("Pump ORD-123456", "A")]
    assert predict(text, A={"terms": ["ORD-123456"]}, ORDER_ID=ORDER) == [("ORD-123456", "ORDER_ID")]
    assert predict(text, A={"terms": ["Pump"]}, B={"terms": ["Pump"]}) == [("Pump", "A")]
    both = predict(text, nested=True, A={"terms": ["Pump ORD-123456"]}, ORDER_ID=ORDER)
    assert both == [("Pump ORD-123456", "A"), ("ORD-123456", "ORDER_ID")]


def test_it_says_which_labels_it_knows() -> None:
    schema = build_labels({"labels": {"A": {"name": "a"}, "B": {"name": "b", **ORDER}}})
    assert open_predictor("schema", schema).labels == {"B"}


def test_a_pattern_that_backtracks_is_refused_by_name() -> None:
    with pytest.raises(GoldspanError, match="label BAD"):
        predict("x", BAD={"pattern": "(a|a)+b"})


@given(st.text("aß İ.-x1", max_size=40), st.lists(st.text("aß İ.-x1", min_size=1, max_size=6), min_size=1, max_size=6))
def test_terms_are_found_where_they_stand(text: str, terms: list[str]) -> None:
    folded = {TermIndex([], ignore_case=True)._fold(term) for term in terms}
    for start, end in TermIndex(terms, ignore_case=True).find(text):
        assert TermIndex([], ignore_case=True)._fold(text)[start:end] in folded


def test_a_hundred_thousand_terms_cost_the_text_little() -> None:
    rng = Random(1)
    words = ["".join(rng.choices("abcdefgh", k=6)) for _ in range(300)]
    text = " ".join(rng.choices(words, k=20_000))
    small, large = (
        TermIndex(f"{rng.choice(words)} {rng.randrange(10**9)}" for _ in range(n)) for n in (1_000, 100_000)
    )

    def measure(index: TermIndex) -> float:
        begun = time.thread_time()
        list(index.find(text))
        return time.thread_time() - begun

    assert min(measure(large) for _ in range(3)) < 20 * min(measure(small) for _ in range(3))
