"""How the budget of a campaign is divided among its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from goldspan.generators.runs.run import Limits


class Spent(NamedTuple):
    """What one run has taken (US dollars, tokens), and how many of its samples are open."""

    cost: float
    tokens: int
    open: int


def divide_limits(limits: Limits, runs: Sequence[Spent]) -> list[Limits]:
    """The limits of each run: what it has taken, and its share by open samples of what nobody has taken.

    The shares add up to no more than the whole, so runs that work at the same time cannot overrun it together.
    """
    left = sum(run.open for run in runs)
    cost = None if limits.max_cost is None else max(0.0, limits.max_cost - sum(run.cost for run in runs))
    tokens = None if limits.max_tokens is None else max(0, limits.max_tokens - sum(run.tokens for run in runs))
    return [
        Limits(
            None if cost is None else run.cost + cost * run.open / max(1, left),
            None if tokens is None else run.tokens + tokens * run.open // max(1, left),
        )
        for run in runs
    ]
