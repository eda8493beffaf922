"""A person walks through the whole platform, is erased, and does not come back by any way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import start_server, stop_server
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.registry import list_unknown
from tests.privacy.canary import FIRST, NAME, grep
from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
Run = Callable[..., subprocess.CompletedProcess[str]]
KEY = "sk-canary-0123456789abcdef"
OTHERS = [
    f"Nora{n} Berg{n} lives in Lyon{n}, phone 0151 234567{n}, and keeps {n * 7} bees there." for n in range(10, 22)
]


class EchoHandler(BaseHTTPRequestHandler):
    """A model server that refuses every request and repeats the key, with control characters."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests += 1  # type: ignore[attr-defined]
        given = self.headers.get("Authorization", "")
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {given} \x1b]0;owned\x07"}}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[HTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
    server.requests = 0  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


@pytest.fixture
def said() -> list[str]:
    """What all commands printed."""
    return []


@pytest.fixture(scope="module")
def own(studio_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A Label Studio whose workspace no other test writes to."""
    workspace = Workspace(tmp_path_factory.mktemp("privacy"))
    try:
        yield RunningStudio(workspace, start_server(workspace, port=find_free_port()))
    finally:
        stop_server(workspace)


@pytest.fixture
def run(own: RunningStudio, tmp_path: Path, said: list[str]) -> Run:
    """Commands in the workspace that the walk's server belongs to, by a user with the usual umask."""

    def call(*arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "goldspan.cli.main", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO")}
        environment |= {
            "GOLDSPAN_API_KEY": KEY,
            "GOLDSPAN_DATA": str(own.workspace.root),
            "XDG_CONFIG_HOME": str(tmp_path / "config"),
        }
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        said.append(ended.stdout + ended.stderr)
        assert ended.returncode in codes, (arguments, ended.stdout[-2000:], ended.stderr[-3000:])
        return ended

    return call


def list_open(root: Path) -> list[str]:
    """What another user of the machine could read or enter if the workspace's folder were open."""
    entries = (path for path in root.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077)
    return [str(path.relative_to(root)) for path in entries]


def find_bytes(root: Path, needle: str) -> set[str]:
    """Files that hold a string, as it is or as JSON in JSON."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in files if needle.encode() in path.read_bytes()}


def test_an_erased_person_stays_erased_and_no_secret_leaks(
    own: RunningStudio, run: Run, echo: HTTPServer, said: list[str], tmp_path: Path
) -> None:
    root, title = own.workspace.root, f"privacy {uuid.uuid4().hex[:8]}"
    source = tmp_path / "letters.txt"
    source.write_text("\n".join([*OTHERS, f"{NAME} lives in Lyon, born 3 May 1980."]) + "\n", encoding="utf-8")
    run("annotate", str(source), "--by-line", "--language", "en", "--predictor", "regex")
    run("studio", "push", "--project", title)
    client = StudioClient(own.url, own.token)
    project = client.find_project(title)
    assert project is not None
    number = str(project["id"])
    for task in list(client.iter_tasks(project["id"], "id")):
        submit_review(client, task["id"], [])
    run("studio", "pull", "--project", number)
    gold = next((root / "training_samples").glob("privacy*.jsonl"))
    run("bundle", str(gold), "--name", "v1")
    run("hub", "upload", str(gold), "--repo-id", "me/letters", "--dry-run")
    run("generate", "start", "--provider", "offline", "--samples", "4", "--languages", "en", "--run", "paid")
    address = f"http://127.0.0.1:{echo.server_port}/v1"
    remote = ("--provider", "compatible", "--api-url", address, "--model", "m", "--languages", "en")
    run("generate", "start", *remote, "--samples", "2", "--run", "refused", codes=(1, 5))
    places = grep(root)
    assert {place.split("/")[0] for place in places} >= {"annotation_samples", "training_samples", "bundles", "studio"}
    promised = {"annotation_samples", "training_samples", "bundles", "releases", "studio"}
    assert {place.split("/")[0] for place in places} <= promised
    assert list(list_unknown(own.workspace)) == []
    assert list_open(root) == []

    erased = run("privacy", "erase", NAME, "--yes", "--json")
    assert orjson.loads(erased.stdout)["remains"] == []
    assert grep(root) == []

    run("annotate", str(source), "--by-line", "--language", "en", "--predictor", "regex", "--force", codes=(3,))
    run(
        "samples",
        "import",
        str(source),
        "--by-line",
        "--language",
        "en",
        "--output",
        str(root / "annotation_samples" / "again.jsonl"),
        codes=(3,),
    )
    copy = tmp_path / "copy.jsonl"
    run("samples", "convert", str(source), "--language", "en", "--output", str(copy))
    run("studio", "push", str(copy), "--project", title, codes=(3,))
    assert not [task for task in client.iter_tasks(project["id"], "id,data") if FIRST in task["data"]["text"]]
    client.import_tasks(project["id"], [orjson.dumps({"data": {"text": f"{NAME} again, pushed by another tool."}})])
    submit_review(client, max(task["id"] for task in client.iter_tasks(project["id"], "id")), [])
    run("studio", "pull", "--project", number, codes=(0, 3))
    run("generate", "resume", "paid", codes=(0, 1))
    assert [place for place in grep(root) if not place.startswith("studio/data")] == []
    run("privacy", "erase", NAME, "--yes")
    assert grep(root) == []
    assert echo.requests > 0  # type: ignore[attr-defined]
    assert find_bytes(root, KEY) | find_bytes(tmp_path, KEY) == set()
    assert find_bytes(root, own.token) == {"studio/credentials.json", "studio/data/label_studio.sqlite3"}
    printed = "".join(said)
    assert [secret for secret in (KEY, own.token, own.info.password, FIRST, "\x1b") if secret in printed] == []


def test_a_person_is_erased_from_a_label_studio_elsewhere(studio: RunningStudio, tmp_path: Path) -> None:
    """A server that the environment names: only the projects that this workspace pushed to are touched."""
    data, title, other = tmp_path / "data", f"elsewhere {uuid.uuid4().hex[:8]}", f"other {uuid.uuid4().hex[:8]}"
    environment = {**os.environ, "LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "GOLDSPAN_DATA": str(data)}

    def call(*arguments: str) -> int:
        command = [sys.executable, "-m", "goldspan.cli.main", *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, timeout=900).returncode

    (tmp_path / "letters.txt").write_text(f"{OTHERS[0]}\n{NAME} lives in Lyon.\n", encoding="utf-8")
    assert call("annotate", "letters.txt", "--by-line", "--language", "en", "--predictor", "regex") == 0
    assert call("studio", "push", "--project", title) == 0
    client = StudioClient(studio.url, studio.token)
    project = client.find_project(title)
    foreign = client.create_project({"title": other, "label_config": "<View><Text name='t' value='$text'/></View>"})
    assert project is not None
    client.import_tasks(foreign["id"], [orjson.dumps({"data": {"text": f"{NAME}, of another team"}})])
    assert call("privacy", "erase", NAME, "--yes") == 0
    assert [task["data"]["text"] for task in client.iter_tasks(project["id"], "id,data")] == [OTHERS[0]]
    assert client.count_tasks(foreign["id"]) == 1
    client.delete_project(foreign["id"])
