"""The live executor against a chaos server that nobody here wrote: `llmock` judges how our client behaves."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request

import pytest

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.run import run_generation
from tests.generators.scripted import LABELS, make_settings

LLMOCK = shutil.which(os.environ.get("GOLDSPAN_LLMOCK", "llmock"))
pytestmark = pytest.mark.skipif(LLMOCK is None, reason="llmock is not installed (GOLDSPAN_LLMOCK names the program)")


def find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_client_keeps_its_manners_under_faults(tmp_path):
    port = find_free_port()
    faults = [f"--error-rate={status}={rate}" for status, rate in ((429, 0.15), (503, 0.1), (500, 0.05))]
    command = [LLMOCK, "serve", "--port", str(port), "--latency-ms", "20", "--log-level", "error", *faults]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/v1/models")
                break
            except OSError as error:
                if getattr(error, "code", None):
                    break
                time.sleep(0.1)
        settings = make_settings(samples=20, attempts=2, api_url=f"{url}/v1/chat/completions")
        workspace = Workspace(tmp_path)
        folder = begin_run(workspace, settings, LABELS, "chaos")
        progress = run_generation(workspace, folder, execution=ExecutionOptions(max_workers=8)).progress
        report = subprocess.run([LLMOCK, "report", "--url", url], capture_output=True, text=True, check=False)
    finally:
        server.kill()
        server.wait()
    assert progress.done + progress.dead == 20
    assert "failed" not in progress.by_stage["draft"]
    assert report.returncode == 0, report.stdout
