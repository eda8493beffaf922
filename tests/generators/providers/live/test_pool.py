from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

import orjson
import pytest

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.folder import begin_run, open_run
from goldspan.generators.runs.pipeline import RunOutcome, run_pipeline
from goldspan.generators.runs.run import run_generation
from tests.generators.scripted import LABELS, make_settings
from tests.generators.servers import ROOT, read_asked, run_server
from tests.waiting import wait_until


def drive_live(root, address, settings=None, workers=8):
    workspace = Workspace(root)
    settings = settings or make_settings(samples=10, api_url=address)
    return run_generation(
        workspace, begin_run(workspace, settings, LABELS, "r"), execution=ExecutionOptions(max_workers=workers)
    )


@pytest.mark.parametrize("ending", ["", "/v1", "/v1/", "/v1/chat/completions"])
def test_server_answers_a_whole_run(tmp_path, ending):
    with run_server(tmp_path) as address:
        summary = drive_live(tmp_path, address, make_settings(samples=10, api_url=address + ending, mode="live"))
        asked = read_asked(address)
    assert summary.outcome is RunOutcome.DONE
    assert len(asked) == 20
    assert set(asked.values()) == {1}
    assert len(list(read_samples([summary.samples], LABELS))) + summary.written.duplicates == 10
    raw = (tmp_path / "runs" / "r" / "raw" / "live.jsonl").read_bytes().splitlines()
    assert {orjson.loads(line)["custom_id"] for line in raw} == set(asked)


def test_server_without_structured_outputs_is_learned_once(tmp_path):
    with run_server(tmp_path, "--refuse-schema") as address:
        assert drive_live(tmp_path, address).outcome is RunOutcome.DONE
        assert set(read_asked(address).values()) == {1}


def test_throttled_requests_cost_no_attempt(tmp_path):
    with run_server(tmp_path, "--throttle", "12") as address:
        summary = drive_live(tmp_path, address, make_settings(samples=10, api_url=address, attempts=1))
    assert summary.outcome is RunOutcome.DONE
    assert summary.progress.refused == 0


def test_server_that_is_down_stops_the_run_without_burning_attempts(tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.client._TRIES_AGAIN", 0)
    with pytest.raises(TransientServiceError, match="does not answer"):
        drive_live(tmp_path, "http://127.0.0.1:9", make_settings(samples=10, api_url="http://127.0.0.1:9"))
    with Journal(tmp_path / "runs" / "r") as journal:
        assert journal.count_rows() == {("draft", "pending"): 10}


def test_wrong_address_is_terminal(tmp_path):
    with run_server(tmp_path) as address, pytest.raises(TerminalServiceError, match="no such model"):
        drive_live(tmp_path, address, make_settings(samples=2, api_url=f"{address}/nowhere"))


def test_killed_and_resumed_no_accepted_answer_is_asked_twice(tmp_path):
    with run_server(tmp_path, "--latency", "0.05") as address:
        command = [
            sys.executable, "-m", "goldspan", "generate", "start", "--provider", "compatible", "--model", "m",
            "--api-url", f"{address}/v1/chat/completions", "-n", "60", "--max-workers", "4", "--run", "k",
            "--languages", "en,de", "--data", str(tmp_path / "data"), "--json",
        ]  # fmt: skip
        environment = {**os.environ, "OPENAI_API_KEY": ""}
        for kill_after in (8, 40, 90):
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
            wait_until(lambda: sum(read_asked(address).values()) >= kill_after or process.poll() is not None)  # noqa: B023
            process.send_signal(signal.SIGKILL)
            process.wait()
        resumed = [
            sys.executable, "-m", "goldspan", "generate", "resume", "--data", str(tmp_path / "data"), "--json",
        ]  # fmt: skip
        result = subprocess.run(resumed, cwd=ROOT, env=environment, capture_output=True, check=False)
        asked = read_asked(address)
    assert result.returncode == 0, result.stderr
    assert b"Resuming k" in result.stderr
    summary = orjson.loads(result.stdout)
    assert summary["done"] == 60
    assert summary["written"] + summary["duplicates"] == 60
    again = sum(count - 1 for count in asked.values())
    assert again <= 3 * 4
    assert len(asked) == 120


@pytest.mark.parametrize("signals", [1, 2])
def test_first_interrupt_drains_and_second_leaves_at_once(tmp_path, signals):
    with run_server(tmp_path, "--latency", "4" if signals == 1 else "600") as address:
        command = [
            sys.executable, "-m", "goldspan", "generate", "start", "--provider", "compatible", "--model", "m",
            "--api-url", address, "-n", "50", "--max-workers", "4", "--run", "k", "--data", str(tmp_path / "data"),
        ]  # fmt: skip
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE)
        wait_until(lambda: sum(read_asked(address).values()) >= 4 or process.poll() is not None)
        process.send_signal(signal.SIGINT)
        if signals == 2:
            interrupt_until_it_leaves(process)
        _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    with Journal(tmp_path / "data" / "runs" / "k", lock=True) as journal:
        assert journal.sum_totals().tokens_in == (400 if signals == 1 else 0)
        assert journal.count_open()["submitted"] == (0 if signals == 1 else 4)


def interrupt_until_it_leaves(process):
    """One more signal is enough, unless it comes before the process has taken the first."""
    while process.poll() is None:
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)


def test_first_stop_drains(tmp_path):
    workspace = Workspace(tmp_path)

    async def go(address: str):
        run = open_run(begin_run(workspace, make_settings(samples=50, api_url=address), LABELS, "r"))
        with run.journal:
            stop = asyncio.Event()
            executor = LiveExecutor(run.journal, f"{address}/v1", "none", LiveLimits(max_workers=4))
            running = asyncio.create_task(run_pipeline(run, executor, tmp_path / "out.jsonl", Budget(Prices()), stop))
            while not await asyncio.to_thread(read_asked, address):
                await asyncio.sleep(0.02)
            stop.set()
            return await running

    with run_server(tmp_path, "--latency", "0.5") as address:
        summary = asyncio.run(go(address))
        asked = read_asked(address)
    assert summary.outcome is RunOutcome.STOPPED
    assert summary.progress.submitted == 0
    assert summary.progress.answered == len(asked) > 0
