"""A served model in a real Label Studio: connect, review, train, restart both servers, disconnect."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.transport import Transport
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import start_server, stop_server
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.waiting import wait_until

pytestmark = pytest.mark.walk
PATIENCE = 120.0
TEXTS = [f"Case {number}: write to ann{number}@example.org." for number in range(6)]


class Team:
    """A workspace with a Label Studio and a model server, both real processes; commands are run as a person does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, Workspace(folder / "data")
        self.port = find_free_port()
        self._server: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str, expected: int = 0) -> str:
        done = subprocess.run(
            self._command(*arguments), capture_output=True, text=True, timeout=300, check=False, **self._place()
        )
        assert done.returncode == expected, done.stdout + done.stderr
        return " ".join((done.stdout + done.stderr).split())

    def serve(self, *options: str) -> None:
        """Start the model server and wait until it answers."""
        words = self._command("serve", "--predictor", "regex", "--port", str(self.port), *options)
        with (self.folder / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(words, stdout=log, stderr=log, **self._place())
        server = self._server

        def answers() -> bool:
            assert server.poll() is None, (self.folder / "serve.log").read_text()
            try:
                return httpx.get(f"http://127.0.0.1:{self.port}/ready", trust_env=False).status_code == 200
            except httpx.TransportError:
                return False

        wait_until(answers, PATIENCE)

    def kill_server(self) -> None:
        """As a crash: no time to tidy up."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(60)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "goldspan.cli.main", *arguments]

    def _place(self) -> dict[str, Any]:
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("GOLDSPAN_", "LABEL_"))}
        for name in ("GOLDSPAN_CACHE",):
            if name in os.environ:
                variables[name] = os.environ[name]
        return {"cwd": self.folder, "env": variables}


@pytest.fixture
def team(studio_environment: None, tmp_path: Path) -> Iterator[Team]:
    team = Team(tmp_path)
    try:
        yield team
    finally:
        team.kill_server()
        stop_server(team.workspace)


def test_a_model_is_connected_trained_restarted_and_disconnected_without_a_trace(team: Team) -> None:
    info = start_server(team.workspace, find_free_port())
    client, transport = StudioClient(info.url, info.token), Transport(info.url, info.token, 60)
    samples = [
        Sample(text, "en", annotations=(Annotation(Author.model("old-1"), (Entity(0, 4, "CITY"),)),)) for text in TEXTS
    ]
    number = push_samples(client, samples, load_labels(), PushOptions("Connected")).project
    assert number is not None
    before = client.read_project(number)

    def read_tasks() -> list[dict[str, Any]]:
        return list(client.iter_tasks(number, "id,data,predictions,result,model_version,total_annotations"))

    def read_version() -> str:
        [backend] = client.backends.list_all(number)
        return str(backend["model_version"]) if backend["state"] == "CO" else ""

    trained = team.folder / "trained.toml"
    trained.write_text('predictor = "regex+schema"\n')
    command = shlex.join([sys.executable, "-c", f"print('train: half way'); print({str(trained)!r})"])
    options = ("--data", str(team.workspace.root), "--train-command", command)
    address = f"http://127.0.0.1:{team.port}"
    connect = ("studio", "connect", address, "--project", "Connected", "--data", str(team.workspace.root))

    assert "No model answers" in team.run(*connect, expected=1)
    team.serve(*options)
    said = team.run(*connect, "--train-every", "2", "--predict-all")
    assert "shows version regex-1" in said
    assert "Predicted 6 of 6 open tasks" in said
    assert client.backends.list_webhooks(number) == []
    shown = transport.ask_object("GET", f"/api/projects/{number}/next", "next task")
    [prediction] = shown["predictions"]
    assert (prediction["model_version"], len(prediction["result"])) == ("regex-1", 1)
    assert "text" not in prediction["result"][0]["value"]

    for task in read_tasks()[:2]:
        parent = next(one for one in task["predictions"] if one["model_version"] == "regex-1")
        submit_review(client, task["id"], parent["result"], parent_prediction=parent)
    wait_until(lambda: read_version() not in ("", "regex-1"), PATIENCE)
    version = read_version()
    by_version = [{one["model_version"] for one in task["predictions"]} for task in read_tasks()]
    assert all({"old-1", "regex-1"} <= versions for versions in by_version)
    wait_until(lambda: sum(version in str(task["predictions"]) for task in read_tasks()) >= 4, PATIENCE)

    team.kill_server()
    stop_server(team.workspace)
    start_server(team.workspace)
    assert read_version() == ""
    team.serve(*options)
    assert read_version() == version
    shown = transport.ask_object("GET", f"/api/projects/{number}/next", "next task")
    assert {one["model_version"] for one in shown["predictions"]} == {version}
    doctor = team.run("studio", "doctor", "--project", str(number), "--data", str(team.workspace.root))
    assert f"the live model goldspan is connected, version {version} on 4 tasks" in doctor

    team.kill_server()
    disconnect = ("studio", "disconnect", "--project", "Connected", "--data", str(team.workspace.root))
    assert "is disconnected" in team.run(*disconnect)
    assert client.backends.list_all(number) == client.backends.list_webhooks(number) == []
    after = client.read_project(number)
    settings = ("model_version", "show_collab_predictions", "evaluate_predictions_automatically", "label_config")
    assert {key: after[key] for key in settings} == {key: before[key] for key in settings}
    assert after["min_annotations_to_start_training"] == before["min_annotations_to_start_training"]
    assert not (team.workspace.studio / "backends.json").exists()
    assert not orjson.loads((team.workspace.studio / "server.json").read_bytes())["local_models"]
