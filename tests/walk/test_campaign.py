"""A campaign in batches at a simulated provider, killed at random: nothing is paid twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.campaigns.campaign import read_campaign
from goldspan.generators.campaigns.status import read_status
from tests.waiting import wait_until

pytestmark = pytest.mark.walk

GOLDSPAN = [sys.executable, "-m", "goldspan"]


def test_a_campaign_that_is_killed_pays_each_row_once(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    environment = os.environ | {"DOUBLEWORD_API_KEY": "any", "GOLDSPAN_DATA": str(tmp_path / "data")}
    log = tmp_path / "simulator.log"
    with log.open("wb") as stream:
        simulator = subprocess.Popen(
            [*GOLDSPAN, "simulate", "--port", "0", "--state", str(tmp_path / "provider.db")],
            stderr=stream,
            stdout=stream,
        )
    try:
        wait_until(lambda: "/v1" in log.read_text())
        url = next(word for word in log.read_text().split() if word.endswith("/v1"))
        options = ["-n", "60", "--run-samples", "12", "--name", "c", "--parallel", "3", "--poll-interval", "0.1"]
        command = ["generate", "campaign", "start", *options, "--provider", "doubleword", "--api-url", url, "--json"]
        rng = random.Random(5)
        for wanted in (1, 12, 30):
            process = subprocess.Popen(
                [*GOLDSPAN, *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            wait_until(lambda: process.poll() is not None or _count_done(workspace) >= wanted)  # noqa: B023
            if process.poll() is None:
                process.send_signal(rng.choice((signal.SIGKILL, signal.SIGTERM)))
            process.wait(300)
        done = subprocess.run(
            [*GOLDSPAN, *command], env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["state"], report["done"], report["runs_by_state"]) == ("finished", 60, {"finished": 5})
        with urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/ledger", timeout=60) as reply:
            ledger = json.load(reply)
        assert ledger["paid_twice"] == {}
        assert ledger["paid_rows"] == report["answered"]
        assert report["cost"] == pytest.approx(ledger["cost"], abs=1e-4)
    finally:
        simulator.kill()
        simulator.wait()


def _count_done(workspace: Workspace) -> int:
    try:
        return read_status(workspace, read_campaign(workspace, "c")).total.done
    except GoldspanError:  # not begun yet
        return 0
