"""Detached processes, identified by id and start time.

A process id alone is not enough: after a restart it may belong to another program.
So the start time is recorded as well.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.files import open_private

_PATIENCE = 10.0
"""Seconds that a process has to end by itself."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process: its id, and its start time as reported by the system."""

    pid: int
    started: str


def launch_detached(
    command: Sequence[str], variables: Mapping[str, str], folder: Path, log: Path
) -> subprocess.Popen[bytes]:
    """Start a program in its own session, so that it outlives this one; output is appended to `log`."""
    with open(log, "ab", opener=open_private) as output:
        return subprocess.Popen(
            list(command),
            env=dict(variables),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=0o077,
        )


def identify_process(pid: int) -> ProcessIdentity | None:
    """The identity of a running process; None if there is none, or only its remains."""
    with contextlib.suppress(OSError):
        os.waitpid(pid, os.WNOHANG)
    if Path("/proc/self/stat").exists():
        return _read_proc(pid)
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return ProcessIdentity(pid, shown.stdout.strip()) if shown.returncode == 0 and shown.stdout.strip() else None


def _read_proc(pid: int) -> ProcessIdentity | None:
    folder = Path(f"/proc/{pid}")
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        threads = len(list((folder / "task").iterdir()))
    except OSError:
        return None
    has_ended = fields[0] in "ZX" and threads <= 1
    return None if has_ended else ProcessIdentity(pid, fields[19])


def is_running(identity: ProcessIdentity) -> bool:
    """True if this very process still runs."""
    return identify_process(identity.pid) == identity


def stop_process(identity: ProcessIdentity) -> bool:
    """Stop the process group that this process leads: SIGTERM, after ten seconds SIGKILL.

    Returns False if the process is gone or its id now belongs to another one.
    """
    if not is_running(identity):
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(identity.pid, number)
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if not is_running(identity):
                return True
            time.sleep(0.05)
    return not is_running(identity)


def is_free_port(port: int) -> bool:
    """True if nothing listens on this port of 127.0.0.1 and we could."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def find_free_port(preferred: Sequence[int] = ()) -> int:
    """The first preferred port that is free, else any free one of 127.0.0.1."""
    for port in preferred:
        if is_free_port(port):
            return port
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return int(attempt.getsockname()[1])
