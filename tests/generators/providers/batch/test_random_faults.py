"""Faults in random mixes: whatever happens, items end as done or as dead letters that add up to N."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import ServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.latency import Latency
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from tests.generators.conftest import read_simulated
from tests.generators.small_run import run_items, write_small

ITEMS = 8
CALLS = ("upload", "create", "get", "list", "content", "cancel", "retry")

call_faults = st.builds(
    lambda kind, call, rate: {"kind": kind, "call": call, "rate": rate, "count": 3},
    st.sampled_from(["accept_and_drop", "gateway_timeout", "server_error", "payment_required"]),
    st.sampled_from(CALLS),
    st.sampled_from([0.1, 0.3]),
)
batch_faults = st.sampled_from(
    [
        {"kind": "list_lag", "seconds": 0.1, "rate": 0.5},
        {"kind": "token_limit_exceeded", "rate": 0.5, "count": 2},
        {"kind": "expire", "fraction": 0.4, "rate": 0.5, "count": 3},
        {"kind": "cancel", "fraction": 0.6, "rate": 0.5, "count": 3},
        {"kind": "out_of_order"},
        {"kind": "empty_file_ids"},
        {"kind": "too_many_requests", "call": "create", "rate": 0.5, "count": 2, "retry_after": 0.02},
    ]
)
row_faults = st.builds(
    lambda kind, rate: {"kind": kind, "rate": rate},
    st.sampled_from(
        [
            "missing",
            "duplicate",
            "failed",
            "truncated",
            "malformed",
            "wrong_labels",
            "changed_text",
            "refusal",
            "empty_answer",
        ]
    ),
    st.sampled_from([0.1, 0.4]),
) | st.builds(
    lambda kind, rate: {"kind": kind, "rate": rate, "seconds": 0.15},
    st.sampled_from(["slow", "late"]),
    st.sampled_from([0.1, 0.4]),
)
LOST_RETRY = [
    {"kind": "cancel", "fraction": 0.6, "rate": 0.5, "count": 3},
    {"kind": "accept_and_drop", "call": "retry", "rate": 0.1, "count": 3},
]
"""A cancelled batch is continued, and the reply is lost."""
plans = st.lists(call_faults | batch_faults | row_faults, min_size=1, max_size=5)


async def run_to_the_end(folder: Path, url: str, profile: str) -> Counter[str]:
    for _ in range(12):
        try:
            return await run_items(folder, url, profile, ITEMS, attempts=3)
        except ServiceError:
            await asyncio.sleep(0.05)
    pytest.fail("the run did not end")


@pytest.mark.parametrize("profile", ["doubleword", "openai"])
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@example(faults=LOST_RETRY, seed=14)
@given(faults=plans, seed=st.integers(0, 2**16))
def test_items_add_up(profile, faults, seed):
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        plan = build_plan({"seed": seed, "faults": faults})
        made = SimulatorSettings(
            find_profile(profile), place / "provider.db", plan, Latency("uniform", 0.0, 0.1), validation_seconds=0.0
        )
        with serving(made, writer=write_small) as url:
            ended = asyncio.run(run_to_the_end(place / "run", url, profile))
            ledger = read_simulated(url, "ledger")
        assert ended["done"] + ended["dead"] == ITEMS
        assert ended["open"] == 0
        assert ledger["paid_twice"] == {}
        with Journal(place / "run") as journal:
            assert all(item.reason for item in journal.iter_items("dead"))
            assert all(submission.state in {"collected", "abandoned"} for submission in list_submissions(journal))
            rows = {row.custom_id: row for item in range(ITEMS) for row in journal.rows_of_item(item)}
        assert {row.state for row in rows.values()}.isdisjoint({"pending", "submitted"})
        assert set(ledger["rows"]) <= set(rows)
        answered = {custom_id for custom_id, row in rows.items() if row.state not in {"missing", "failed"}}
        assert answered <= set(ledger["rows"])
