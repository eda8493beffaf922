from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.tagged import parse_tagged, render_tagged
from goldspan.annotation.types import Entity
from goldspan.generators.stages.brief import find_altered, match_brief
from tests.generators.scripted import LABELS


def mend(tagged: str, *values: tuple[str, str]):
    parsed = parse_tagged(tagged, LABELS)
    match = match_brief(parsed.text, parsed.entities, [{"label": label, "value": value} for label, value in values])
    return render_tagged(parsed.text, match.entities), match


@pytest.mark.parametrize(
    ("tagged", "values", "mended"),
    [
        ("Ann met Bo.", [("FIRSTNAME", "Ann")], "<FIRSTNAME>Ann</FIRSTNAME> met Bo."),
        ("<CITY>Ann</CITY> left.", [("FIRSTNAME", "Ann")], "<FIRSTNAME>Ann</FIRSTNAME> left."),
        (
            "<FIRSTNAME>Ann Lee</FIRSTNAME> left.",
            [("FIRSTNAME", "Ann"), ("SURNAME", "Lee")],
            "<FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME> left.",
        ),
        ("Mit <AGE>51 Jahren</AGE> ging er.", [("AGE", "51")], "Mit <AGE>51</AGE> Jahren ging er."),
        ("<FIRSTNAME>Dr. Ann</FIRSTNAME> left.", [("FIRSTNAME", "Ann")], "Dr. <FIRSTNAME>Ann</FIRSTNAME> left."),
        (
            "Rue de <CITY>Lyon</CITY> 5",
            [("STREET", "Rue de Lyon"), ("CITY", "Paris")],
            "<STREET>Rue de Lyon</STREET> 5",
        ),
        ("Dear ANN, hello.", [("FIRSTNAME", "Ann")], "Dear <FIRSTNAME>ANN</FIRSTNAME>, hello."),
        (
            "Call 020 7946 0123 now",
            [("PHONENUMBER", "020-7946-0123")],
            "Call <PHONENUMBER>020 7946 0123</PHONENUMBER> now",
        ),
        (
            "Ann and <FIRSTNAME>Ann</FIRSTNAME>",
            [("FIRSTNAME", "Ann")],
            "<FIRSTNAME>Ann</FIRSTNAME> and <FIRSTNAME>Ann</FIRSTNAME>",
        ),
        (
            "<FIRSTNAME>Anna</FIRSTNAME>, ANNA and Ａｎｎａ, not Aña",
            [("FIRSTNAME", "Anna")],
            "<FIRSTNAME>Anna</FIRSTNAME>, <FIRSTNAME>ANNA</FIRSTNAME> and <FIRSTNAME>Ａｎｎａ</FIRSTNAME>, not Aña",
        ),
        (
            "<PHONENUMBER>020-7946-0123</PHONENUMBER> or 020 7946 0123",
            [("PHONENUMBER", "020-7946-0123")],
            "<PHONENUMBER>020-7946-0123</PHONENUMBER> or <PHONENUMBER>020 7946 0123</PHONENUMBER>",
        ),
        (
            "<PHONENUMBER>(503) 228-5167</PHONENUMBER>, 503 228 5167",
            [("PHONENUMBER", "(503) 228-5167")],
            "<PHONENUMBER>(503) 228-5167</PHONENUMBER>, <PHONENUMBER>503 228 5167</PHONENUMBER>",
        ),
    ],
)
def test_what_is_known_is_mended(tagged, values, mended):
    found, match = mend(tagged, *values)
    assert found == mended
    assert match.repairs
    assert not match.unclear


@pytest.mark.parametrize(
    "tagged",
    [
        "<SURNAME>Rose</SURNAME> saw a ROSE",
        "<SURNAME>Stohn</SURNAME>, a stohn",
        "<SURNAME>Pena</SURNAME> y Peña",
        "<SURNAME>Vance</SURNAME>: V A N C E",
    ],
)
def test_other_forms_that_may_be_other_words_are_left_alone(tagged):
    value = tagged.split(">")[1].split("<")[0]
    assert mend(tagged, ("SURNAME", value))[0] == tagged


@pytest.mark.parametrize(
    ("tagged", "values"),
    [
        ("Room 12, gate 12.", [("BUILDINGNUM", "12")]),
        ("<FIRSTNAME>Ann Marie</FIRSTNAME> left.", [("FIRSTNAME", "Ann")]),
        ("Jordan left.", [("FIRSTNAME", "Jordan"), ("COUNTRY", "Jordan")]),
        ("Ann-Lena left.", [("FIRSTNAME", "Ann")]),
    ],
)
def test_what_is_not_clear_is_reported_and_never_guessed(tagged, values):
    _, match = mend(tagged, *values)
    assert match.unclear


def test_a_short_number_that_the_model_tagged_itself_is_fine():
    found, match = mend("Room 12 at <BUILDINGNUM>12</BUILDINGNUM>.", ("BUILDINGNUM", "12"))
    assert found == "Room 12 at <BUILDINGNUM>12</BUILDINGNUM>."
    assert not match.unclear
    assert not match.repairs


def test_absent_values_are_named():
    _, match = mend("Nothing here.", ("CITY", "Lyon"), ("FIRSTNAME", "Ann"))
    assert sorted(match.absent) == ["CITY", "FIRSTNAME"]


def test_small_letters_and_short_numbers_are_no_altered_values():
    assert find_altered("it may rain", "May") == []
    assert find_altered("costs 3.45 today", "345") == []
    assert find_altered("MAY rained", "May") == [(0, 3)]


words = st.sampled_from(["Ann", "Lee", "Lyon", "Main", "Street", "and", "met", "in", "12", "Bo"])


@given(st.lists(words, min_size=1, max_size=12), st.lists(words, max_size=4), st.data())
def test_entities_never_overlap_and_claimed_values_carry_their_label(pieces, values, data):
    text = " ".join(pieces)
    given_values = [{"label": "CITY" if value == "Lyon" else "FIRSTNAME", "value": value} for value in values]
    entities = []
    for start in range(len(pieces)):
        if data.draw(st.booleans()):
            place = len(" ".join(pieces[:start])) + (start > 0)
            entities.append((place, place + len(pieces[start])))

    match = match_brief(text, [Entity(a, b, "SURNAME") for a, b in entities], given_values)
    spans = sorted((e.start, e.end) for e in match.entities)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert set(match.absent) <= {entry["label"] for entry in given_values}
