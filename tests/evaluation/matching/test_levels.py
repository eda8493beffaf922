from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Mention, Span
from goldspan.evaluation.matching.levels import (
    Level,
    find_group,
    find_identifier_kind,
    find_referent,
    project_spans,
    unite,
)

spans = st.builds(lambda start, length: Span(start, start + length, "CITY"), st.integers(0, 30), st.integers(0, 8))


def project(tagged, labels, level):
    read = parse_tagged(tagged, labels)
    found = project_spans(read.entities, read.text, labels, level, read.mentions)
    return [(read.text[span.start : span.end], span.label) for span in found]


def test_label_level_leaves_spans_as_they_are(labels):
    tagged = "<FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME>"
    assert project(tagged, labels, Level.LABEL) == [("Ann", "FIRSTNAME"), ("Lee", "SURNAME")]


def test_group_level_joins_the_parts_of_one_name(labels):
    tagged = '<m c="1"><FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME></m> left.'
    assert project(tagged, labels, Level.GROUP) == [("Ann Lee", "PERSON")]


def test_group_level_joins_two_names_of_one_cluster(labels):
    tagged = '<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m> <m c="1"><SURNAME>Lee</SURNAME></m> left.'
    assert project(tagged, labels, Level.GROUP) == [("Ann Lee", "PERSON")]


def test_group_level_keeps_neighbours_that_are_two_people_apart(labels):
    tagged = '<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m> <m c="2"><FIRSTNAME>Bob</FIRSTNAME></m> left.'
    assert project(tagged, labels, Level.GROUP) == [("Ann", "PERSON"), ("Bob", "PERSON")]


def test_group_level_keeps_names_apart_when_nobody_says_who_they_are(labels):
    tagged = "<FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME>"
    assert project(tagged, labels, Level.GROUP) == [("Ann", "PERSON"), ("Lee", "PERSON")]


def test_group_level_joins_an_address_across_white_space_only(labels):
    tagged = "<STREET>High Street</STREET> <BUILDINGNUM>7</BUILDINGNUM>, <CITY>Leeds</CITY>"
    assert project(tagged, labels, Level.GROUP) == [("High Street 7", "LOCATION"), ("Leeds", "LOCATION")]


def test_group_level_keeps_groups_apart(labels):
    tagged = "<CITY>Leeds</CITY> <EMAIL>a@b.org</EMAIL>"
    assert project(tagged, labels, Level.GROUP) == [("Leeds", "LOCATION"), ("a@b.org", "CONTACT")]


def test_pii_level_knows_characters_only(labels):
    spans = [Span(0, 5, "CITY"), Span(5, 8, "EMAIL"), Span(7, 9, "URL"), Span(10, 12, "CITY")]
    found = project_spans(spans, "x" * 20, labels, Level.PII)
    assert found == (Span(0, 9, "PII"), Span(10, 12, "PII"))


def test_unknown_labels_are_personal_and_in_a_group_of_their_own(labels):
    assert find_group("NO_SUCH_LABEL", labels) == "OTHER"
    assert find_identifier_kind("NO_SUCH_LABEL", labels) == "direct"


def test_the_referent_is_that_of_the_name_that_fits_best():
    mentions = [
        Mention(0, 30, "MENTION", "report"),
        Mention(4, 9, "MENTION", "ann"),
        Mention(4, 9, "PRONOUN", "no name"),
        Mention(12, 15, "MENTION"),
    ]
    assert find_referent(Span(4, 8, "FIRSTNAME"), mentions) == "ann"
    assert find_referent(Span(12, 15, "FIRSTNAME"), mentions) == (12, 15)
    assert find_referent(Span(20, 24, "CITY"), mentions) == "report"
    assert find_referent(Span(40, 44, "CITY"), mentions) is None


@given(st.lists(spans))
def test_united_stretches_cover_the_same_characters_with_gaps_between(spans):
    stretches = unite(spans)
    covered = {place for start, end in stretches for place in range(start, end)}
    assert covered == {place for span in spans for place in range(span.start, span.end)}
    assert all(one[1] < other[0] for one, other in pairwise(stretches))
