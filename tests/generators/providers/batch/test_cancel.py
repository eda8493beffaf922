"""A cancel leaves no batch behind that runs on unseen."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from goldspan.annotation.errors import TerminalServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.runs.queue import PipelineQueue
from goldspan.generators.simulator.latency import Latency
from tests.generators.conftest import read_simulated
from tests.generators.providers.batch.test_foreign_servers import Portal, portal  # noqa: F401
from tests.generators.small_run import FAST, make_executor, make_work, run_items


def list_states(journal: Journal) -> list[str]:
    return sorted(submission.state for submission in list_submissions(journal))


async def test_a_lost_creation_stays_open_when_the_cancel_of_another_batch_fails(provider, portal, tmp_path):  # noqa: F811
    faults = [
        {"kind": "gateway_timeout", "call": "create", "count": 1},
        {"kind": "list_lag", "seconds": 2.0},
    ]
    portal.target = provider("openai", faults, latency=Latency(low=30))
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(4), Budget(Prices()))
        pace = dataclasses.replace(FAST, grace=(20.0,))
        executor = make_executor(journal, portal.url, "openai", "batch", max_rows=2, pace=pace)
        stop = asyncio.Event()
        running = asyncio.create_task(executor.run(queue, stop))
        while read_simulated(portal.target, "stats")["calls"].get("create", 0) < 2:
            await asyncio.sleep(0.02)
        stop.set()
        await asyncio.wait_for(running, 60)
        assert list_states(journal) == ["creating", "submitted"]
        portal.replace(b"{}", "cancel", status=401)
        with pytest.raises(TerminalServiceError, match="401"):
            await executor.cancel(queue)
        assert list_states(journal) == ["creating", "submitted"]
        portal.replace(b"{}", count=0)
        await asyncio.wait_for(executor.cancel(queue), 60)
        assert list_states(journal) == ["collected", "collected"]
    assert read_simulated(portal.target, "stats")["batches"] == {"cancelled": 2}


async def test_a_cancel_also_ends_the_batch_of_a_creation_that_was_repeated(provider, tmp_path):
    faults = [{"kind": "accept_and_drop", "call": "create", "count": 1}, {"kind": "list_lag", "seconds": 1.0}]
    url = provider("openai", faults, latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    assert read_simulated(url, "stats")["calls"]["create"] == 2
    await asyncio.sleep(1.1)
    with Journal(tmp_path / "run", lock=True) as journal:
        executor = make_executor(journal, url, "openai", "batch")
        await asyncio.wait_for(executor.cancel(PipelineQueue(journal, make_work(3), Budget(Prices()))), 60)
    assert read_simulated(url, "stats")["batches"] == {"cancelled": 2}
