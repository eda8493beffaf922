"""Shards through the command line: engines agree, and a run that is killed goes on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.walk

GOLDSPAN = [sys.executable, "-m", "goldspan"]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Twelve shards of 200 texts."""
    rows = [
        {
            "text": f"Ticket {number}: write to anna{number}@example.org or call 020 7946 0{number % 1000:03}.",
            "language": "en",
        }
        for number in range(2400)
    ]
    whole = tmp_path / "texts.jsonl"
    whole.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _run("shards", "make", str(whole), "--rows", "200", "--output", str(tmp_path / "shards"))
    return tmp_path / "shards"


def test_a_run_that_is_killed_again_and_again_ends_like_one_that_was_not(shards: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    _run("annotate", str(shards), "-p", "regex", "--output", str(whole), "--workers", "2")
    rng = random.Random(7)
    command = [*GOLDSPAN, "annotate", str(shards), "-p", "regex", "--output", str(killed), "--workers", "2"]
    for wanted in (1, 3, 6, 9):
        process = subprocess.Popen(
            command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while process.poll() is None and _count_finished(killed) < wanted:
            time.sleep(0.01)
        time.sleep(rng.random() / 20)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    report = json.loads(_run("annotate", str(shards), "-p", "regex", "--output", str(killed), "--json"))
    assert (report["finished"], report["missing"], report["failed"]) == (12, 0, {})
    assert report["skipped"] >= 1
    assert report["counts"] == {"samples": 2400}
    assert _read_results(killed) == _read_results(whole)
    status = json.loads(_run("shards", "status", str(killed), "--json"))
    assert (status["finished"], status["missing"]) == (12, 0)


@pytest.mark.parametrize("engine", ["datatrove", "metaflow"])
def test_every_engine_gives_the_same_results(engine: str, shards: Path, tmp_path: Path) -> None:
    pytest.importorskip(engine)
    for path in sorted(shards.iterdir())[3:]:
        path.unlink()
    results = {}
    for name in ("local", engine):
        output = tmp_path / name
        report = json.loads(
            _run(
                "annotate",
                str(shards),
                "-p",
                "regex",
                "--output",
                str(output),
                "--engine",
                name,
                "--workers",
                "2",
                "--json",
            )
        )
        assert (report["finished"], report["failed"]) == (3, {})
        results[name] = _read_results(output)
    assert results[engine] == results["local"]


def _run(*arguments: str) -> str:
    done = subprocess.run([*GOLDSPAN, *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _count_finished(output: Path) -> int:
    return len(list((output / "_run" / "done").glob("*.json")))


def _read_results(output: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(output.glob("*.jsonl"))}
