"""The clients that people use, each in the environment that it wants, against the simulator.

batchwizard and autobatcher need an older openai client than ours: they are installed once, pinned with hashes, into a
folder of the user's cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.server.environment import find_cache, find_python, install_packages
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.latency import Latency
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from tests.generators.conftest import read_simulated
from tests.generators.simulator.conftest import make_line

CLIENTS = Path(__file__).with_name("clients")
HASHED = CLIENTS / "hashed-requirements.txt"
SECONDS = 600


@pytest.fixture(scope="session")
def clients() -> Path:
    """The environment's interpreter; skips where the packages cannot be had."""
    key = hashlib.sha256(HASHED.read_bytes() + f"{platform.python_version()} {platform.platform()}".encode())
    folder = find_cache() / "test-clients" / key.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        if not find_python(folder / "env").exists():
            try:
                install_packages(folder / "env", HASHED, advice="The clients could not be installed.")
            except ServiceError as error:
                pytest.skip(str(error))
    return find_python(folder / "env")


@contextlib.contextmanager
def simulate(folder: Path, profile: str, *faults: dict[str, Any], latency: float = 0.0) -> Iterator[str]:
    plan = build_plan({"seed": 1, "faults": list(faults)})
    settings = SimulatorSettings(
        find_profile(profile), folder / "provider.db", plan, Latency(low=latency), validation_seconds=0.05
    )
    with serving(settings, writer=None) as url:
        yield url


def call(program: list[str | Path], home: Path, **variables: str) -> str:
    """The output of a program that ended well, run with nothing of our environment but the path."""
    quiet = {"PATH": os.environ["PATH"], "HOME": str(home), "NO_PROXY": "*", "COLUMNS": "200", **variables}
    done = subprocess.run(
        list(map(str, program)), cwd=home, env=quiet, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def call_script(clients: Path, home: Path, name: str, *arguments: str) -> dict[str, Any]:
    return json.loads(call([clients, CLIENTS / name, *arguments], home).splitlines()[-1])


def read_payments(url: str) -> tuple[int, int]:
    ledger = read_simulated(url, "ledger")
    return ledger["paid_rows"], ledger["unique_rows"]


FAILED = {"kind": "failed", "count": 2}
BUSY = {"kind": "too_many_requests", "call": "get", "count": 2, "retry_after": 0.1}
BROKEN = {"kind": "server_error", "call": "content", "count": 1}


def test_openai_client(clients: Path, tmp_path: Path) -> None:
    with simulate(tmp_path, "openai", FAILED, BUSY, BROKEN) as url:
        said = call_script(clients, tmp_path, "sdk_calls.py", url, "12")
        batch = [row for row in read_simulated(url, "ledger")["rows"] if row.startswith("sdk-")]
    assert said["status"] == "completed"
    assert said["metadata"] == {"a": "b"}
    assert said["counts"] == {"total": 12, "completed": 10, "failed": 2}
    assert said["answered"] == sorted(batch)
    assert sorted([*said["answered"], *said["failed"]]) == sorted(f"sdk-{number}" for number in range(12))
    assert said["cancelled"] == "cancelled"
    assert [said[name] for name in ("listed", "live", "response")] == [True, True, True]
    assert said["errors"] == [
        "NotFoundError 404",
        "NotFoundError 404",
        "BadRequestError 400",
        "ConflictError 409",
        "BadRequestError 400",
    ]


def call_batchwizard(clients: Path, home: Path, url: str, *words: str | Path) -> str:
    """The output of several commands, divided by `--`."""
    return call([clients, CLIENTS / "batchwizard_calls.py", *words], home, OPENAI_BASE_URL=url, OPENAI_API_KEY="any")


def test_batchwizard(clients: Path, tmp_path: Path) -> None:
    rows, out = tmp_path / "rows.jsonl", tmp_path / "out"
    rows.write_bytes(b"\n".join(make_line(number) for number in range(12)) + b"\n")
    with simulate(tmp_path, "openai", FAILED, latency=0.2) as url:
        process = ["process", "--check-interval", "0", "--output-directory", out, rows]
        said = call_batchwizard(clients, tmp_path, url, *process, "--", "status", "--all", "--", "list-jobs")
        assert "10 ok" in said
        assert read_payments(url) == (10, 10)
    (results,), (errors,) = (sorted(out.glob(f"*_{kind}.jsonl")) for kind in ("results", "errors"))
    answered = {json.loads(line)["custom_id"] for line in results.read_bytes().splitlines()}
    failed = {json.loads(line)["custom_id"] for line in errors.read_bytes().splitlines()}
    assert (len(answered), len(failed), answered & failed) == (10, 2, set())
    assert answered | failed == {f"row-{number}" for number in range(12)}


def test_batchwizard_cancels(clients: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(make_line(1) + b"\n")
    with simulate(tmp_path, "openai", latency=600) as url:
        watch = ["watch", "--check-interval", "0"]
        call_batchwizard(clients, tmp_path, url, "submit", rows, "--", "cancel", "BATCH", "--", *watch)
        assert read_simulated(url, "stats")["batches"] == {"cancelled": 1}
        assert read_payments(url) == (0, 0)


@pytest.mark.parametrize("mode", ["batch", "flex"])
def test_autobatcher(clients: Path, tmp_path: Path, mode: str) -> None:
    with simulate(tmp_path, "doubleword", BUSY, latency=0.1) as url:
        said = call_script(clients, tmp_path, "autobatcher_calls.py", url, mode, "12")
        assert said == {"answered": 12, "errors": []}
        assert read_payments(url) == (12, 12)
        assert read_simulated(url, "stats")["batches"] == ({"completed": 3} if mode == "batch" else {})


def test_autobatcher_cancels(clients: Path, tmp_path: Path) -> None:
    with simulate(tmp_path, "doubleword", latency=600) as url:
        said = call_script(clients, tmp_path, "autobatcher_calls.py", url, "flex-cancel", "1")
        assert said == {"answered": 0, "errors": ["CancelledError"]}
        assert read_simulated(url, "stats")["calls"]["cancel"] == 1
        assert read_payments(url) == (0, 0)
