"""The shares of runs in a budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.campaigns.budget import Spent, divide_limits
from goldspan.generators.runs.run import Limits

RUNS = st.lists(st.builds(Spent, st.floats(0, 50), st.integers(0, 10_000), st.integers(0, 500)), min_size=1, max_size=8)


@given(RUNS, st.floats(0, 500), st.integers(0, 100_000))
def test_shares_never_exceed_the_whole_or_what_was_taken(runs, cost, tokens):
    shares = divide_limits(Limits(cost, tokens), runs)
    assert sum(share.max_cost for share in shares) <= max(cost, sum(run.cost for run in runs)) * (1 + 1e-9)
    assert sum(share.max_tokens for share in shares) <= max(tokens, sum(run.tokens for run in runs))
    for run, share in zip(runs, shares, strict=True):
        assert share.max_cost >= run.cost
        assert share.max_tokens >= run.tokens
        if not run.open:
            assert share == Limits(run.cost, run.tokens)


def test_what_a_cheap_run_left_goes_to_the_others():
    shares = divide_limits(Limits(10.0), [Spent(1.0, 0, 0), Spent(0.0, 0, 100), Spent(3.0, 0, 50)])
    assert [share.max_cost for share in shares] == [1.0, 4.0, 5.0]
    assert {share.max_tokens for share in shares} == {None}


@pytest.mark.parametrize("runs", [[], [Spent(1.0, 5, 0)]])
def test_no_limit_stays_no_limit(runs):
    assert divide_limits(Limits(), runs) == [Limits()] * len(runs)
