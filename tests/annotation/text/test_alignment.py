from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.words import splits_word


def found(text: str, *values: tuple[str, str]) -> list[tuple[str, int]]:
    return [(text[e.start : e.end], e.start) for e in align_values(text, values).entities]


def test_a_value_is_not_found_inside_another_word() -> None:
    assert found("Anna met Ann.", ("Ann", "FIRSTNAME")) == [("Ann", 9)]


def test_every_occurrence_is_found() -> None:
    text = "Ann wrote to Ann Lee. Ann left."
    assert found(text, ("Ann", "FIRSTNAME"), ("Lee", "SURNAME")) == [("Ann", 0), ("Ann", 13), ("Lee", 17), ("Ann", 22)]


def test_longer_values_come_first() -> None:
    text = "New York, York Street"
    assert found(text, ("York", "SURNAME"), ("New York", "CITY")) == [("New York", 0), ("York", 10)]


def test_a_repeated_short_number_is_reported_not_guessed() -> None:
    alignment = align_values("Total 1995 units. Born in 1995.", [("1995", "DATEOFBIRTH")])
    assert alignment.entities == ()
    assert [(doubt.doubt, doubt.places) for doubt in alignment.ambiguous] == [(Doubt.SHORT_NUMBER, ((6, 10), (26, 30)))]


def test_one_value_with_two_labels_is_reported_not_guessed() -> None:
    alignment = align_values("Paris lives in Paris.", [("Paris", "FIRSTNAME"), ("Paris", "CITY")])
    assert alignment.entities == ()
    assert alignment.ambiguous[0].labels == ("FIRSTNAME", "CITY")


def test_a_compound_counts_only_when_the_value_stands_nowhere_alone() -> None:
    assert found("the Paris-based firm", ("Paris", "CITY")) == [("Paris", 4)]
    alignment = align_values("Jean met Jean-Luc", [("Jean", "FIRSTNAME")])
    assert [entity.start for entity in alignment.entities] == [0]
    assert alignment.ambiguous[0].places == ((9, 13),)


def test_absence_is_explained() -> None:
    values = [("Lyon", "CITY"), (" x", "CITY"), ("", "CITY"), ("ari", "CITY")]
    hints = {u.value: u.hint for u in align_values("Maria x", values).unaligned}
    assert hints["Lyon"] == "does not stand in the text"
    assert "white space" in hints[" x"]
    assert "empty" in hints[""]
    assert "inside other words" in hints["ari"]


def test_a_single_character_is_not_found_more_often_than_it_was_given() -> None:
    alignment = align_values("김민수는 김치를 먹는다", [("김", "SURNAME"), ("민수", "FIRSTNAME")])
    assert [entity.label for entity in alignment.entities] == ["FIRSTNAME"]
    assert [(doubt.value, doubt.doubt) for doubt in alignment.ambiguous] == [("김", Doubt.SINGLE_CHARACTER)]
    assert found("I am Ann I. Lee", ("I", "FIRSTNAME")) == []
    assert found("Ann I. Lee", ("I", "FIRSTNAME")) == [("I", 4)]


def test_a_place_inside_a_longer_katakana_word_is_reported() -> None:
    alignment = align_values("マリアーナとマリア", [("マリア", "FIRSTNAME")])
    assert [(entity.start, entity.end) for entity in alignment.entities] == [(6, 9)]
    assert [doubt.doubt for doubt in alignment.ambiguous] == [Doubt.COMPOUND]


def test_a_value_that_crosses_a_longer_one_is_reported() -> None:
    alignment = align_values("New York City Council", [("New York City", "CITY"), ("City Council", "COMPANYNAME")])
    assert [entity.label for entity in alignment.entities] == ["CITY"]
    assert [(doubt.labels, doubt.places, doubt.doubt) for doubt in alignment.ambiguous] == [
        (("COMPANYNAME",), ((9, 21),), Doubt.OVERLAP)
    ]


@given(
    st.text(alphabet="ab c-1é👩", max_size=40),
    st.lists(st.tuples(st.text(alphabet="ab c1é", max_size=4), st.sampled_from(["CITY", "AGE"])), max_size=5),
)
def test_entities_are_verbatim_bounded_apart_and_nothing_is_lost(text: str, values: list[tuple[str, str]]) -> None:
    alignment = align_values(text, values)
    reach = 0
    for entity in alignment.entities:
        assert (text[entity.start : entity.end], entity.label) in values
        assert not splits_word(text, entity.start, entity.end)
        assert entity.start >= reach
        reach = entity.end
    for missing in alignment.unaligned:
        assert (missing.value, missing.label) in values


@pytest.mark.parametrize(
    ("text", "value", "surface"),
    [
        ("Tel +33\u00a01\u00a042 now", "+33 1 42", "+33\u00a01\u00a042"),
        ("Sean O’Brien wrote", "O'Brien", "O’Brien"),
        ("Sean O'Brien wrote", "O’Brien", "O'Brien"),
        ("Zoe\u0308 Martin", "Zoë", "Zoe\u0308"),
        ("to Main\nStreet at", "Main Street", "Main\nStreet"),
        ("a Jean–Luc b", "Jean-Luc", "Jean–Luc"),
        ("Schmid-\nberger kam", "Schmidberger", "Schmid-\nberger"),
        ("Jean-\nLuc kam", "Jean-Luc", "Jean-\nLuc"),
        ("Schmid\u00adberger kam", "Schmidberger", "Schmid\u00adberger"),
        ("an ＪＯＨＮ　ＤＯＥ da", "John Doe", "ＪＯＨＮ　ＤＯＥ"),
        ("MARIA kommt", "Maria", "MARIA"),
        ("İstanbul'da", "istanbul", "İstanbul"),
        ("Große Straße 1", "GROSSE STRASSE", "Große Straße"),
        ("in\u202fParis\u00a0!", "Paris", "Paris"),
        ("x“Acme”y", '"Acme"', "“Acme”"),
    ],
)
def test_typography_does_not_matter(text: str, value: str, surface: str) -> None:
    assert [text[e.start : e.end] for e in align_values(text, [(value, "X")]).entities] == [surface]


def test_other_typography_is_labelled_beside_the_exact_form() -> None:
    assert len(found("O'Brien and O’Brien", ("O'Brien", "SURNAME"))) == 2


@pytest.mark.parametrize(
    ("text", "value"),
    [("May I? Meet May in May.", "May"), ("Klein kaufte ein Klein Haus", "Klein"), ("Will? Will!", "Will")],
)
def test_a_name_that_is_a_common_word_is_reported_when_it_stands_more_often_than_given(text: str, value: str) -> None:
    alignment = align_values(text, [(value, "FIRSTNAME")])
    assert alignment.entities == ()
    assert [doubt.doubt for doubt in alignment.ambiguous] == [Doubt.COMMON_WORD]


def test_a_value_that_stands_in_small_letters_too_is_a_common_word() -> None:
    assert align_values("Zorb, das zorb, Zorb", [("Zorb", "SURNAME")]).ambiguous[0].doubt is Doubt.COMMON_WORD
    assert found("Der Klein kam", ("Klein", "SURNAME")) == [("Klein", 4)]


@pytest.mark.parametrize(
    ("text", "value", "places"),
    [
        ("李明住在北京。", "北京", [4]),
        ("山东京博公司", "东京", []),
        ("はなしをする", "はな", []),
        ("はなさんは来た", "はな", [0]),
        ("김민수는 왔다", "김민수", [0]),
        ("คุณสมชายไปตลาด", "สมชาย", [3]),
    ],
)
def test_a_place_that_may_lie_inside_a_longer_word_of_an_unspaced_script_is_reported(
    text: str, value: str, places: list[int]
) -> None:
    alignment = align_values(text, [(value, "X")])
    assert [entity.start for entity in alignment.entities] == places
    assert bool(places) != any(doubt.doubt is Doubt.INSIDE_WORD for doubt in alignment.ambiguous)


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("ar", "تحدث إلى بأحمد اليوم", "أحمد"),
        ("he", "גרתי בירושלים שנים", "ירושלים"),
        ("de", "Das ist Annas Auto", "Anna"),
        ("fi", "Asun Helsingissä nyt", "Helsingi"),
        ("tr", "Ankarada oturuyor", "Ankara"),
        ("hu", "Budapesten lakik", "Budapest"),
        ("sv", "Eriks bil", "Erik"),
    ],
)
def test_prefixes_and_endings_of_the_language_do_not_hide_a_value(language: str, text: str, value: str) -> None:
    (entity,) = align_values(text, [(value, "X")], language).entities
    assert text[entity.start : entity.end] == value


def test_an_ending_of_another_language_hides_it() -> None:
    assert align_values("This is Annas car", [("Anna", "X")], "en").entities == ()
