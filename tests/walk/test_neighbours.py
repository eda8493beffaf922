"""Another user of the same machine, and a web page under a name that was rebound to it: every file and every port."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.watch import listen_for_calls
from tests.waiting import wait_until
from tests.walk.conftest import RunningStudio

pytestmark = [
    pytest.mark.walk,
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can act as another user"),
]
SERVE_TOKEN = "serve-canary-0123456789abcdef"
NAME = "Zanzibarine"
NOBODY = 65534
TRY = f"""
import encodings.idna, http.client, json, os, sys
job = json.load(sys.stdin)
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
def read(path):
    try:
        os.listdir(path) if os.path.isdir(path) else os.close(os.open(path, os.O_RDONLY))
    except OSError as error:
        return error.strerror
    return ""
def write(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError as error:
        return error.strerror
    return ""
def ask(port, method, path, headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, b"{{}}" if method == "POST" else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read(200_000).decode("utf-8", "replace")
json.dump({{
    "opened": [path for path in job["paths"] if not read(path) or not write(path)],
    "answers": [ask(*request) for request in job["requests"]],
}}, sys.stdout)
"""


def act_as_nobody(paths: list[Path], requests: list[tuple[int, str, str, dict[str, str]]] = []) -> dict[str, Any]:  # noqa: B006
    """What another user can open, and the answers to his requests: status and body."""
    job = json.dumps({"paths": [str(path) for path in paths], "requests": requests})
    done = subprocess.run([sys.executable, "-c", TRY], input=job, capture_output=True, text=True, timeout=300, cwd="/")
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that everybody may enter; what is private in it is so by itself."""
    folder = Path(tempfile.mkdtemp(prefix="walk-neighbours-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def environment(base: Path) -> dict[str, str]:
    """Of a user whose home, configuration, temporary files and workspace lie there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO")}
    names = {"HOME": "home", "XDG_CONFIG_HOME": "config", "TMPDIR": "tmp", "GOLDSPAN_DATA": "data"}
    for name in ("home", "config", "tmp"):
        (base / name).mkdir()
    return kept | {name: str(base / folder) for name, folder in names.items()} | {"GOLDSPAN_SERVE_TOKEN": SERVE_TOKEN}


@contextmanager
def start(arguments: list[str], mark: str, environment: dict[str, str], log: Path) -> Iterator[tuple[int, str]]:
    """A command that stays up, without any umask: its process and the address after `mark`."""
    command = [sys.executable, "-m", "goldspan", *arguments]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, cwd=log.parent, stdout=stream, stderr=stream, umask=0)
    try:
        wait_until(lambda: mark in log.read_text() or process.poll() is not None, 300)
        assert mark in log.read_text(), log.read_text()
        yield process.pid, log.read_text().partition(mark)[2].split()[0]
    finally:
        process.terminate()
        process.wait(60)


def list_processes(pid: int) -> list[int]:
    below = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return [pid, *(found for child in below for found in list_processes(child))]


def test_another_user_opens_no_file_and_no_port(studio: RunningStudio, base: Path, environment: dict[str, str]) -> None:
    (base / "letters.txt").write_text(f"{NAME} Berg lives in Lyon, phone 0151 2345678.\n")
    (base / "letters.txt").chmod(0o600)
    for arguments in (
        ["annotate", "letters.txt", "--by-line", "--language", "en", "--predictor", "regex"],
        ["generate", "start", "--provider", "offline", "--samples", "2", "--languages", "en"],
    ):
        command = [sys.executable, "-m", "goldspan", *arguments]
        subprocess.run(command, env=environment, cwd=base, check=True, capture_output=True, timeout=300, umask=0)
    logs = base / "home" / "logs"
    logs.mkdir(mode=0o700)
    client = StudioClient(studio.url, studio.token)
    project = client.create_project({"title": base.name, "label_config": "<View><Text name='t' value='$text'/></View>"})
    with ExitStack() as stack:
        commands = {
            "dashboard": (["dashboard"], "Dashboard: "),
            "serve": (["serve", "-p", "regex", "--port", "0", "--processes", "1"], "Masking page: "),
            "simulate": (["simulate", "--port", "0", "--state", str(base / "data" / "simulator.db")], " at "),
        }
        started = {
            name: stack.enter_context(start(arguments, mark, environment, logs / name))
            for name, (arguments, mark) in commands.items()
        }
        ports = {name: urlsplit(address).port or 0 for name, (_, address) in started.items()}
        ports["studio"] = urlsplit(studio.url).port or 0
        hook = urlsplit(stack.enter_context(listen_for_calls(client, project["id"], threading.Event())))
        ports["watch"] = hook.port or 0

        wrong = {"Authorization": "Bearer sk-guess-0123456789", "Cookie": "goldspan=guess; sessionid=guess"}
        tries = {
            "dashboard": [("GET", "/"), ("GET", "/explore"), ("GET", "/?token=guess"), ("GET", "/_stcore/host-config")],
            "serve": [("POST", "/v1/mask"), ("GET", "/v1/labels"), ("POST", "/predict"), ("GET", "/metrics")],
            "simulate": [("GET", "/v1/files"), ("POST", "/v1/chat/completions")],
            "studio": [("GET", "/api/projects/"), ("GET", "/api/tasks/"), ("GET", "/data/upload/1/a.txt")],
            "watch": [("POST", "/"), ("POST", "/guess")],
        }
        asked = [
            (name, (ports[name], method, path, headers))
            for name, requests in tries.items()
            for method, path in requests
            for headers in (
                *(({},) if name == "simulate" else ({}, wrong)),
                {"Host": f"rebound.test:{ports[name]}", "Origin": f"http://rebound.test:{ports[name]}"},
            )
        ]
        private = [base / "data", base / "config" / "goldspan", logs, *(base / "tmp").iterdir()]
        private += [file for folder in (base / "data", base / "tmp") for file in folder.rglob("*")]
        processes = [pid for leader, _ in started.values() for pid in list_processes(leader)]
        private += [Path(f"/proc/{pid}/environ") for pid in processes]
        found = act_as_nobody(private, [request for _, request in asked])
        commandlines = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in processes)
        tokens = [SERVE_TOKEN, started["dashboard"][1].partition("token=")[2], studio.token, hook.path.strip("/")]
        assert [token for token in tokens if not token or token in commandlines] == []
    assert found["opened"] == []
    let_in = [
        (name, request[1:], status)
        for (name, request), (status, body) in zip(asked, found["answers"], strict=True)
        if status not in {400, 401, 403, 404, 405, 421} or NAME in body
    ]
    assert let_in == []

    copy = base / "copy"
    shutil.copytree(base / "data", copy)
    for folder in (copy, *(path for path in copy.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    files = [path for path in copy.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert act_as_nobody(files)["opened"] == []
    client.delete_project(project["id"])
