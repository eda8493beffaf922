"""Start the dashboard: Streamlit on 127.0.0.1, without telemetry."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import BinaryIO

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror.failures import explain_write_failure

PREFERRED_PORTS = range(8501, 8521)
_START_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class DashboardProcess:
    """A running dashboard at `url`; end it with `stop`."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def build_command(port: int) -> list[str]:
    """Build the command line of the dashboard server; other settings are in `.streamlit/config.toml`."""
    return [sys.executable, "-P", "-m", "goldspan.dashboards.serve", str(port)]


def build_environment(workspace: Workspace, label_file: Path | None) -> dict[str, str]:
    """Build the environment of the dashboard process, with its workspace and label schema."""
    variables = dict(os.environ) | {"GOLDSPAN_DATA": str(workspace.root.resolve())}
    if label_file:
        variables["GOLDSPAN_LABELS"] = str(label_file.resolve())
    return variables


def find_port(port: int | None = None) -> int:
    """Return the requested port, or the first free one from 8501.

    Raises:
        ConfigurationError: no such port is free.

    """
    for candidate in [port] if port else PREFERRED_PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    raise ConfigurationError(f"Port {port or '8501 to 8520'} is in use. Choose a free one with --port.")


def start_dashboard(workspace: Workspace, port: int | None = None, label_file: Path | None = None) -> DashboardProcess:
    """Start the dashboard in the background and wait until it responds; its output goes to `.dashboard/log`.

    Raises:
        ConfigurationError: the port is taken.
        ServiceError: it did not start; the message ends with the last lines of its log.
        StateError: the workspace cannot be written to.

    """
    if importlib.util.find_spec("streamlit") is None:
        raise ModuleNotFoundError("No module named 'streamlit'", name="streamlit")
    port = find_port(port)
    log = workspace.root / ".dashboard" / "log"
    with _open_log(log) as stream:
        process = subprocess.Popen(
            build_command(port),
            cwd=Path(__file__).parent,
            env=build_environment(workspace, label_file),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        if _is_healthy(port):
            return DashboardProcess(url, process)
        time.sleep(0.2)
    process.kill()
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise ServiceError(f"The dashboard did not start. Last lines of its log:\n{tail}")


def _open_log(log: Path) -> BinaryIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("wb")
    except OSError as error:
        raise explain_write_failure(log.parent, error) from None


def _is_healthy(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
