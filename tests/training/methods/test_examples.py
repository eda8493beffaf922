"""Copies with other values: texts, gold and what the predictor beneath finds stay in step."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity
from goldspan.training.methods.examples import CrfExample, swap_values

Part = tuple[str, str]
PARTS = st.lists(st.tuples(st.sampled_from(["", "A", "B"]), st.text("xyz👩 ", min_size=1, max_size=4)), max_size=8)


def build(parts: Sequence[Part]) -> CrfExample:
    """A text of parts; those with a label are gold entities, and what is beneath finds exactly them."""
    text, gold = "", []
    for label, value in parts:
        if label:
            gold.append(Entity(len(text), len(text) + len(value), label))
        text += value
    return CrfExample(text, "en", tuple(gold), tuple(gold))


@given(st.lists(PARTS, max_size=5))
def test_a_copy_differs_in_its_values_only(texts: list[list[Part]]) -> None:
    examples = [build(parts) for parts in texts]
    known = {(label, value) for parts in texts for label, value in parts}
    copies = swap_values(examples, 2)
    assert copies == swap_values(examples, 2)
    originals = [(one, parts) for one, parts in zip(examples, texts, strict=True) if one.gold] * 2
    assert len(copies) == len(originals)
    for copy, (one, parts) in zip(copies, originals, strict=True):
        values = iter([copy.text[entity.start : entity.end] for entity in copy.gold])
        rebuilt = build([(label, next(values) if label else value) for label, value in parts])
        assert copy == rebuilt
        assert {(entity.label, copy.text[entity.start : entity.end]) for entity in copy.gold} <= known
        same: dict[Part, str] = {}
        for old, new in zip(one.gold, copy.gold, strict=True):
            key = old.label, one.text[old.start : old.end]
            assert same.setdefault(key, copy.text[new.start : new.end]) == copy.text[new.start : new.end]


def test_what_the_predictor_beneath_finds_moves_along_or_is_left_out() -> None:
    other = CrfExample("Bo", "en", (Entity(0, 2, "A"),), ())
    text = "I, Ann Lee, met Ann Lee."
    gold = (Entity(3, 10, "A"), Entity(16, 23, "A"))
    beneath = (Entity(0, 1, "P"), Entity(0, 10, "W"), Entity(3, 6, "F"), Entity(11, 15, "V"), Entity(23, 24, "D"))
    for copy in swap_values([CrfExample(text, "en", gold, beneath), *[other] * 50], 1)[:1]:
        assert copy.text == "I, Bo, met Bo."
        found = [(copy.text[one.start : one.end], one.label) for one in copy.beneath]
        assert found == [("I", "P"), ("I, Bo", "W"), (" met", "V"), (".", "D")]


def test_other_languages_and_overlapping_gold_are_left_alone() -> None:
    german, english = (
        CrfExample("Anna", "de", (Entity(0, 4, "A"),), ()),
        CrfExample("Bo", "en", (Entity(0, 2, "A"),), ()),
    )
    assert swap_values([german, english], 1) == [german, english]
    assert swap_values([CrfExample("Bo Li", "en", (Entity(0, 5, "A"), Entity(3, 5, "B")), ())], 3) == []
