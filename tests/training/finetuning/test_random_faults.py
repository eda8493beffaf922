"""Random plans of faults that pass: every run ends with one job paid, however often it has to be resumed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import ServiceError
from goldspan.training.finetuning.run import TuningOutcome
from tests.training.finetuning.conftest import Start, ask
from tests.training.finetuning.small_tuning import tune

CALLS = ("upload", "list", "get", "tune_create", "tune_get", "tune_list", "tune_events", "tune_start", "tune_estimate")
KINDS = (
    "accept_and_drop",
    "gateway_timeout",
    "too_many_requests",
    "server_error",
    "web_page",
    "empty_reply",
    "short_reply",
)
OF_JOBS: tuple[dict[str, Any], ...] = (
    {"kind": "list_lag", "seconds": 0.05},
    {"kind": "unknown_status", "seconds": 0.05},
    {"kind": "repeated_events"},
    {"kind": "shuffled_events"},
    {"kind": "file_gone", "call": "tune_create", "count": 1},
)
MOST_TRIES = 20


def draw_faults(draw: random.Random) -> list[dict[str, Any]]:
    faults = [
        {
            "kind": draw.choice(KINDS),
            "call": draw.choice(CALLS),
            "count": draw.randint(1, 2),
            "skip": draw.randint(0, 1),
        }
        for _ in range(draw.randint(4, 8))
    ]
    for fault in faults:
        if fault["kind"] == "too_many_requests":
            fault["retry_after"] = 0
    return faults + draw.sample(OF_JOBS, draw.randint(1, len(OF_JOBS)))


@pytest.mark.parametrize("seed", range(6))
def test_a_run_through_random_faults_pays_one_job(root: Path, start: Start, seed: int) -> None:
    draw = random.Random(seed)
    provider = ("openai", "mistral", "together")[seed % 3]
    url = start(provider, draw_faults(draw))
    summary = None
    for _ in range(MOST_TRIES):
        try:
            summary = tune(root, provider, url, grace=0.3, wait=draw.random() < 0.5)
        except ServiceError:
            continue
        if summary.outcome is TuningOutcome.DONE:
            break
    jobs = ask(url, "ledger")["jobs"]
    assert summary is not None
    assert summary.outcome is TuningOutcome.DONE
    assert (jobs["paid"], jobs["paid_twice"]) == (1, [])
