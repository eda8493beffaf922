"""Start the dashboard: Streamlit on 127.0.0.1, behind an access token, without telemetry."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.labelstudio.server.process import is_free_port
from goldspan.annotation.project import VARIABLE, find_project
from goldspan.annotation.tasks.workspace import Workspace, find_workspace_project
from goldspan.dashboards.access import TOKEN_PARAMETER, cookie_name
from goldspan.dashboards.mirror.folder import FOLDER, open_log

PREFERRED_PORTS = range(8501, 8521)
_START_TIMEOUT = 180.0
_ATTEMPTS = 4
"""Starts of a server that ends by itself: another program may have taken its port in the meantime."""
_STEP = 0.5
"""Seconds after which a process that is waited for is looked at again."""

_ENVIRONMENT = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "TZ", "LANG", "LANGUAGE", "LC_ALL"),
    *("LC_CTYPE", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "POLARS_MAX_THREADS"),
)
"""Variables the dashboard inherits; API keys and tokens are not among them."""


@dataclass(frozen=True, slots=True)
class DashboardProcess:
    """A running dashboard at `url`, which answers only with `token`; end it with `stop`. It ends with this process."""

    url: str
    token: str = field(repr=False)
    process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """The URL to open in a browser; it holds the access token."""
        return f"{self.url}/?{urlencode({TOKEN_PARAMETER: self.token})}"

    def wait(self) -> None:
        """Wait until the process ends.

        In short steps: a Ctrl-C that comes just before a blocking call is noticed when the call returns.
        """
        while self.process.poll() is None:
            time.sleep(_STEP)

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        finally:
            if self.process.stdin:
                self.process.stdin.close()


def build_command(port: int) -> list[str]:
    """Build the command line of the dashboard server; other settings are in `.streamlit/config.toml`."""
    return [sys.executable, "-P", "-m", "goldspan.dashboards.serve", str(port)]


def build_environment(workspace: Workspace, label_file: Path | None) -> dict[str, str]:
    """Build the environment of the dashboard process: its workspace and label schema, and no API keys."""
    variables = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    variables["GOLDSPAN_DATA"] = str(workspace.root.resolve())
    if given := label_file or os.environ.get("GOLDSPAN_LABELS"):
        variables["GOLDSPAN_LABELS"] = str(Path(given).resolve())
    if project := find_project():
        variables[VARIABLE] = str(project.folder)
    return variables


def find_port(port: int | None = None, preferred: int = 0) -> int:
    """Return the requested port, else the preferred one if it is free, else the first free one from 8501.

    Raises:
        ConfigurationError: no such port is free.
    """
    for candidate in [port] if port else [*filter(None, [preferred]), *PREFERRED_PORTS]:
        if is_free_port(candidate):
            return candidate
    raise ConfigurationError(f"Port {port or '8501 to 8520'} is in use. Choose a free one with --port.")


def start_dashboard(workspace: Workspace, port: int | None = None, label_file: Path | None = None) -> DashboardProcess:
    """Start the dashboard in the background and wait until it responds; its output goes to `.dashboard/log`.

    Raises:
        ConfigurationError: the port is taken, or Streamlit is not installed.
        ServiceError: it did not start; the message ends with the last lines of its log.
        StateError: the workspace cannot be written to.
    """
    require_packages("dashboard", "streamlit")
    project = find_workspace_project(workspace)
    for _ in range(1 if port else _ATTEMPTS):
        chosen = find_port(port, project.dashboard_port if project else 0)
        running = _start_server(workspace, chosen, label_file)
        try:
            _send_token(running)
            if _wait_until_healthy(running, chosen):
                return running
        except BaseException:
            running.stop()
            raise
        ended = running.process.poll() is not None
        running.stop()
        if not ended:
            break
    tail = "\n".join((workspace.root / FOLDER / "log").read_text(errors="replace").splitlines()[-5:])
    raise ServiceError(f"The dashboard did not start. Last lines of its log:\n{tail}")


def _start_server(workspace: Workspace, port: int, label_file: Path | None) -> DashboardProcess:
    with open_log(workspace) as stream:
        process = subprocess.Popen(
            build_command(port),
            cwd=Path(__file__).parent,
            env=build_environment(workspace, label_file),
            stdin=subprocess.PIPE,
            stdout=stream,
            stderr=subprocess.STDOUT,
            umask=0o077,
        )
    return DashboardProcess(f"http://127.0.0.1:{port}", secrets.token_urlsafe(32), process)


def _send_token(running: DashboardProcess) -> None:
    """Pass the token through standard input, where no other user sees it; the pipe stays open."""
    if stream := running.process.stdin:
        with suppress(BrokenPipeError):
            stream.write(f"{running.token}\n".encode())
            stream.flush()


def _wait_until_healthy(running: DashboardProcess, port: int) -> bool:
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and running.process.poll() is None:
        if _is_healthy(port, running.token):
            return True
        time.sleep(0.2)
    return False


def _is_healthy(port: int, token: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/_stcore/health", headers={"Cookie": f"{cookie_name(port)}={token}"})
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
