from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.alignment import Doubt
from goldspan.annotation.text.tagged import Tagged, parse_tagged
from goldspan.annotation.text.transfer import map_positions, transfer_spans
from goldspan.annotation.types import Entity

LABELS = load_labels()


def place(tagged: str, text: str) -> list[tuple[int, str]]:
    return [(e.start, text[e.start : e.end]) for e in transfer_spans(parse_tagged(tagged, LABELS), text).entities]


@pytest.mark.parametrize(
    ("tagged", "text", "places"),
    [
        (
            "Hi <FIRSTNAME>May</FIRSTNAME>. See you in may or May or May 5.",
            "Hi May. See you in may or May or  May 5.",
            [(3, "May")],
        ),
        ('"<SURNAME>O\'Brien</SURNAME>" came', "“O’Brien” came", [(1, "O’Brien")]),
        ("Das ist <FIRSTNAME>Anna</FIRSTNAME>s Auto", "Das  ist Annas Auto", [(9, "Anna")]),
        ("Call <PHONENUMBER>+33 1</PHONENUMBER> now", "Please call +33\u00a01 now!", [(12, "+33\u00a01")]),
        ("我是<FIRSTNAME>李明</FIRSTNAME>，住<CITY>北京</CITY>", "我是李明, 住在北京", [(2, "李明"), (8, "北京")]),
        ("Ann met <FIRSTNAME>Ann</FIRSTNAME> today", "Ann really met Ann today", [(15, "Ann")]),
    ],
)
def test_positions_are_mapped_not_searched(tagged: str, text: str, places: list[tuple[int, str]]) -> None:
    assert place(tagged, text) == places


def test_a_changed_value_is_lost_by_name() -> None:
    result = transfer_spans(parse_tagged("Dear <FIRSTNAME>Katherine</FIRSTNAME> Lee", LABELS), "Dear Catherine Lee")
    assert result.entities == ()
    assert [(lost.value, lost.doubt) for lost in result.lost] == [("Katherine", Doubt.CHANGED)]


def test_a_place_that_cannot_be_told_is_lost() -> None:
    result = transfer_spans(parse_tagged("<FIRSTNAME>May</FIRSTNAME> May", LABELS), "May May May")
    assert [lost.doubt for lost in result.lost] == [Doubt.SEVERAL_PLACES]


@given(st.text(alphabet="ab \u00a0é👩日-.'’", max_size=60), st.data())
def test_the_same_text_maps_every_word_onto_itself(text: str, data: st.DataObject) -> None:
    positions = map_positions(text, text)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    place = positions.map_span(start, end)
    assert positions.similarity == 1.0
    if place and not text[start].isspace() and not text[end - 1].isspace():
        assert place == (start, end)


@given(st.text(alphabet="ab cé", max_size=30), st.text(alphabet="ab cé", max_size=30))
def test_what_is_mapped_has_the_same_characters(copy: str, text: str) -> None:
    spans = tuple(Entity(i, j, "X") for i in range(len(copy)) for j in range(i + 1, len(copy) + 1))[:50]
    result = transfer_spans(Tagged(copy, spans), text)
    surfaces = {"".join(copy[s.start : s.end].split()) for s in spans}
    assert all("".join(text[e.start : e.end].split()) in surfaces for e in result.entities)
    assert len(result.entities) + len(result.lost) == len(spans)


def test_a_long_repetitive_text_takes_linear_time() -> None:
    text = "the cat May sat on " * 5_000
    assert map_positions(text[:-40] + "x" + text[-40:], text).similarity > 0.99
