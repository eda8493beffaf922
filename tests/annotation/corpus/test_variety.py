"""Measures of variety: each on texts that show what it counts."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.corpus.quality.variety import (
    Bounds,
    LanguageVariety,
    VarietyCounts,
    count_recent,
    judge_variety,
    rarefy,
)
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample

LABELS = load_labels()


def count(*tagged: str, language: str = "en") -> VarietyCounts:
    counts = VarietyCounts(LABELS)
    for text in tagged:
        parsed = parse_tagged(text, LABELS)
        reading = Annotation(Author.model("m"), parsed.entities, parsed.mentions)
        counts.add(Sample(parsed.text, language, annotations=(reading,)), reading)
    return counts


def measure(*tagged: str) -> LanguageVariety:
    return count(*tagged).measure()["en"]


def test_sentences_repeat_when_only_their_entities_differ() -> None:
    one = "<FIRSTNAME>Ann</FIRSTNAME> moved to <CITY>Leeds</CITY> last week."
    other = "<FIRSTNAME>Bo</FIRSTNAME> moved to <CITY>Bath</CITY> last week."
    fresh = "Nobody has ever seen <FIRSTNAME>Cy</FIRSTNAME> smile."
    assert measure(one, fresh).sentence_repeats == 0
    assert measure(one, other, fresh).sentence_repeats == pytest.approx(1 / 3)


def test_entities_in_known_sentences_are_looked_up() -> None:
    one = "<FIRSTNAME>Ann</FIRSTNAME> moved to <CITY>Leeds</CITY> last week."
    other = "<FIRSTNAME>Bo</FIRSTNAME> moved to <CITY>Bath</CITY> last week."
    fresh = "Nobody has ever seen <FIRSTNAME>Cy</FIRSTNAME> smile."
    assert measure(one, other, fresh).lookup == pytest.approx(4 / 5)


def test_vocabulary_grows_by_words_that_the_first_half_lacks() -> None:
    def letters(number: int) -> str:
        return "".join("abcdefghij"[int(digit)] for digit in f"{number:03d}")

    first = [" ".join(f"w{letters(10 * i + j)}" for j in range(10)) for i in range(20)]
    second = [" ".join(f"v{letters(10 * i + j)}" for j in range(5)) + " " + first[i] for i in range(20)]
    assert measure(*first, *second).vocabulary_growth == pytest.approx(0.5)
    assert measure(*first, *first).vocabulary_growth == 0


def test_words_of_names_are_no_vocabulary() -> None:
    words = ["".join("abcdefghij"[int(digit)] for digit in f"{number:03d}") for number in range(240)]
    plain, names = words[:120], [word.capitalize() for word in words[120:]]
    first = [" ".join(plain[i : i + 6]) for i in range(0, 120, 6)]
    listed = [" ".join(names[i : i + 6]) for i in range(0, 120, 6)]
    labelled = " ".join(f"<SURNAME>{name}</SURNAME>" for name in names)
    assert measure(*first, *listed).vocabulary_growth == pytest.approx(1.0)
    assert measure(*first, *listed[1:], f"{labelled} {listed[0]}").vocabulary_growth == 0


def test_contexts_are_the_two_words_before_a_mention() -> None:
    texts = [f"she lives in {word} <CITY>Leeds</CITY> now" for word in ("old", "old", "new", "far")]
    assert measure(*texts).contexts["CITY"] == pytest.approx(75)


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(1, 4), min_size=1, max_size=5), drawn=st.integers(1, 6))
def test_rarefaction_is_the_mean_over_all_draws(counts: list[int], drawn: int) -> None:
    things = [kind for kind, number in enumerate(counts) for _ in range(number)]
    if len(things) <= drawn:
        assert rarefy(counts, drawn) == pytest.approx(len(counts) * drawn / len(things))
        return
    draws = list(combinations(range(len(things)), drawn))
    mean = sum(len({things[place] for place in draw}) for draw in draws) / math.comb(len(things), drawn)
    assert rarefy(counts, drawn) == pytest.approx(mean)


def test_names_count_as_outside_where_they_stand_without_a_label() -> None:
    found = measure(
        "<FIRSTNAME>Ann</FIRSTNAME> lives in <CITY>New York</CITY> and works at <COMPANYNAME>Crane</COMPANYNAME>.",
        "The train to New York is late. Craneflies are out. Annabel too.",
    )
    assert found.names_outside == {"LOCATION": 1.0, "ORGANIZATION": 0.0, "PERSON": 0.0, "all": pytest.approx(1 / 3)}


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        ('<m c="1">Ann</m> left. <m c="1" k="PRONOUN">She</m> ran.', (1, 1)),
        ('<m c="1">Ann</m> met <m c="2">Bo</m>. <m c="1" k="PRONOUN">She</m> ran.', (0, 1)),
        ('<m c="1" k="PRONOUN">She</m> ran, <m c="1">Ann</m> said.', (0, 0)),
        ('<m c="1">Ann</m> saw <m k="REFERENCE">a clerk</m>.', (0, 0)),
        ('<m c="2" k="REFERENCE">They</m> <m c="1">Ann</m> and <m c="2" k="PRONOUN">them</m>', (0, 1)),
    ],
)
def test_the_most_recent_name_resolves_some_mentions(tagged: str, expected: tuple[int, int]) -> None:
    parsed = parse_tagged(tagged, LABELS)
    assert count_recent(Annotation(Author.model("m"), (), parsed.mentions)) == expected


def test_small_sets_are_reported_and_large_ones_judged() -> None:
    text = "<FIRSTNAME>Ann</FIRSTNAME> moved to <CITY>Leeds</CITY> last week."
    small = {check.code: check for check in judge_variety(count(*[text] * 20))}
    large = {check.code: check for check in judge_variety(count(*[text] * 200))}
    assert not any(check.flag for check in small.values())
    assert {code for code, check in large.items() if check.flag} >= {"sentence_repeats", "contexts", "lookup"}
    assert set(large) == set(Bounds._fields)
