"""`goldspan train` as a person runs it: killed in the middle, resumed, and the same model at the end."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.training.tiny_model import TOML, make_bundle
from tests.waiting import wait_until

pytestmark = [
    pytest.mark.walk,
    pytest.mark.skipif(not (find_spec("torch") and find_spec("metaflow")), reason="needs torch and metaflow"),
]

CONFIG = """
[model]
name = "tiny"
[training]
token_budget = 6000
threads = 1
bf16 = "false"
device = "cpu"
window_tokens = 64
window_overlap = 16
learning_rate = 2e-3
early_stopping_enabled = false
checkpoint_seconds = 0.0
[evaluation]
baselines = false
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "labels.toml").write_text(TOML)
    (tmp_path / "training.toml").write_text(CONFIG)
    make_bundle(tmp_path / "data" / "bundles" / "v1", 160)
    return tmp_path


def start(place: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "goldspan", *arguments, "--data", "data"]
    environment = os.environ | {"GOLDSPAN_LABELS": str(place / "labels.toml")}
    return subprocess.Popen(
        command, cwd=place, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip


def finish(place: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(place, *arguments)
    out, err = process.communicate(timeout=900)
    return process.returncode, out, err


def digest(place: Path, name: str) -> str:
    return hashlib.sha256((place / "data" / "models" / name / "trained" / "model.safetensors").read_bytes()).hexdigest()


def read_state(place: Path, name: str) -> dict[str, Any]:
    code, out, err = finish(place, "train", "status", name, "--json")
    assert code == 0, err
    state: dict[str, Any] = json.loads(out)
    return state


def test_a_killed_run_goes_on_and_ends_with_the_same_weights(place: Path) -> None:
    code, out, err = finish(place, "train", "v1", "--config", "training.toml", "--name", "whole")
    assert code == 0, err
    assert "data/models/whole" in out
    process = start(place, "train", "v1", "--config", "training.toml", "--name", "killed")
    progress = place / "data" / "training" / "killed" / "progress.jsonl"
    wait_until(lambda: progress.is_file() and progress.read_bytes().count(b"\n") >= 2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    state = read_state(place, "killed")
    assert (state["status"], state["step"]) == ("interrupted", "train")
    assert not (place / "data" / "models" / "killed").exists()
    gate = place / "data" / "gate.toml"
    gate.write_text("[[model]]\nf1 = 1.0\n")
    code, out, err = finish(place, "train", "resume", "killed")
    assert code == 7, err
    assert "wanted at least 1" in err
    assert not (place / "data" / "models" / "killed").exists()
    assert finish(place, "gate", "--model", "data/training/killed")[0] == 7
    gate.write_text("[[model]]\nmissed = 1.0\n")
    code, out, err = finish(place, "train", "resume", "killed")
    assert code == 0, err
    assert digest(place, "killed") == digest(place, "whole")
    assert read_state(place, "killed")["status"] == "done"
    tokens = [row["tokens"] for row in map(json.loads, progress.read_text().splitlines())]
    assert len(set(tokens)) == 8
    code, out, err = finish(place, "model", "check", "killed")
    assert code == 0, out + err
    code, _, err = finish(place, "train", "resume", "killed")
    assert code == 1
    assert "is finished" in err
