from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldspan.evaluation.report.costs import SystemCosts, find_break_evens, find_frontier

money = st.integers(0, 10_000).map(lambda cents: cents / 100)
systems = st.lists(st.tuples(money, money), min_size=1, max_size=6)


def make(number: int, fixed: float, unit: float) -> SystemCosts:
    return SystemCosts(str(number), fixed, 0.0, 0.0, unit, 0.0)


@given(systems)
def test_before_a_break_even_one_costs_less_and_after_it_the_other(lines) -> None:
    costs = {str(n): make(n, *line) for n, line in enumerate(lines)}
    for even in find_break_evens(list(costs.values())):
        dear, cheap = costs[even.dear], costs[even.cheap]

        def total(cost: SystemCosts, documents: int) -> float:
            return cost.fixed + cost.per_1000 * documents / 1000

        assert total(dear, even.documents) <= total(cheap, even.documents) + 1e-6
        assert total(dear, even.documents - 1) >= total(cheap, even.documents - 1) - 1e-6


@given(systems)
def test_what_is_off_the_frontier_is_beaten_by_something_on_it(points) -> None:
    named = {str(number): point for number, point in enumerate(points)}
    frontier = find_frontier(named)
    assert frontier
    for name, (cost, quality) in named.items():
        beaten = any(named[o][0] <= cost and named[o][1] >= quality and named[o] != (cost, quality) for o in frontier)
        assert beaten == (name not in frontier)
