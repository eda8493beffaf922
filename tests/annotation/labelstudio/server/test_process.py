from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.labelstudio.server.process import ProcessIdentity, identify_process, launch_detached
from tests.waiting import wait_until

PROGRAM = "import sys; print(len(sys.stdin.read())); open('began', 'w').close()"
LAUNCH = """
import os, signal, sys
from pathlib import Path
from goldspan.annotation.labelstudio.server.process import launch_detached

def die(identity):
    print(identity.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
launch_detached([sys.executable, "-c", sys.argv[2]], dict(os.environ), folder, folder / "log", die)
"""


def test_a_program_begins_once_it_is_recorded(tmp_path: Path) -> None:
    recorded: list[ProcessIdentity] = []

    def record(identity: ProcessIdentity) -> None:
        assert identify_process(identity.pid) == identity
        assert not (tmp_path / "began").exists()
        recorded.append(identity)

    command = [sys.executable, "-c", PROGRAM]
    process, identity = launch_detached(command, dict(os.environ), tmp_path, tmp_path / "log", record)
    assert process.wait(60) == 0
    assert recorded == [identity]
    assert (tmp_path / "began").exists()
    assert (tmp_path / "log").read_text().strip() == "0"


def test_a_program_that_cannot_be_recorded_never_begins(tmp_path: Path) -> None:
    recorded: list[int] = []

    def refuse(identity: ProcessIdentity) -> None:
        recorded.append(identity.pid)
        raise StateError("no room")

    with pytest.raises(StateError, match="no room"):
        launch_detached([sys.executable, "-c", PROGRAM], dict(os.environ), tmp_path, tmp_path / "log", refuse)
    wait_until(lambda: identify_process(recorded[0]) is None)
    assert not (tmp_path / "began").exists()


def test_a_launcher_that_is_killed_before_it_records_leaves_no_process(tmp_path: Path) -> None:
    launched = subprocess.run([sys.executable, "-c", LAUNCH, tmp_path, PROGRAM], capture_output=True, check=False)
    assert launched.returncode == -9, launched.stderr
    wait_until(lambda: identify_process(int(launched.stdout)) is None)
    assert not (tmp_path / "began").exists()
