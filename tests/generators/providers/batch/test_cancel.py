"""A cancel leaves no batch behind that runs on unseen."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from goldspan.annotation.errors import StateError, TerminalServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.runs.queue import PipelineQueue
from goldspan.generators.simulator.latency import Latency
from tests.generators.conftest import read_simulated
from tests.generators.providers.batch.test_foreign_servers import Portal, portal  # noqa: F401
from tests.generators.small_run import FAST, make_executor, make_work, run_items
from tests.waiting import wait_until_async


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
        await wait_until_async(lambda: read_simulated(portal.target, "stats")["calls"].get("create") == 2)
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


@pytest.mark.parametrize("mode", ["batch", "live"])
async def test_stored_answers_of_a_batch_that_is_given_up_are_not_asked_again(provider, tmp_path, monkeypatch, mode):
    async def refuse(*_):
        raise StateError("the disk is full")

    url = provider("openai")
    with monkeypatch.context() as patched:
        patched.setattr("goldspan.generators.providers.batch.collector.Collector._deliver", refuse)
        with pytest.raises(StateError):
            await run_items(tmp_path / "run", url, "openai", 3)
    with Journal(tmp_path / "run", lock=True) as journal:
        executor = make_executor(journal, url, "openai", "batch")
        await executor.abandon(PipelineQueue(journal, make_work(3), Budget(Prices())))
        assert list_states(journal) == ["abandoned"]
    assert await run_items(tmp_path / "run", url, "openai", 3, mode) == {"done": 3}
    assert read_simulated(url, "ledger")["paid_twice"] == {}


async def test_answers_to_a_run_whose_labels_changed_wait_until_it_goes_on(provider, tmp_path):
    url = provider("openai", latency=Latency(low=1.0))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    await wait_until_async(lambda: read_simulated(url, "stats")["batches"] == {"completed": 1})
    changed = dataclasses.replace(make_work(3), stages={}, is_changed=True)
    with Journal(tmp_path / "run", lock=True) as journal:
        executor = make_executor(journal, url, "openai", "batch")
        await executor.cancel(PipelineQueue(journal, changed, Budget(Prices(), max_tokens=10)))
        assert (list_states(journal), journal.count_rows()) == (["collected"], {("draft", "pending"): 3})
    assert await run_items(tmp_path / "run", url, "openai", 3) == {"done": 3}
    ledger = read_simulated(url, "ledger")
    assert (ledger["paid_rows"], ledger["paid_twice"]) == (6, {})
