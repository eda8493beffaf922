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
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.files import open_private

_PATIENCE = 10.0
"""Seconds that a process has to end by itself."""
_WAIT_THEN_RUN = "import os, sys; sys.stdin.buffer.read(1) and os.execvp(sys.argv[1], sys.argv[1:])"
"""Become the program once a byte comes; end if the other end of the pipe is closed without."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process: its id, and its start time as reported by the system."""

    pid: int
    started: str


def launch_detached(
    command: Sequence[str],
    variables: Mapping[str, str],
    folder: Path,
    log: Path,
    record: Callable[[ProcessIdentity], None],
) -> tuple[subprocess.Popen[bytes], ProcessIdentity]:
    """Start a program in its own session, so that it outlives this one; output is appended to `log`.

    The program begins once `record` has returned. If that fails, or this process is killed before, it never does: no
    program runs that nobody knows of.

    Raises:
        ServiceError: the process ended before it could begin.
    """
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb", buffering=0) as starter:
        with os.fdopen(reader, "rb") as gate, open(log, "ab", opener=open_private) as output:
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _WAIT_THEN_RUN, *command],
                env=dict(variables),
                cwd=folder,
                stdin=gate,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        identity = identify_process(process.pid)
        if identity is None:
            raise ServiceError(f"The process that runs {command[0]} was ended from outside.")
        record(identity)
        with contextlib.suppress(BrokenPipeError):
            starter.write(b"\n")
    return process, identity


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
