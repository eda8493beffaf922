"""`goldspan mask` over a folder is ended in the middle: outputs are whole or absent, and the next run goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.serving.documents.report import REPORT, MaskingReport
from tests.waiting import wait_until

FILES = 24


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    source, target = tmp_path / "letters", tmp_path / "masked"
    source.mkdir()
    for file in range(FILES):
        lines = [f"Write to person{line}.{file}@mail.example.net today." for line in range(150)]
        (source / f"{file:02}.txt").write_text("\n".join(lines))
    command = [sys.executable, "-m", "goldspan", "mask", str(source), "-p", "regex", "-o", str(target), "--json"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: list(target.glob("*.txt")) or first.poll() is not None)
    first.send_signal(number)
    _, said = first.communicate(timeout=120)
    assert "Traceback" not in said
    assert all("@" not in file.read_text() for file in target.glob("*.txt"))
    assert number is signal.SIGKILL or not list(target.glob(".masking-*"))

    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["skipped"] >= 1
    assert sorted(file.name for file in target.iterdir()) == [*(f"{file:02}.txt" for file in range(FILES)), REPORT]
    assert all(MaskingReport(target / REPORT).find(f"{file:02}.txt")["complete"] for file in range(FILES))
