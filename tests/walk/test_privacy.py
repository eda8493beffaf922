"""A person walks through the whole platform, is erased, and does not come back by any way."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.registry import list_unknown
from tests.privacy.canary import FIRST, NAME, grep
from tests.waiting import wait_until
from tests.walk.conftest import RunningStudio, run_studio

pytestmark = pytest.mark.walk
Run = Callable[..., subprocess.CompletedProcess[str]]
KEY, SERVE_TOKEN = "sk-canary-0123456789abcdef", "serve-canary-0123456789abcdef"
TRAINING = """
[model]
name = "tiny"
[training]
num_epochs = 1
token_budget = 12000
threads = 1
bf16 = "false"
device = "cpu"
window_tokens = 64
window_overlap = 16
early_stopping_enabled = false
[evaluation]
baselines = false
"""
OTHERS = [
    f"Nora{n} Berg{n} lives in Lyon{n}, phone 0151 234567{n}, and keeps {n * 7} bees there." for n in range(10, 22)
]


class EchoHandler(BaseHTTPRequestHandler):
    """A model server that refuses every request and repeats the key, with control characters.

    Below `/moved` it redirects to another host name; as a proxy it does not answer soundly either, but keeps a list.
    """

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append(f"{self.command} {self.path}")  # type: ignore[attr-defined]
        if self.path.startswith("/moved"):
            self.send_response(307)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/v1")  # type: ignore[attr-defined]
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        given = self.headers.get("Authorization", "")
        body = json.dumps({"error": {"message": f"Incorrect API key provided: {given} \x1b]0;owned\x07"}}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_CONNECT = answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def serve_echo() -> Iterator[HTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler)
    server.requests = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()


@pytest.fixture
def echo() -> Iterator[HTTPServer]:
    with serve_echo() as server:
        yield server


@pytest.fixture
def proxy() -> Iterator[HTTPServer]:
    """A proxy that the environment names: nothing for this machine may go there."""
    with serve_echo() as server:
        yield server


@pytest.fixture
def said() -> list[str]:
    """What all commands printed."""
    return []


@pytest.fixture(scope="module")
def own(studio_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """A Label Studio whose workspace no other test writes to."""
    workspace = Workspace(tmp_path_factory.mktemp("privacy"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLDSPAN_API_KEY", KEY)
        patch.setenv("GOLDSPAN_SERVE_TOKEN", SERVE_TOKEN)
        with run_studio(workspace) as running:
            yield running


@pytest.fixture
def environment(own: RunningStudio, tmp_path: Path, proxy: HTTPServer) -> dict[str, str]:
    """Of a user with keys, behind a proxy, in the workspace that the walk's server belongs to."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO")}
    address = f"http://127.0.0.1:{proxy.server_port}"
    return kept | {
        "GOLDSPAN_API_KEY": KEY,
        "GOLDSPAN_SERVE_TOKEN": SERVE_TOKEN,
        "GOLDSPAN_DATA": str(own.workspace.root),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        **{name: address for upper in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (upper, upper.lower())},
        "NO_PROXY": "",
        "no_proxy": "",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path, said: list[str]) -> Run:
    """Commands of that user."""

    def call(*arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "goldspan", *arguments]
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        said.append(ended.stdout + ended.stderr)
        assert ended.returncode in codes, (arguments, ended.stdout[-2000:], ended.stderr[-3000:])
        return ended

    return call


def use_server(predictors: list[str], environment: dict[str, str], folder: Path, said: list[str]) -> None:
    """Mask the canary over HTTP, be refused, and have Label Studio's protocol predict; no process below knows more."""
    chosen = [part for name in predictors for part in ("-p", name)]
    command = [sys.executable, "-m", "goldspan", "serve", *chosen, "--port", "0", "--processes", "1"]
    log = folder / "serve.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=stream, stderr=stream)
    try:
        wait_until(lambda: b"Masking page: " in log.read_bytes() or process.poll() is not None, 300)
        url = log.read_text().partition("Masking page: ")[2].split()[0].rstrip("/")
        text = f"{NAME}, phone 0151 2345678, mail zanzibarine@example.com"
        config = build_config(load_labels())
        bodies: dict[str, Any] = {
            "/v1/mask": {"text": text, "language": "en"},
            "/predict": {"tasks": [{"id": 1, "data": {"text": text}}], "label_config": config},
        }
        with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
            for path, body in bodies.items():
                good = client.post(path, json=body, headers={"Authorization": f"Bearer {SERVE_TOKEN}"})
                assert good.status_code == 200, good.text
                wrong = client.post(path, json=body, headers={"Authorization": f"Bearer {KEY}"})
                broken = client.post(
                    path, content=orjson.dumps(body)[:-9], headers={"Authorization": f"Bearer {SERVE_TOKEN}"}
                )
                assert (wrong.status_code, broken.status_code) in {(401, 422), (401, 400)}
                assert [s for s in (FIRST, KEY, SERVE_TOKEN) if s in wrong.text + broken.text] == []
        children = list_children(process.pid)
        assert children
        assert [pid for pid in children if SERVE_TOKEN.encode() in Path(f"/proc/{pid}/environ").read_bytes()] == []
    finally:
        process.terminate()
        process.wait(60)
    said.append(log.read_text())


def list_proxied(server: HTTPServer) -> list[str]:
    """The requests that were sent to be passed on: they name the whole address, or ask for a tunnel."""
    requests: list[str] = server.requests  # type: ignore[attr-defined]
    return [request for request in requests if "://" in request or request.startswith("CONNECT")]


def list_children(pid: int) -> list[int]:
    """The processes below one."""
    found = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return found + [below for child in found for below in list_children(child)]


def list_open(root: Path) -> list[str]:
    """What another user of the machine could read or enter if the workspace's folder were open."""
    entries = (path for path in root.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077)
    return [str(path.relative_to(root)) for path in entries]


def find_bytes(root: Path, needle: str) -> set[str]:
    """Files that hold a string, as it is or as JSON in JSON."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)) for path in files if needle.encode() in path.read_bytes()}


def test_an_erased_person_stays_erased_and_no_secret_leaks(
    own: RunningStudio,
    run: Run,
    environment: dict[str, str],
    echo: HTTPServer,
    proxy: HTTPServer,
    said: list[str],
    tmp_path: Path,
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
    for task in list(client.iter_tasks(project["id"], "id,predictions,result")):
        submit_review(client, task["id"], task["predictions"][0]["result"])
    run("studio", "pull", "--project", number)
    gold = next((root / "training_samples").glob("privacy*.jsonl"))
    run("bundle", str(gold), "--name", "v1")
    predictors = ["regex"]
    if find_spec("torch") and find_spec("metaflow"):
        (tmp_path / "training.toml").write_text(TRAINING)
        run("train", "v1", "--config", str(tmp_path / "training.toml"), "--name", "tiny")
        predictors.append(str(root / "models" / "tiny"))
    use_server(predictors, environment, tmp_path, said)
    run("hub", "upload", str(gold), "--repo-id", "me/letters", "--dry-run")
    run("generate", "start", "--provider", "offline", "--samples", "4", "--languages", "en", "--run", "paid")
    address = f"http://127.0.0.1:{echo.server_port}/v1"
    remote = ("--provider", "compatible", "--api-url", address, "--model", "m", "--languages", "en")
    run("generate", "start", *remote, "--samples", "2", "--run", "refused", codes=(1, 5))
    moved = address.replace("/v1", "/moved/v1")
    remote = ("--provider", "compatible", "--api-url", moved, "--model", "m", "--languages", "en")
    redirected = run("generate", "start", *remote, "--samples", "2", "--run", "moved", codes=(1, 5))
    assert f"redirects to http://localhost:{echo.server_port}/v1" in " ".join(redirected.stderr.split())
    assert list_proxied(proxy) == []
    places = grep(root)
    assert {place.split("/")[0] for place in places} >= {"annotation_samples", "training_samples", "bundles", "studio"}
    promised = {"annotation_samples", "training_samples", "bundles", "releases", "studio", "training", "models"}
    assert {place.split("/")[0] for place in places} <= promised
    assert list(list_unknown(own.workspace)) == []
    assert list_open(root) == []

    models = [f"models/{path.name}" for path in root.glob("models/*")]
    erased = run("privacy", "erase", NAME, "--yes", "--json", codes=(3,) if models else (0,))
    assert [hit["place"] for hit in orjson.loads(erased.stdout)["remains"]] == models
    for name in models:
        shutil.rmtree(root / name)
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
    assert echo.requests  # type: ignore[attr-defined]
    assert list_proxied(proxy) == []
    for secret in (KEY, SERVE_TOKEN):
        assert find_bytes(root, secret) | find_bytes(tmp_path, secret) == set()
        known = [own.info.pid, *list_children(own.info.pid)]
        assert [pid for pid in known if secret.encode() in Path(f"/proc/{pid}/environ").read_bytes()] == []
    assert find_bytes(root, own.token) == {"studio/credentials.json", "studio/data/label_studio.sqlite3"}
    printed = "".join(said)
    assert [
        secret for secret in (KEY, SERVE_TOKEN, own.token, own.info.password, FIRST, "\x1b") if secret in printed
    ] == []


def test_a_person_is_erased_from_a_label_studio_elsewhere(studio: RunningStudio, tmp_path: Path) -> None:
    """A server that the environment names: only the projects that this workspace pushed to are touched."""
    data, title, other = tmp_path / "data", f"elsewhere {uuid.uuid4().hex[:8]}", f"other {uuid.uuid4().hex[:8]}"
    environment = {**os.environ, "LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token}
    environment |= {"XDG_CONFIG_HOME": str(tmp_path / "config"), "GOLDSPAN_DATA": str(data)}

    def call(*arguments: str) -> int:
        command = [sys.executable, "-m", "goldspan", *arguments]
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
