"""A text as it is read: what is hidden until somebody asks, and where marks begin and end."""

from __future__ import annotations

import re
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.types import Annotation, Author, Entity, Mention, sort_spans
from goldspan.dashboards.highlight import mask_spans, render_html
from tests.strategies import LABELS

PLACES = st.tuples(st.integers(-3, 20), st.integers(-3, 20))
TEXT = "Ann &  Bob<i>, \u202e\n\tc!"


def strip_marks(html: str) -> str:
    """The text of a reading without labels and clusters."""
    body = html.split("</style>")[1].split('dir="auto">')[1]
    return unescape(re.sub(r"<(small|sup)>.*?</\1>|<[^>]*>", "", body))


def make_reading(entities: list[tuple[int, int]], mentions: list[tuple[int, int]]) -> Annotation:
    return Annotation(
        Author.model("m"),
        sort_spans(Entity(start, end, ("CITY", "ZIP", "NO")[at % 3]) for at, (start, end) in enumerate(entities)),
        sort_spans(Mention(start, end, "PRONOUN", str(at % 3 or "")) for at, (start, end) in enumerate(mentions)),
    )


@given(st.lists(PLACES, max_size=6), st.lists(PLACES, max_size=6))
def test_marks_stand_where_each_border_says(
    entity_places: list[tuple[int, int]], mention_places: list[tuple[int, int]]
) -> None:
    reading = make_reading(entity_places, mention_places)
    html = render_html(TEXT, reading, LABELS, show_surfaces=True)
    assert strip_marks(html) == show_controls(TEXT)
    entities = [one for one in reading.entities if 0 <= one.start < one.end <= len(TEXT)]
    mentions = [one for one in reading.mentions if 0 <= one.start < one.end <= len(TEXT)]
    borders = sorted({0, len(TEXT)} | {edge for one in (*entities, *mentions) for edge in (one.start, one.end)})
    names, clusters = [], []
    marked = mentioned = 0
    for start, end in pairwise(borders):
        first = next((one for one in entities if one.start <= start < one.end), None)
        around = [one for one in mentions if one.start <= start < one.end]
        names += [first.label] if first and first.end == end else []
        clusters += [one.cluster or "–" for one in around if one.end == end]
        marked += first is not None
        mentioned += bool(around)
    body = html.split("</style>")[1]
    assert re.findall("<small>(.*?)</small>", body) == names
    assert re.findall("<sup>(.*?)</sup>", body) == clusters
    assert (body.count("<mark"), body.count('"gs-mention"')) == (marked, mentioned)


def test_a_reading_looks_at_each_entity_a_few_times_only(labels: LabelSchema, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    class Watched(Entity):
        __slots__ = ()

        def __getattribute__(self, name: str) -> Any:
            nonlocal looks
            looks += 1
            return super().__getattribute__(name)

    count = 2000
    entities = tuple(Watched(3 * at, 3 * at + 2, "CITY") for at in range(count))
    html = render_html("ab " * count, Annotation(Author.model("m"), entities), labels, show_surfaces=False)
    assert html.count("<mark") == count
    assert looks < 40 * count


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=6))
def test_every_character_that_is_no_white_space_is_hidden(text: str, places: list[tuple[int, int]]) -> None:
    inside = {at for start, end in places for at in range(max(start, 0), min(end, len(text)))}
    expected = ["•" if at in inside and not one.isspace() else one for at, one in enumerate(text)]
    assert mask_spans(text, places) == "".join(expected)


def test_a_password_and_the_shape_of_an_address_are_hidden(labels: LabelSchema) -> None:
    text = "Use !@#$%^&* or a.b@c.org now"
    entities = (Entity(4, 12, "PASSWORD"), Entity(16, 25, "EMAIL"))
    html = render_html(text, Annotation(Author.model("m"), entities), labels, show_surfaces=False)
    assert strip_marks(html) == "Use •••••••• or ••••••••• now"


def test_names_are_hidden_while_pronouns_and_references_stay(labels: LabelSchema) -> None:
    text = "Ann Lee said she and my boss left"
    mentions = (Mention(0, 7, "MENTION", "1"), Mention(13, 16, "PRONOUN", "1"), Mention(21, 28, "REFERENCE"))
    reading = Annotation(Author.model("m"), (), mentions)
    assert strip_marks(render_html(text, reading, labels, show_surfaces=False)) == "••• ••• said she and my boss left"
    assert strip_marks(render_html(text, reading, labels, show_surfaces=True)) == text


def test_a_span_that_leaves_the_text_hides_what_it_holds_of_it(labels: LabelSchema) -> None:
    reading = Annotation(Author.model("m"), (Entity(4, 900, "CITY"),))
    assert strip_marks(render_html("Ann Lee", reading, labels, show_surfaces=False)) == "Ann •••"
