"""A fine-tuning run is killed at every commit point and resumed: one job is paid, whatever happened."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldspan.training.finetuning.run import TuningOutcome
from tests.training.finetuning.conftest import Start, ask
from tests.training.finetuning.small_tuning import tune, tune_until_killed

TUNING_POINTS = (
    "rows-written",
    "run-planned",
    "upload-announced",
    "file-uploaded",
    "upload-recorded",
    "creation-announced",
    "job-created",
    "job-recorded",
    "start-announced",
    "job-started",
    "events-recorded",
    "outcome-recorded",
    "run-finished",
)
"""Commit points of a fine-tuning run, in the order in which a run passes them."""

PROVIDERS = ("openai", "mistral", "together")
HALTING = {"start-announced", "job-started"}
"""Points that only a provider has whose jobs wait for their start."""
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["httpx2", "openai.resources", "tests.training.finetuning.small_tuning"])
CASES = [
    (provider, point)
    for provider in PROVIDERS
    for point in TUNING_POINTS
    if point not in HALTING or provider == "mistral"
]


@pytest.fixture(scope="module")
def matrix(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str, int, int]]]:
    """Rows of the table that is printed at the end."""
    rows: list[tuple[str, str, int, int]] = []
    yield rows
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(f"{'provider':<12}{'killed at':<22}{'created':>8}{'paid':>6}{'wanted':>8}")
        for provider, point, created, paid in rows:
            reporter.write_line(f"{provider:<12}{point:<22}{created:>8}{paid:>6}{1:>8}")


@pytest.mark.parametrize(("provider", "point"), CASES)
def test_a_run_that_is_killed_pays_one_job(
    root: Path, start: Start, matrix: list[tuple[str, str, int, int]], provider: str, point: str
) -> None:
    url = start(provider)
    process = _CONTEXT.Process(target=tune_until_killed, args=(point, root, provider, url))
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL
    summary = tune(root, provider, url)
    jobs = ask(url, "ledger")["jobs"]
    matrix.append((provider, point, jobs["created"], jobs["paid"]))
    assert summary.outcome is TuningOutcome.DONE
    assert summary.predictor["predictor"] == "llm"
    assert (jobs["paid"], jobs["unique"], jobs["paid_twice"]) == (1, 1, [])
