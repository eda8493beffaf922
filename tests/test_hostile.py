"""Hostile files: each is read soundly or refused by name, in little time and memory, and no message repeats a value."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.corpus import SECRET, write_corpus

WORKER = Path(__file__).parent / "hostile" / "worker.py"
SECONDS, MEBIBYTES = 20.0, 500
"""Processor time and additional memory that one file may take: far more than any takes, so that a slow machine passes
and only what grows without bound fails."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("hostile")
    names = write_corpus(folder)
    done = subprocess.run(
        [sys.executable, WORKER, folder], capture_output=True, text=True, timeout=900, cwd=folder.parent
    )
    found = {outcome["name"]: outcome for outcome in map(json.loads, done.stdout.splitlines())}
    missing = sorted(set(names) - found.keys())
    assert not missing, f"{missing[0]} ended the process: {done.stderr[-2000:]}"
    return found


def test_the_corpus_is_large(outcomes: dict[str, dict[str, Any]]) -> None:
    assert sum(name.startswith("mutant_") for name in outcomes) == 300
    assert len(outcomes) > (850 if find_spec("pyarrow") else 450)


def test_no_exception_of_another_library_escapes(outcomes: dict[str, dict[str, Any]]) -> None:
    assert {name: outcome["escaped"] for name, outcome in outcomes.items() if outcome["escaped"]} == {}


def test_every_file_takes_little_time_and_memory(outcomes: dict[str, dict[str, Any]]) -> None:
    slow = {name: o["seconds"] for name, o in outcomes.items() if o["seconds"] > SECONDS}
    large = {name: o["memory"] for name, o in outcomes.items() if o["memory"] > MEBIBYTES}
    assert (slow, large) == ({}, {})


def test_no_message_repeats_a_value_or_controls_a_terminal(outcomes: dict[str, dict[str, Any]]) -> None:
    said = [(name, message) for name, outcome in outcomes.items() for message in outcome["messages"]]
    assert len(said) > 200
    assert [(name, message) for name, message in said if SECRET in message or "\x1b" in message] == []


def test_refusals_name_the_file(outcomes: dict[str, dict[str, Any]]) -> None:
    nameless = [
        (name, m)
        for name, o in outcomes.items()
        for m in o["messages"]
        if not any(part in m for part in (Path(name).stem, "w.jsonl", "manifest", "The plan is", "/model"))
    ]
    assert nameless == []
