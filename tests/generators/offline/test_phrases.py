"""The phrases of all languages: complete, and readable by the code that fills them."""

from __future__ import annotations

import re
from random import Random

import pytest

from goldspan.generators.offline.phrases import capitalize, draw_phrase, load_phrases
from goldspan.generators.surrogates.world import COUNTRIES

SHAPES = ("term", "code", "person", "contact")


@pytest.mark.parametrize("language", COUNTRIES)
def test_every_language_has_every_list_and_every_slot_a_list(language: str) -> None:
    phrases = load_phrases(language)
    assert set(phrases) == set(load_phrases("en"))
    assert language == "en" or phrases is not load_phrases("en")
    for name, options in phrases.items():
        assert len(set(options)) == len(options), name
        for phrase in options:
            assert {slot.lower() for slot in re.findall(r"<(\w+)>", phrase)} <= {*phrases, "n"}, phrase
            assert phrase.count("[") == phrase.count("]"), phrase


@pytest.mark.parametrize("language", COUNTRIES)
def test_a_frame_holds_its_values_once_and_no_slot_is_left(language: str) -> None:
    phrases, rng = load_phrases(language), Random(1)
    for name in (*SHAPES, "pair", "field", "filler"):
        held = {"pair": ["{v}", "{w}"], "field": ["{name}", "{v}"], "filler": []}.get(name, ["{v}"])
        for _ in range(200):
            drawn = draw_phrase(rng, name, phrases)
            assert sorted(re.findall(r"\{\w+\}", drawn)) == held, drawn
            assert not re.search(r"[<>\[\]|]", drawn), drawn
            assert "  " not in drawn, drawn


def test_another_language_is_written_in_english_and_a_question_opens_with_a_capital() -> None:
    assert load_phrases("fi") == load_phrases("en")
    assert load_phrases("../en") == load_phrases("en")
    assert capitalize("¿es así?") == "¿Es así?"
    assert capitalize("") == ""
