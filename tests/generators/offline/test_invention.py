"""The mock model invents words where the schema leaves values to the model."""

from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import LabelSchema, build_labels
from goldspan.generators.offline.invention import invent_examples

FIELDS = {"name": "Disease", "values": "model"}


def build(**more: object) -> LabelSchema:
    return build_labels({"labels": {"DISEASE": {**FIELDS, **more}, "CITY": {"name": "City", "examples": ["Leeds"]}}})


@pytest.mark.parametrize("examples", [[], ["psoriasis", "glaucoma"], ["Psoriasis"]])
def test_words_are_no_examples_and_always_the_same(examples: list[str]) -> None:
    labels = build(examples=examples)
    words = invent_examples(labels)["DISEASE"].examples
    assert len(set(words)) >= 30
    assert not set(words) & set(examples)
    assert all(word.isalpha() for word in words)
    assert all(word[0].isupper() == (examples == ["Psoriasis"]) for word in words)
    assert invent_examples(labels)["DISEASE"].examples == words
    assert invent_examples(labels)["CITY"] == labels["CITY"]


def test_a_label_with_a_pattern_keeps_its_examples() -> None:
    labels = build(pattern="D[0-9]", examples=["D1"])
    assert invent_examples(labels) == labels
