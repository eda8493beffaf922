from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.words import (
    find_occurrences,
    joins_compound,
    snap_span,
    splits_word,
    trim_span,
)

BORDERS = [
    ("Anna met Ann", "Ann", [(9, 12)]),
    ("Größe groß", "groß", [(6, 10)]),
    ("田中太郎さん", "田中", [(0, 2)]),
    ("김철수는 왔다", "김철수", [(0, 3)]),
    ("мама мамам", "мама", [(0, 4)]),
    ("محمد ومحمد", "محمد", [(0, 4)]),
    ("นายสมชายมา", "สมชาย", [(3, 8)]),
    ("l'Anna's", "Anna", [(2, 6)]),
    ("MRN123 123", "123", [(7, 10)]),
    ("a_b b", "b", [(4, 5)]),
    ("_Ann_ __Ann Ann__x _Ann", "Ann", [(1, 4), (8, 11), (20, 23)]),
    ("é_Ann _Ann é", "Ann", [(7, 10)]),
    ("علی\u200cرضا و علی", "علی", [(10, 13)]),
    ("Ann\u00adMarie met Ann", "Ann", [(14, 17)]),
    ("Ann\u2060a Ann\u00ad", "Ann", [(6, 9)]),
    ("🏴\U000e0067\U000e0062\U000e007f 🏴", "🏴", [(5, 6)]),
    ("🇫🇷🇩🇪 🇩🇪", "🇩🇪", [(2, 4), (5, 7)]),
    ("👩‍💻 💻", "💻", [(4, 5)]),
    ("cafe\u0301 cafe", "cafe", [(6, 10)]),
]


@pytest.mark.parametrize(("text", "value", "places"), BORDERS)
def test_occurrences_are_bounded_by_words_in_any_script(text: str, value: str, places: list[tuple[int, int]]) -> None:
    assert list(find_occurrences(text, value)) == places


@given(st.text(alphabet="aAb_ é́👩‍💻🇫🇷1-.@\r\n"), st.text(alphabet="aAb é1", min_size=1, max_size=2))
def test_occurrences_are_verbatim_bounded_and_apart(text: str, value: str) -> None:
    reach = 0
    for start, end in find_occurrences(text, value):
        assert text[start:end] == value
        assert not splits_word(text, start, end)
        assert start >= reach
        reach = end


@pytest.mark.parametrize(
    ("text", "start", "end", "snapped"),
    [
        ("meet Smith now", 5, 9, "Smith"),
        ("meet Smith now", 4, 11, "Smith"),
        ("meet Smith now", 6, 10, "Smith"),
        ("Jonathan", 3, 5, "Jonathan"),
        ("x 👩‍💻 y", 2, 3, "👩‍💻"),
        ("Paris, Lyon", 0, 6, "Paris,"),
    ],
)
def test_snapping_moves_edges_to_the_nearest_border(text: str, start: int, end: int, snapped: str) -> None:
    start, end = snap_span(text, start, end)
    assert text[start:end] == snapped


@given(st.text(), st.integers(0, 30), st.integers(0, 30))
def test_snapped_spans_are_clean_and_stay_so(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    snapped = snap_span(text, start, end)
    assert snap_span(text, *snapped) == snapped
    if snapped[0] < snapped[1]:
        surface = text[slice(*snapped)]
        assert surface == surface.strip()


def test_trimming_leaves_nothing_of_white_space() -> None:
    assert trim_span("  \n ", 0, 4) == (4, 4)
    assert trim_span(" a b ", 0, 5) == (1, 4)


def test_compounds() -> None:
    assert joins_compound("Jean-Luc", 0, 4)
    assert joins_compound("ann@mail.net", 0, 3)
    assert not joins_compound("Paris - Lyon", 0, 5)
    assert not joins_compound("in Paris.", 3, 8)
    assert joins_compound("マリアーナ", 0, 3)
    assert not joins_compound("マリアさん", 0, 3)
