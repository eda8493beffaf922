from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Entity
from goldspan.evaluation.people.krippendorff import Alpha, Unit, compute_alpha, iter_character_units


def read_columns(*rows: str) -> list[Unit]:
    """Units from the published tables: one row an observer, `.` for a missing value."""
    columns = zip(*(row.split() for row in rows), strict=True)
    return [Unit([value for value in column if value != "."]) for column in columns]


def test_binary_data_two_observers_krippendorff_2011_a() -> None:
    units = read_columns("0 1 0 0 0 0 0 0 1 0", "1 1 1 0 0 1 0 0 0 0")
    assert compute_alpha(units).alpha == pytest.approx(0.095, abs=5e-4)


def test_nominal_data_two_observers_krippendorff_2011_b() -> None:
    units = read_columns("a a b b d c c c e d d a", "b a b b b c c c e d d d")
    result = compute_alpha(units)
    assert result.alpha == pytest.approx(0.692, abs=5e-4)
    assert result.values == 24


def test_nominal_data_missing_values_krippendorff_2011_c() -> None:
    units = read_columns(
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    )
    result = compute_alpha(units)
    assert result.alpha == pytest.approx(0.743, abs=5e-4)
    assert result.values == 40


def test_alpha_is_none_without_variation_or_pairs() -> None:
    assert compute_alpha([]) == Alpha(None, 0)
    assert compute_alpha([Unit(["a"]), Unit([])]) == Alpha(None, 0)
    assert compute_alpha([Unit(["O", "O"], 100)]) == Alpha(None, 200)


def test_weights_count_as_repeated_units() -> None:
    once = [Unit(["a", "b"])] * 3 + [Unit(["a", "a"])] * 7 + [Unit(["b", "b"])]
    weighted = [Unit(["a", "b"], 3), Unit(["a", "a"], 7), Unit(["b", "b"])]
    assert compute_alpha(weighted).alpha == pytest.approx(compute_alpha(once).alpha)


def test_overlapping_entities_make_a_value_of_their_own() -> None:
    units = list(iter_character_units([[Entity(0, 4, "CITY"), Entity(2, 6, "STATE")], []], 8))
    assert [(unit.values, unit.weight) for unit in units] == [
        (["CITY", "O"], 2),
        (["CITY+STATE", "O"], 2),
        (["STATE", "O"], 2),
        (["O", "O"], 2),
    ]


entities = st.lists(
    st.tuples(st.integers(0, 29), st.integers(1, 8), st.sampled_from(["CITY", "AGE"])).map(
        lambda t: Entity(t[0], min(t[0] + t[1], 30), t[2])
    ),
    max_size=5,
)


@given(st.lists(entities, min_size=2, max_size=4))
def test_stretches_equal_characters_one_by_one(readings: list[list[Entity]]) -> None:
    def name(reading: list[Entity], position: int) -> str:
        return "+".join(sorted({e.label for e in reading if e.start <= position < e.end})) or "O"

    characters = [Unit([name(reading, position) for reading in readings]) for position in range(30)]
    by_stretch = compute_alpha(iter_character_units(readings, 30))
    by_character = compute_alpha(characters)
    assert by_stretch.values == by_character.values == 30 * len(readings)
    assert by_stretch.alpha == (None if by_character.alpha is None else pytest.approx(by_character.alpha))


@given(st.lists(entities, min_size=2, max_size=3))
def test_alpha_does_not_depend_on_the_order_of_raters(readings: list[list[Entity]]) -> None:
    results = {
        round(alpha, 9) if (alpha := compute_alpha(iter_character_units(order, 30)).alpha) is not None else None
        for order in itertools.permutations(readings)
    }
    assert len(results) == 1
    assert all(alpha is None or alpha <= 1 for alpha in results)
