from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest

from goldspan.annotation.errors import StateError, TerminalServiceError, TransientServiceError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import Submission, list_submissions, update_submission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.reconcile import find_batches, keep_one
from goldspan.generators.providers.batch.shards import encode_line
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.queue import PipelineQueue
from goldspan.generators.runs.run import cancel_run, run_generation
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.simulator.latency import Latency
from tests.generators.conftest import read_simulated
from tests.generators.small_run import FAST, LABELS, make_executor, make_work, run_items

PROFILES = ("doubleword", "openai")


def assert_paid_once(url):
    ledger = read_simulated(url, "ledger")
    assert ledger["paid_twice"] == {}
    return ledger


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_run_ends_with_every_item_done_and_paid_once(provider, tmp_path, profile):
    url = provider(profile)
    assert await run_items(tmp_path / "run", url, profile, 12) == {"done": 12}
    assert assert_paid_once(url)["paid_rows"] == 24
    with Journal(tmp_path / "run") as journal:
        assert {submission.state for submission in list_submissions(journal)} == {"collected"}
        assert set(journal.count_rows()) == {("draft", "ok"), ("coreference", "ok")}
    assert list((tmp_path / "run" / "batches").iterdir()) == []
    raw = b"".join(path.read_bytes() for path in (tmp_path / "run" / "raw").iterdir())
    assert raw.count(b"\n") == 24


CALL_FAULTS = {
    "create dropped": [{"kind": "accept_and_drop", "call": "create", "count": 1}],
    "create dropped, list lags": [
        {"kind": "accept_and_drop", "call": "create", "count": 1},
        {"kind": "list_lag", "seconds": 0.15, "count": 1},
    ],
    "create 504 after commit": [{"kind": "gateway_timeout", "call": "create", "count": 1}],
    "create 500": [{"kind": "server_error", "call": "create", "count": 2}],
    "create 429": [{"kind": "too_many_requests", "call": "create", "count": 2, "retry_after": 0.1}],
    "upload dropped": [{"kind": "accept_and_drop", "call": "upload", "count": 1}],
    "input file gone": [{"kind": "file_gone", "call": "create", "count": 1}],
    "look 500": [{"kind": "server_error", "call": "get", "count": 2}],
    "content dropped": [{"kind": "accept_and_drop", "call": "content", "count": 1}],
    "content 429": [{"kind": "too_many_requests", "call": "content", "count": 1, "retry_after": 0.05}],
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", CALL_FAULTS)
async def test_faults_of_calls_cost_nothing(provider, tmp_path, profile, name):
    url = provider(profile, CALL_FAULTS[name])
    assert await run_items(tmp_path / "run", url, profile, 6) == {"done": 6}
    assert assert_paid_once(url)["paid_rows"] == 12


ROW_FAULTS = {
    "expire": [{"kind": "expire", "fraction": 0.5, "count": 1}],
    "cancel": [{"kind": "cancel", "fraction": 0.5, "count": 1}],
    "missing": [{"kind": "missing", "rate": 0.3}],
    "duplicate": [{"kind": "duplicate", "rate": 0.5}],
    "out of order": [{"kind": "out_of_order"}],
    "empty file ids": [{"kind": "empty_file_ids"}],
    "failed": [{"kind": "failed", "rate": 0.4}],
    "slow": [{"kind": "slow", "seconds": 0.3, "rate": 0.3}],
    "late": [{"kind": "late", "seconds": 0.3, "rate": 0.3}],
    "token limit": [{"kind": "token_limit_exceeded", "min_rows": 4}],
}


ANSWER_FAULTS = ("truncated", "malformed", "wrong_labels", "changed_text", "refusal", "empty_answer")


@pytest.mark.parametrize("kind", ANSWER_FAULTS)
async def test_bad_answers_are_asked_again(provider, tmp_path, kind):
    url = provider("doubleword", [{"kind": kind, "rate": 0.3}])
    assert await run_items(tmp_path / "run", url, "doubleword", 6, attempts=8) == {"done": 6}
    ledger = assert_paid_once(url)
    assert ledger["paid_rows"] > 12


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ROW_FAULTS)
async def test_faults_of_rows_end_in_done(provider, tmp_path, profile, name):
    url = provider(profile, ROW_FAULTS[name])
    ended = await run_items(tmp_path / "run", url, profile, 6, attempts=8)
    assert ended == {"done": 6}
    assert_paid_once(url)


@pytest.mark.parametrize("profile", PROFILES)
async def test_what_stays_bad_is_a_dead_letter_with_its_reason(provider, tmp_path, profile):
    url = provider(profile, [{"kind": "refusal"}])
    assert await run_items(tmp_path / "run", url, profile, 4, attempts=2) == {"dead": 4}
    with Journal(tmp_path / "run") as journal:
        assert {item.reason for item in journal.iter_items("dead")} == {"refused: I cannot help with that request."}
    assert assert_paid_once(url)["paid_rows"] == 8


async def test_a_batch_that_fails_as_a_whole_stops_the_run_and_counts_no_attempt(provider, tmp_path):
    url = provider("openai", [{"kind": "failed", "count": 12}])
    with pytest.raises(TerminalServiceError, match=r"Every row of batch .* failed with invalid_request"):
        await run_items(tmp_path / "run", url, "openai", 6, attempts=2)
    with Journal(tmp_path / "run") as journal:
        assert journal.count_rows() == {("draft", "pending"): 6}
    assert await run_items(tmp_path / "run", url, "openai", 6, attempts=2) == {"done": 6}
    assert assert_paid_once(url)["paid_rows"] == 12


async def test_a_large_run_sends_one_row_first(provider, tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.batch.admission.PROBE_ABOVE", 5)
    url = provider("openai", [{"kind": "no_balance", "count": 1}])
    with pytest.raises(TerminalServiceError, match="Top up, then resume"):
        await run_items(tmp_path / "run", url, "openai", 8)
    with Journal(tmp_path / "run") as journal:
        assert [submission.rows for submission in list_submissions(journal)] == [1]
    assert await run_items(tmp_path / "run", url, "openai", 8) == {"done": 8}
    assert assert_paid_once(url)["paid_rows"] == 16


async def test_a_wait_of_hours_before_a_batch_stops_the_run(provider, tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.batch.api._RETRIES", 0)
    url = provider("openai", [{"kind": "too_many_requests", "call": "create", "count": 1, "retry_after": 7200}])
    with pytest.raises(TransientServiceError, match=r"asks to wait 2\.0 hours, until"):
        await run_items(tmp_path / "run", url, "openai", 2)
    assert await run_items(tmp_path / "run", url, "openai", 2) == {"done": 2}
    assert_paid_once(url)


async def test_lost_batches_can_be_given_up(provider, tmp_path):
    url = provider("openai", latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    with Journal(tmp_path / "run", lock=True) as journal:
        executor = make_executor(journal, "http://127.0.0.1:9/v1", "openai", "batch")
        await executor.abandon(PipelineQueue(journal, make_work(3), Budget(Prices())))
        assert [submission.state for submission in list_submissions(journal)] == ["abandoned"]
        assert journal.count_rows() == {("draft", "pending"): 3}
        assert journal.list_events()[-1]["kind"] == "abandoned"


async def test_a_batch_that_is_nowhere_counts_as_missing_after_a_while_and_says_so(provider, tmp_path):
    url = provider("openai", latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 2, wait=False)
    with Journal(tmp_path / "run") as journal:
        intent = list_submissions(journal)[0].intent
        update_submission(journal, intent, batch="batch_that_is_gone", input_file="", details={"creations": 1})
        with journal.transaction() as connection:
            connection.execute("UPDATE submission SET intent = 'unknown' WHERE intent = ?", (intent,))
            connection.execute("UPDATE row SET submission = 'unknown'")
    url = provider("openai", state="other.db")
    assert await run_items(tmp_path / "run", url, "openai", 2) == {"done": 2}
    with Journal(tmp_path / "run") as journal:
        kinds = [event["kind"] for event in journal.list_events(50)]
    assert kinds.index("waiting") < kinds.index("asked again")


async def test_no_balance_stops_the_run_and_resume_goes_on(provider, tmp_path):
    url = provider("doubleword", [{"kind": "payment_required", "call": "create", "count": 1}])
    with pytest.raises(TerminalServiceError, match="credit") as caught:
        await run_items(tmp_path / "run", url, "doubleword", 4)
    assert caught.value.status == 402
    with Journal(tmp_path / "run") as journal:
        assert [submission.state for submission in list_submissions(journal)] == ["uploaded"]
    assert await run_items(tmp_path / "run", url, "doubleword", 4) == {"done": 4}
    assert read_simulated(url, "stats")["calls"]["upload"] == 2
    assert_paid_once(url)


async def test_failed_rows_are_run_again_in_place_once(provider, tmp_path):
    url = provider("doubleword", [{"kind": "failed", "count": 2}])
    assert await run_items(tmp_path / "run", url, "doubleword", 4, attempts=1) == {"done": 4}
    assert read_simulated(url, "stats")["calls"]["retry"] == 1


async def test_refused_lines_are_named_and_the_rest_goes_on(provider, tmp_path, monkeypatch):
    url = provider("openai")
    monkeypatch.setattr("goldspan.generators.providers.batch.executor.encode_line", _break_third_line)
    ended = await run_items(tmp_path / "run", url, "openai", 5, attempts=2)
    assert ended == {"done": 4, "dead": 1}
    assert_paid_once(url)


def _break_third_line(request):
    line = encode_line(request)
    return line.replace(b'"POST"', b'"PUT"') if request.item == 2 else line


async def test_rows_beyond_the_body_limit_are_never_sent(provider, tmp_path, monkeypatch):
    url = provider("openai")
    small = dataclasses.replace(find_profile("openai"), max_body_bytes=100)
    monkeypatch.setattr("tests.generators.small_run.find_profile", lambda _: small)
    assert await run_items(tmp_path / "run", url, "openai", 3, attempts=1) == {"dead": 3}
    assert "upload" not in read_simulated(url, "stats")["calls"]


async def test_shards_keep_the_limits(provider, tmp_path):
    url = provider("doubleword")
    assert await run_items(tmp_path / "run", url, "doubleword", 10, max_rows=4) == {"done": 10}
    with Journal(tmp_path / "run") as journal:
        assert max(submission.rows for submission in list_submissions(journal)) == 4
    assert_paid_once(url)


async def test_rows_flow_on_while_their_batch_runs(provider, tmp_path):
    url = provider("doubleword", [{"kind": "slow", "seconds": 2.0, "count": 1}])
    assert await run_items(tmp_path / "run", url, "doubleword", 6) == {"done": 6}
    with Journal(tmp_path / "run") as journal:
        first, second = list_submissions(journal)[:2]
    assert second.created < first.updated - 0.3


async def test_without_waiting_batches_stay_with_the_provider(provider, tmp_path):
    url = provider("openai", latency=Latency(low=1.0))
    await run_items(tmp_path / "run", url, "openai", 5, wait=False)
    with Journal(tmp_path / "run") as journal:
        assert [submission.state for submission in list_submissions(journal)] == ["submitted"]
    while read_simulated(url, "stats")["batches"] != {"completed": 1}:
        await asyncio.sleep(0.05)
    await run_items(tmp_path / "run", url, "openai", 5, wait=False)
    assert await run_items(tmp_path / "run", url, "openai", 5) == {"done": 5}
    assert assert_paid_once(url)["paid_rows"] == 10


@pytest.mark.parametrize("profile", PROFILES)
async def test_cancel_keeps_what_came_and_gives_the_rest_back(provider, tmp_path, profile):
    url = provider(profile, [{"kind": "slow", "seconds": 30, "count": 2}])
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(6), Budget(Prices()))
        executor = make_executor(journal, url, profile, "batch")
        stop = asyncio.Event()
        driving = asyncio.create_task(executor.run(queue, stop))
        while read_simulated(url, "ledger")["paid_rows"] < 4:
            await asyncio.sleep(0.05)
        stop.set()
        await asyncio.wait_for(driving, 60)
        await asyncio.wait_for(executor.cancel(queue), 60)
        assert all(submission.state in {"collected", "abandoned"} for submission in list_submissions(journal))
        rows = journal.count_rows()
    assert rows["draft", "ok"] >= 4
    assert rows["draft", "pending"] == 2
    assert read_simulated(url, "stats")["batches"].get("cancelled")
    assert await run_items(tmp_path / "run", url, profile, 6) == {"done": 6}
    assert assert_paid_once(url)["paid_rows"] == 12


@pytest.mark.parametrize("profile", PROFILES)
async def test_cancel_of_a_batch_that_has_ended_keeps_its_answers(provider, tmp_path, profile):
    url = provider(profile)
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        executor = make_executor(journal, url, profile, "batch", wait=False)
        await asyncio.wait_for(executor.run(queue, asyncio.Event()), 60)
        while not read_simulated(url, "stats")["batches"].get("completed"):
            await asyncio.sleep(0.05)
        await asyncio.wait_for(executor.cancel(queue), 60)
        assert journal.count_rows()["draft", "ok"] == 3
    assert_paid_once(url)


async def test_reconcile_adopts_and_collects_and_sends_nothing(provider, tmp_path):
    url = provider("openai", [{"kind": "accept_and_drop", "call": "create", "count": 1}], latency=Latency(low=0.1))
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        executor = make_executor(journal, url, "openai", "batch", pace=dataclasses.replace(FAST, grace=(30.0,)))
        stop = asyncio.Event()
        driving = asyncio.create_task(executor.run(queue, stop))
        while not read_simulated(url, "stats")["calls"].get("create"):
            await asyncio.sleep(0.02)
        driving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await driving
        assert [submission.state for submission in list_submissions(journal)] in (["creating"], ["submitted"])
        while read_simulated(url, "stats")["batches"] != {"completed": 1}:
            await asyncio.sleep(0.05)
        await asyncio.wait_for(executor.reconcile(queue), 60)
        assert [submission.state for submission in list_submissions(journal)] == ["collected"]
        assert journal.count_rows() == {("draft", "ok"): 3, ("coreference", "pending"): 3}
    assert read_simulated(url, "stats")["calls"]["create"] == 1


async def test_a_deleted_batch_is_asked_again(provider, tmp_path):
    url = provider("openai", latency=Latency(low=1.0))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    with Journal(tmp_path / "run") as journal:
        update_submission(journal, list_submissions(journal)[0].intent, batch="batch_that_is_gone")
    assert await run_items(tmp_path / "run", url, "openai", 3) == {"done": 3}


async def test_skip_that_is_ignored_does_no_harm(provider, tmp_path, monkeypatch):
    url = provider("doubleword", [{"kind": "slow", "seconds": 0.3, "rate": 0.4}], latency=Latency("uniform", 0, 0.4))
    original = BatchApi.iter_lines
    monkeypatch.setattr(BatchApi, "iter_lines", lambda self, file_id, skip=0: original(self, file_id))
    assert await run_items(tmp_path / "run", url, "doubleword", 10) == {"done": 10}
    assert assert_paid_once(url)["paid_rows"] == 20


def test_duplicates_of_one_intent_are_cancelled(provider, tmp_path):
    url = provider("doubleword", latency=Latency(low=30))

    async def check() -> None:
        api = BatchApi(find_profile("doubleword"), url, "any")
        path = tmp_path / "rows.jsonl"
        path.write_bytes(
            b'{"custom_id":"a","method":"POST","url":"/v1/chat/completions",'
            b'"body":{"model":"m","messages":[{"role":"user","content":"x"}]}}\n'
        )
        file_id = await api.upload(path, "rows.jsonl")
        made = [await api.create(file_id, "24h", "intent-1", {}) for _ in range(3)]
        found = await find_batches(api, Submission("intent-1", "creating", 1, created=time.time()))
        assert [batch.id for batch in found] == [batch.id for batch in made]
        assert (await keep_one(api, found)).id == made[0].id
        states = [(await api.retrieve(batch.id)).status for batch in made]
        assert states[0] in {"validating", "in_progress"}
        assert set(states[1:]) <= {"cancelling", "cancelled"}
        await api.close()

    asyncio.run(check())


@pytest.mark.parametrize(
    "place",
    ["goldspan.generators.providers.batch.shards.BatchShard.add", "goldspan.generators.journal.raw.RawLog.append"],
)
async def test_a_full_disk_stops_the_run_and_resume_goes_on(provider, tmp_path, monkeypatch, place):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    url = provider("doubleword")
    with monkeypatch.context() as patched:
        patched.setattr(place, refuse)
        with pytest.raises(StateError, match="No space left"):
            await run_items(tmp_path / "run", url, "doubleword", 5)
    assert await run_items(tmp_path / "run", url, "doubleword", 5) == {"done": 5}
    assert assert_paid_once(url)["paid_rows"] == 10


async def test_a_queue_that_stays_full_stops_the_run(provider, tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.batch.admission._MAX_REFUSALS", 2)
    url = provider("openai", [{"kind": "token_limit_exceeded"}])
    with pytest.raises(TransientServiceError, match="queue stays full"):
        await run_items(tmp_path / "run", url, "openai", 5)
    with Journal(tmp_path / "run") as journal:
        assert journal.count_rows() == {("draft", "pending"): 5}
    assert assert_paid_once(url)["paid_rows"] == 0


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_list_that_lags_beyond_the_grace_costs_nothing_while_rows_wait(provider, tmp_path, profile):
    faults = [
        {"kind": "accept_and_drop", "call": "create", "count": 1},
        {"kind": "list_lag", "seconds": 0.8, "count": 1},
    ]
    url = provider(profile, faults, latency=Latency(low=3.0))
    assert await run_items(tmp_path / "run", url, profile, 3) == {"done": 3}
    assert read_simulated(url, "stats")["batches"] == {"cancelled": 1, "completed": 2}
    assert assert_paid_once(url)["paid_rows"] == 6


def test_a_run_whose_prompts_changed_can_still_be_cancelled(provider, tmp_path, monkeypatch):
    url = provider("openai", latency=Latency(low=30))
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    workspace = Workspace(tmp_path)
    settings = RunSettings("openai", 2, model="small", mode="batch", api_url=url)
    folder = begin_run(workspace, settings, LABELS, "changed")
    run_generation(workspace, folder, execution=ExecutionOptions(wait=False, poll_interval=0.05))
    monkeypatch.setattr("goldspan.generators.stages.stage.VERSION", 99)
    with pytest.raises(StateError, match="prompt has changed"):
        run_generation(workspace, folder)
    cancel_run(workspace, folder)
    assert read_simulated(url, "stats")["batches"] == {"cancelled": 1}


async def test_a_reply_lost_after_minutes_leaves_the_list_its_whole_grace(provider, tmp_path, monkeypatch):
    async def lose_late(self, *arguments):
        await original(self, *arguments)
        await asyncio.sleep(sum(FAST.grace) + 0.2)

    original = BatchApi.create
    monkeypatch.setattr(BatchApi, "create", lose_late)
    url = provider("openai", [{"kind": "list_lag", "seconds": sum(FAST.grace) + 0.3}], latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    assert read_simulated(url, "stats")["calls"]["create"] == 1


async def test_requests_that_a_killed_process_left_behind_are_removed(provider, tmp_path):
    url = provider("openai", latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    (kept,) = (tmp_path / "run" / "batches").iterdir()
    kept.with_name("0123456789abcdef.jsonl").write_text("{}")
    await run_items(tmp_path / "run", url, "openai", 3, wait=False)
    assert list(kept.parent.iterdir()) == [kept]
