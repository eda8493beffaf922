from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.taken import is_taken, take_range

ranges = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (min(pair), max(pair)))


@given(st.lists(ranges, max_size=5), ranges)
def test_a_range_is_taken_where_it_shares_a_character_with_one_before(
    before: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    taken = bytearray(20)
    for start, end in before:
        take_range(taken, start, end)
    places = {place for start, end in before for place in range(start, end)}
    assert is_taken(taken, *asked) == bool(places & set(range(*asked)))
    assert len(taken) == 20
