from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity
from goldspan.predictors.tags import TaggedToken, read_tags


def make_tokens(text: str, *tagged: tuple[str, str]) -> list[TaggedToken]:
    """Tokens in their order in the text, each as (surface, tag)."""
    tokens, position = [], 0
    for surface, tag in tagged:
        start = text.index(surface, position)
        position = start + len(surface)
        tokens.append(TaggedToken(start, position, tag, 0.9))
    return tokens


def surfaces(text: str, entities: list[Entity]) -> list[tuple[str, str]]:
    return [(entity.label, text[entity.start : entity.end]) for entity in entities]


def test_pieces_of_a_word_are_one_entity() -> None:
    text = "in München today"
    tokens = make_tokens(text, ("in", "O"), ("Mün", "B-CITY"), ("chen", "B-CITY"), ("today", "O"))
    assert surfaces(text, read_tags(text, tokens)) == [("CITY", "München")]


def test_neighbours_that_begin_anew_stay_apart() -> None:
    text = "Ann Bob"
    tokens = make_tokens(text, ("Ann", "B-NAME"), ("Bob", "B-NAME"))
    assert surfaces(text, read_tags(text, tokens)) == [("NAME", "Ann"), ("NAME", "Bob")]
    tokens = make_tokens(text, ("Ann", "B-NAME"), ("Bob", "I-NAME"))
    assert surfaces(text, read_tags(text, tokens)) == [("NAME", "Ann Bob")]


def test_a_word_of_which_only_a_part_was_found_is_taken_whole() -> None:
    text = "visit Santiago now"
    assert surfaces(text, read_tags(text, make_tokens(text, ("Santi", "B-CITY")))) == [("CITY", "Santiago")]


def test_marks_are_bridged_only_where_asked() -> None:
    text = "mail ann@example.com"
    tokens = make_tokens(text, ("ann", "B-EMAIL"), ("example", "I-EMAIL"), ("com", "I-EMAIL"))
    assert [s for _, s in surfaces(text, read_tags(text, tokens))] == ["ann", "example", "com"]
    bridged = read_tags(text, tokens, bridged=frozenset({"EMAIL"}))
    assert surfaces(text, bridged) == [("EMAIL", "ann@example.com")]


def test_a_number_that_changes_its_type_halfway_is_named_by_its_greater_part() -> None:
    text = "SSN 536-90-4399."
    tokens = make_tokens(text, ("536", "B-TAX"), ("-90", "B-PHONE"), ("-4399", "I-TAX"))
    assert surfaces(text, read_tags(text, tokens, bridged=frozenset({"TAX", "PHONE"}))) == [("TAX", "536-90-4399")]


def test_entities_below_the_threshold_are_left_out() -> None:
    assert read_tags("Ann", [TaggedToken(0, 3, "B-NAME", 0.4)]) == []
    assert read_tags("Ann", [TaggedToken(0, 3, "B-NAME", 0.4)], threshold=0.3)[0].score == 0.4


@given(st.text(alphabet="ab é-@.\n", max_size=40), st.data())
def test_entities_are_ordered_and_never_overlap(text: str, data: st.DataObject) -> None:
    borders = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=12)))
    tags = st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"])
    tokens = [TaggedToken(start, end, data.draw(tags), 0.9) for start, end in pairwise(borders)]
    entities = read_tags(text, tokens, bridged=frozenset({"Y"}))
    assert all(0 <= e.start < e.end <= len(text) for e in entities)
    assert all(one.end <= other.start for one, other in pairwise(entities))
