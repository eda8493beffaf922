"""Offsets of each object tag; the values come from a real Label Studio 1.23 in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labelstudio.project.tags import ObjectTag
from goldspan.annotation.labelstudio.project.textview import HyperTextView, ParagraphsView, PlainView, open_text

HTML = "<p>Barack 🎉 <b>Obama</b> met</p>\n<p>Angela &amp; Bob<br>in   Berlin</p>"
DRAWN = [
    {
        "start": "/p[1]/text()[1]",
        "startOffset": 0,
        "end": "/p[1]/b[1]/text()[1]",
        "endOffset": 5,
        "globalOffsets": {"start": 0, "end": 14},
        "text": "Barack 🎉 Obama",
    },
    {
        "start": "/p[2]/text()[1]",
        "startOffset": 0,
        "end": "/p[2]/text()[1]",
        "endOffset": 12,
        "globalOffsets": {"start": 19, "end": 31},
        "text": "Angela & Bob",
    },
    {
        "start": "/p[2]/text()[2]",
        "startOffset": 0,
        "end": "/p[2]/text()[2]",
        "endOffset": 11,
        "globalOffsets": {"start": 32, "end": 43},
        "text": "in Berlin",
    },
]
DIALOGUE = [{"author": "A", "text": "Hi 🎉🎉 Bob Smith here"}, {"author": "B", "text": "Hello from Paris"}]


@pytest.mark.parametrize("value", DRAWN)
def test_hypertext_regions_by_offsets_and_by_xpath(value: dict[str, Any]) -> None:
    view = HyperTextView.build(HTML)
    assert view.text == "Barack 🎉 Obama met\nAngela & Bob\nin   Berlin"
    span = view.read_span(value)
    assert span == (value["globalOffsets"]["start"], value["globalOffsets"]["end"])
    assert view.read_span({name: part for name, part in value.items() if name != "globalOffsets"}) == span
    assert view.write_span(*span) == {name: part for name, part in value.items() if name != "text"}


def test_a_hypertext_region_whose_text_stands_elsewhere_is_not_read() -> None:
    view = HyperTextView.build(HTML)
    assert view.read_span({"globalOffsets": {"start": 0, "end": 6}, "text": "Angela"}) is None
    assert view.read_span({"start": 0, "end": 6}) is None
    with pytest.raises(RecordError):
        view.write_span(31, 32)


def test_blocks_that_nothing_parts_become_lines_of_their_own() -> None:
    view = HyperTextView.build("<div><p>Ann</p><p>Bob<br/>Eve</p><ul><li>x<li>y</ul>z</div>")
    assert view.text == "Ann\nBob\nEve\nx\ny\nz"
    for value, surface in (
        ({"globalOffsets": {"start": 3, "end": 6}}, "Bob"),
        ({"globalOffsets": {"start": 0, "end": 6}}, "Ann\nBob"),
        (
            {"start": "/div[1]/ul[1]/li[2]/text()[1]", "startOffset": 0, "end": "/div[1]/text()[1]", "endOffset": 1},
            "y\nz",
        ),
    ):
        span = view.read_span(value)
        assert span
        assert view.text[slice(*span)] == surface
        assert view.write_span(*span).items() >= value.items()


def test_paragraph_offsets_are_utf16_units() -> None:
    view = ParagraphsView.build(DIALOGUE, "text")
    assert view.text == "Hi 🎉🎉 Bob Smith here\nHello from Paris"
    value = {"start": "0", "end": "0", "startOffset": 8, "endOffset": 17}
    assert view.read_span({**value, "text": "Bob Smith"}) == (6, 15)
    assert view.read_span({"start": "0", "end": "0", "startOffset": 6, "endOffset": 15, "text": "Bob Smith"}) == (6, 15)
    assert view.write_span(6, 15) == value
    assert view.read_span({"start": "1", "end": "1", "startOffset": 0, "endOffset": 16}) == (21, 37)
    assert view.read_span({"start": "2", "end": "2", "startOffset": 0, "endOffset": 1}) is None
    across = view.write_span(16, 26)
    assert view.read_span(across) == (16, 26)
    assert (across["start"], across["end"]) == ("0", "1")


@pytest.mark.parametrize(("start", "end"), [("19", 23.0), (19, "23")])
def test_offsets_of_plain_text_may_be_strings_or_whole_fractions(start: Any, end: Any) -> None:
    assert PlainView("Ann Lee lives in Mainz, Köln").read_span({"start": start, "end": end}) == (19, 23)


@pytest.mark.parametrize("value", [{"start": 1.5, "end": 3}, {"start": 2, "end": 2}, {"start": 0, "end": 99}, {}])
def test_offsets_that_are_no_span(value: dict[str, Any]) -> None:
    assert PlainView("Ann Lee").read_span(value) is None


@pytest.mark.parametrize(
    ("kind", "content"), [("Text", 3), ("HyperText", None), ("Paragraphs", "text"), ("Paragraphs", [{"x": "y"}])]
)
def test_content_of_another_kind_is_refused(kind: str, content: Any) -> None:
    with pytest.raises(RecordError):
        open_text(ObjectTag(kind, "t", "body"), content)


@given(st.lists(st.text(alphabet="aé🎉\u200d \n", max_size=6), min_size=1, max_size=4), st.data())
def test_paragraph_spans_survive_the_round_trip(paragraphs: list[str], data: st.DataObject) -> None:
    view = ParagraphsView.build(paragraphs, "text")
    if len(view.text) > 1:
        start = data.draw(st.integers(0, len(view.text) - 1))
        end = data.draw(st.integers(start + 1, len(view.text)))
        ends = {piece.start + len(piece.text) for piece in view.pieces}
        if start not in ends and end - 1 not in ends:
            assert view.read_span(view.write_span(start, end)) == (start, end)


@given(
    st.lists(st.sampled_from(["ab", "🎉", " ", "&amp;", "<b>x</b>", "<br>", "<p>y</p>", "<i>", "</i>"]), max_size=12)
)
def test_every_character_of_a_text_node_can_be_addressed(parts: list[str]) -> None:
    view = HyperTextView.build("".join(parts))
    for piece in (piece for piece in view.pieces if piece.address):
        for at in range(piece.start, piece.start + len(piece.text)):
            written = view.write_span(at, at + 1)
            assert view.read_span(written) == (at, at + 1)
            del written["globalOffsets"]
            assert view.read_span(written) == (at, at + 1)
