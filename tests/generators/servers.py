"""Starts the compatible server in a process of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def run_server(folder: Path, *options: str) -> Iterator[str]:
    """The server's address without `/v1`, while the block runs."""
    port_file = folder / "port"
    command = [sys.executable, "-m", "tests.generators.compatible_server", str(port_file), *options]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until(lambda: port_file.exists() or process.poll() is not None)
        assert process.poll() is None
        yield f"http://127.0.0.1:{port_file.read_text()}"
    finally:
        process.kill()
        process.wait()
        port_file.unlink(missing_ok=True)


def read_asked(address: str) -> dict[str, int]:
    """How often the server was asked each question."""
    with urllib.request.urlopen(f"{address}/asked") as reply:
        return json.load(reply)
