"""A fake Label Studio package: the real program's start, stop and port habits in a few lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldspan.annotation.labelstudio.server import environment
from goldspan.annotation.labelstudio.server import start as server
from goldspan.annotation.labelstudio.server.environment import Environment
from goldspan.annotation.tasks.workspace import Workspace

FAKE_PROGRAM = """
import json, os, socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


def main():
    options = dict(zip(sys.argv[2::2], sys.argv[3::2])) if sys.argv[1] == "version" else dict(
        zip(sys.argv[3::2], sys.argv[4::2]))
    data = Path(options["--data-dir"])
    if sys.argv[1] == "version":
        (data / "label_studio.sqlite3").write_bytes(b"migrated")
        return 0
    (data / "variables.json").write_text(json.dumps(dict(os.environ)))
    if (data / "die").exists():
        print("django.db.utils.OperationalError: no room")
        return 7
    port = int(options["--port"])
    with socket.socket() as attempt:
        if attempt.connect_ex(("127.0.0.1", port)) == 0:
            port += 1
    token = os.environ["LABEL_STUDIO_USER_TOKEN"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path == "/health" or self.headers.get("Authorization") == f"Token {token}"
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(b'{"status": "UP"}')

        def log_message(self, *arguments):
            pass

    HTTPServer((options["--internal-host"], port), Handler).serve_forever()
"""


@pytest.fixture
def requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages to install, none at first; what is built with them stays in the folder of the test."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("")
    monkeypatch.setenv("GOLDSPAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(environment, "REQUIREMENTS", requirements)
    monkeypatch.setattr(environment, "HASHED", requirements)
    return requirements


@pytest.fixture
def fake_label_studio(requirements: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """An environment whose `label_studio` is the fake, at a port of its own; no package is installed."""
    monkeypatch.setattr(server, "START_LIMIT", 120.0)
    monkeypatch.setattr(server, "PREFERRED_PORTS", ())
    prepared = environment.prepare_environment()
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([prepared.python, "-c", ask], check=True, capture_output=True, text=True)
    package = Path(asked.stdout.strip()) / "label_studio"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "server.py").write_text(FAKE_PROGRAM)
    return prepared


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """An empty workspace; a server that a test leaves running in it is stopped."""
    workspace = Workspace(tmp_path / "data")
    yield workspace
    server.stop_server(workspace)


@pytest.fixture
def foreign_process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    yield process
    process.kill()
    process.wait()
