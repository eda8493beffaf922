from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import escape_text, parse_tagged, render_tagged
from goldspan.annotation.types import Entity, Mention, Sample
from tests.strategies import LABELS, samples

EXAMPLE = (
    '<m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> said '
    '<m c="1" k="PRONOUN">she</m> moved to <CITY>Lyon</CITY>.'
)


def test_reads_the_notation_with_exact_offsets(labels: LabelSchema) -> None:
    tagged = parse_tagged(EXAMPLE, labels)
    assert tagged.text == "Maria Santos said she moved to Lyon."
    assert [(tagged.text[e.start : e.end], e.label) for e in tagged.entities] == [
        ("Maria", "FIRSTNAME"),
        ("Santos", "SURNAME"),
        ("Lyon", "CITY"),
    ]
    assert [(tagged.text[m.start : m.end], m.label, m.cluster) for m in tagged.mentions] == [
        ("Maria Santos", "MENTION", "1"),
        ("she", "PRONOUN", "1"),
    ]
    assert render_tagged(tagged.text, tagged.entities, tagged.mentions) == EXAMPLE


def test_either_kind_of_quote_is_read(labels: LabelSchema) -> None:
    assert parse_tagged("<m c='1' k='PRONOUN'>she</m>", labels).mentions == (Mention(0, 3, "PRONOUN", "1"),)


@given(samples())
def test_round_trip_gives_back_exactly_what_went_in(sample: Sample) -> None:
    annotation = sample.annotations[0]
    tagged = parse_tagged(render_tagged(sample.text, annotation.entities, annotation.mentions), LABELS)
    assert tagged.text == sample.text
    assert tagged.entities == annotation.entities
    assert tagged.mentions == annotation.mentions


@given(st.text())
def test_any_text_survives_escaping(text: str) -> None:
    assert parse_tagged(escape_text(text), LABELS).text == text
    assert render_tagged(text) == escape_text(text)


@pytest.mark.parametrize(
    "text", ["a < b", "<script>alert(1)</script>", "AT&T", "x <3 y", "mail <ann@mail.net>", "<NAME HIDDEN>", "<B>bold"]
)
def test_what_is_no_tag_is_text(text: str, labels: LabelSchema) -> None:
    assert parse_tagged(text, labels).text == text


@pytest.mark.parametrize(
    ("tagged", "word"),
    [
        ("<CITTY>Lyon</CITTY>", "CITY"),
        ("<city>Lyon</city>", "<CITY>"),
        ("<CITY>Lyon", "never closed"),
        ("Lyon</CITY>", "closes nothing"),
        ("<CITY><STREET>x</CITY></STREET>", "must come first"),
        ("<CITY></CITY>", "no text"),
        ('<m k="NOUN">she</m>', "PRONOUN"),
        ('<m x="1">she</m>', "attribute"),
        ('<m c="a b">she</m>', "letters"),
    ],
)
def test_broken_tags_say_what_is_wrong_and_where(tagged: str, word: str, labels: LabelSchema) -> None:
    with pytest.raises(TaggedTextError, match=word) as caught:
        parse_tagged(tagged, labels)
    assert 0 <= caught.value.offset < len(tagged)


def test_mentions_nest_in_each_other(labels: LabelSchema) -> None:
    text = "her brother Tom"
    mentions = (Mention(0, 15, "REFERENCE", "2"), Mention(0, 3, "PRONOUN", "1"))
    rendered = render_tagged(text, [Entity(12, 15, "FIRSTNAME")], mentions)
    assert rendered == ('<m c="2" k="REFERENCE"><m c="1" k="PRONOUN">her</m> brother <FIRSTNAME>Tom</FIRSTNAME></m>')
    assert parse_tagged(rendered, labels).mentions == mentions


@pytest.mark.parametrize("span", [(0, 0), (-1, 2), (3, 99), (2, 1)])
def test_bad_spans_are_not_rendered(span: tuple[int, int]) -> None:
    with pytest.raises(TaggedTextError):
        render_tagged("Lyon and Paris", [Entity(*span, "CITY")])


def test_crossing_spans_are_not_rendered() -> None:
    with pytest.raises(TaggedTextError, match="crosses"):
        render_tagged("abcdef", [Entity(0, 3, "CITY"), Entity(2, 5, "STREET")])


@pytest.mark.parametrize("name", ['a"b', "a b", "<x>", "1\n", "x" * 65])
def test_a_cluster_whose_name_could_not_be_read_back_is_not_written(name: str) -> None:
    with pytest.raises(TaggedTextError, match="at most 64"):
        render_tagged("Ann", (), (Mention(0, 3, "MENTION", name),))
