from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity
from goldspan.predictors.windows import Window, choose_windows, merge_readings, split_range, split_text

sizes = st.tuples(st.integers(1, 60), st.integers(0, 59)).filter(lambda pair: pair[1] < pair[0])
texts = st.text(alphabet="ab é\n\U0001f600", max_size=300)


def assert_covered(windows: tuple[Window, ...], length: int, size: int) -> None:
    covered = set(itertools.chain.from_iterable(range(w.start, w.end) for w in windows))
    assert covered == set(range(length))
    assert all(0 < w.end - w.start <= size for w in windows)
    assert [w.first for w in windows] == [w.start == 0 for w in windows]
    assert [w.last for w in windows] == [w.end == length for w in windows]
    assert all(one.start < other.start and one.end < other.end for one, other in itertools.pairwise(windows))


@given(st.integers(0, 400), sizes)
def test_split_range_covers_every_position(length: int, pair: tuple[int, int]) -> None:
    size, overlap = pair
    windows = split_range(length, size, overlap)
    assert_covered(windows, length, size)
    assert all(one.end - other.start == overlap for one, other in itertools.pairwise(windows))


@given(texts, sizes)
def test_split_text_covers_every_character(text: str, pair: tuple[int, int]) -> None:
    size, overlap = pair
    windows = split_text(text, size, overlap)
    assert_covered(windows, len(text), size)
    assert all(0 <= one.end - other.start <= overlap for one, other in itertools.pairwise(windows))


def test_split_text_prefers_white_space() -> None:
    text = "one two three four five six seven"
    for window in split_text(text, 14, 6):
        assert text[window.start : window.end].strip() != ""
        assert window.start == 0 or text[window.start - 1] == " "
        assert window.end == len(text) or " " in (text[window.end - 1], text[window.end])


def test_a_text_that_fits_is_one_window() -> None:
    assert split_text("short", 100, 10) == (Window(0, 5, first=True, last=True),)
    assert split_text("", 100, 10) == ()


@pytest.mark.parametrize("split", [split_range, lambda length, size, overlap: split_text("a" * length, size, overlap)])
def test_an_overlap_as_large_as_the_window_is_refused(split) -> None:
    with pytest.raises(ValueError, match="must be smaller"):
        split(10, 5, 5)


@given(st.integers(1, 400), sizes)
def test_parts_tile_the_whole_and_lie_in_their_windows(length: int, pair: tuple[int, int]) -> None:
    parts = choose_windows(split_range(length, *pair))
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    assert all(one[1] == other[0] for one, other in itertools.pairwise(parts))
    assert all(window.start <= start <= end <= window.end for start, end, window in parts)


@st.composite
def disjoint_entities(draw: st.DrawFn, length: int) -> list[Entity]:
    borders = sorted(draw(st.lists(st.integers(0, length), unique=True, max_size=16)))
    pairs = zip(borders[::2], borders[1::2], strict=False)
    return [Entity(start, end, draw(st.sampled_from(["CITY", "AGE"]))) for start, end in pairs]


@given(st.integers(1, 300), sizes, st.data())
def test_readings_that_agree_are_put_together_exactly(length: int, pair: tuple[int, int], data: st.DataObject) -> None:
    size, overlap = pair
    truth = data.draw(disjoint_entities(length))
    windows = split_range(length, size, overlap)
    assume(all(any(w.start <= e.start and e.end <= w.end for w in windows) for e in truth))
    readings = [(w, [e for e in truth if w.start <= e.start and e.end <= w.end]) for w in windows]
    assert merge_readings(readings) == tuple(sorted(truth, key=lambda e: e.start))


@given(st.integers(1, 200), sizes, st.data())
def test_readings_that_differ_give_unique_spans_without_overlap(length, pair, data) -> None:
    windows = split_range(length, *pair)
    readings = []
    for window in windows:
        inside = data.draw(disjoint_entities(window.end - window.start))
        readings.append((window, [Entity(e.start + window.start, e.end + window.start, e.label) for e in inside]))
    merged = merge_readings(readings)
    assert len({entity.span for entity in merged}) == len(merged)
    assert all(one.end <= other.start for one, other in itertools.pairwise(merged))
    assert {entity.span for entity in merged} <= {e.span for _, entities in readings for e in entities}


def test_the_reading_farther_from_the_cut_wins() -> None:
    left, right = split_range(30, 20, 10)
    cut_off = Entity(15, 20, "CITY")
    whole = Entity(15, 24, "CITY")
    assert merge_readings([(left, [cut_off]), (right, [whole])]) == (whole,)


def test_nested_entities_of_one_window_stay() -> None:
    (window,) = split_range(20, 20, 5)
    nested = (Entity(0, 10, "STREET"), Entity(2, 5, "CITY"))
    assert merge_readings([(window, nested)]) == nested
