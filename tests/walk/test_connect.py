"""A served model in a real Label Studio: connect, review, train, restart both servers, disconnect."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.transport import Transport
from goldspan.annotation.labelstudio.project.config import assign_hotkeys
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import start_server, stop_server
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.training.tiny_model import CITIES, NAMES, TOML, WORDS, make_labels
from tests.waiting import wait_until
from tests.walk.conftest import RunningStudio
from tests.walk.people import PASSWORD, sign_up
from tests.walk.screen import Screen

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest.importorskip("pycrfsuite")

pytestmark = pytest.mark.walk
PATIENCE = 120.0
LABELS = make_labels()
FRAMES = (
    "Today <FIRSTNAME>{0}</FIRSTNAME> moved to <CITY>{1}</CITY> and took <PHONENUMBER>{2}</PHONENUMBER> along.",
    "In <CITY>{1}</CITY> lives <FIRSTNAME>{0}</FIRSTNAME>; the number is <PHONENUMBER>{2}</PHONENUMBER>.",
    "Call <FIRSTNAME>{0}</FIRSTNAME> at <PHONENUMBER>{2}</PHONENUMBER>, now in <CITY>{1}</CITY> until Friday.",
)


def make_case(number: int) -> Sample:
    """A text with a telephone number that the patterns find, and a name and a city that they do not know.

    Every third is of the queue's random reserve, on which promotions are decided.
    """
    words = f"{WORDS[number % 24]} {WORDS[(7 * number + 3) % 24]} {WORDS[(5 * number + 11) % 24]}"
    values = NAMES[number % 12], CITIES[7 * number % 10], f"+44 20 7946 0{number:03}"
    tagged = parse_tagged(f"Note {words}. " + FRAMES[number // 3 % 3].format(*values), LABELS)
    gold = Annotation(Author.person("gold"), tagged.entities)
    provenance = {"queue": "priority" if number % 3 else "random"}
    return Sample(tagged.text, "en", "GB", "note", (gold,), provenance, make_sample_id(tagged.text, "en"))


SAMPLES = [make_case(number) for number in range(36)]
GOLD = {one.text: one.annotations[0].entities for one in SAMPLES}


class Team:
    """A workspace with a Label Studio and a model server, both real processes; commands are run as a person does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.workspace = folder, Workspace(folder / "data")
        (folder / "labels.toml").write_text(TOML)
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

    def read_training(self) -> dict[str, Any]:
        """How far the training is; it may not fail."""
        found: dict[str, Any] = httpx.get(f"http://127.0.0.1:{self.port}/v1/training", trust_env=False).json()
        assert found["status"] != "failed", found
        return found

    def kill_server(self) -> None:
        """As a crash: no time to tidy up."""
        if self._server is not None:
            self._server.kill()
            self._server.wait(60)

    def write_train_command(self, project: int) -> str:
        """A round of the loop on few reviews, as a command for `serve --train-command`."""
        goldspan, data = (
            f"{shlex.quote(sys.executable)} -m goldspan",
            f"--data {shlex.quote(str(self.workspace.root))}",
        )
        script = self.folder / "train.sh"
        script.write_text(
            f"set -e\n{goldspan} studio pull --project {project} {data}\n"
            f"{goldspan} loop retrain --min-test 5 --similarity 1 --option least=0 --force {data}\n"
            f"{goldspan} loop status --source {data}\n"
        )
        return f"sh {shlex.quote(str(script))}"

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "goldspan", *arguments]

    def _place(self) -> dict[str, Any]:
        variables = {k: v for k, v in os.environ.items() if not k.startswith(("GOLDSPAN_", "LABEL_"))}
        for name in ("GOLDSPAN_CACHE",):
            if name in os.environ:
                variables[name] = os.environ[name]
        return {"cwd": self.folder, "env": variables | {"GOLDSPAN_LABELS": str(self.folder / "labels.toml")}}


@pytest.fixture
def team(studio_environment: None, tmp_path: Path) -> Iterator[Team]:
    team = Team(tmp_path)
    try:
        yield team
    finally:
        team.kill_server()
        stop_server(team.workspace)


def correct(client: StudioClient, task: dict[str, Any]) -> None:
    """Submit what a careful person would: the shown suggestions, completed to the gold."""
    shown = task["predictions"][-1]
    kept = {(item["value"]["start"], item["value"]["end"]): item for item in shown["result"]}
    result = []
    for entity in GOLD[task["data"]["text"]]:
        value = {"start": entity.start, "end": entity.end, "labels": [entity.label]}
        own = {"id": f"r{entity.start}", "from_name": "label", "to_name": "text", "type": "labels"}
        result.append({**kept.get((entity.start, entity.end), own), "value": value})
    submit_review(client, task["id"], result, parent_prediction=shown)


def correct_in_browser(screen: Screen, number: int, task: dict[str, Any]) -> None:
    """Mark first name and city, where a person sees that they are not marked, and submit."""
    screen.open_task(number, task["id"])
    screen.press("Escape")
    text, keys = task["data"]["text"], assign_hotkeys(LABELS.labels)
    seen = screen.read_highlights()
    for entity in GOLD[text]:
        value = text[entity.start : entity.end]
        if value not in seen:
            screen.drag(value, value, keys[entity.label])
    screen.submit()


def test_thirty_reviews_train_a_model_that_the_next_tasks_show(team: Team, browser: Browser) -> None:
    info = start_server(team.workspace, find_free_port())
    ann, transport = StudioClient(info.url, info.token), Transport(info.url, info.token, 60)
    second = sign_up(RunningStudio(team.workspace, info))
    bob = StudioClient(info.url, second.token)
    samples = [
        replace(one, annotations=(Annotation(Author.model("old-1"), (Entity(0, 4, "CITY"),)),)) for one in SAMPLES
    ]
    number = push_samples(ann, samples, LABELS, PushOptions("Connected")).project
    assert number is not None
    before = ann.read_project(number)

    def read_tasks() -> list[dict[str, Any]]:
        return list(ann.iter_tasks(number, "id,data,predictions,result,model_version,total_annotations"))

    def list_open() -> list[dict[str, Any]]:
        return [task for task in read_tasks() if not task["total_annotations"]]

    def read_version() -> str:
        [backend] = ann.backends.list_all(number)
        return str(backend["model_version"]) if backend["state"] == "CO" else ""

    data = str(team.workspace.root)
    address = f"http://127.0.0.1:{team.port}"
    connect = ("studio", "connect", address, "--project", "Connected", "--data", data)
    options = ("--data", data, "--train-command", team.write_train_command(number))

    assert "No model answers" in team.run(*connect, expected=1)
    team.serve(*options)
    said = team.run(*connect, "--train-every", "30", "--predict-all")
    assert "shows version regex-1" in said
    assert f"Predicted {len(SAMPLES)} of {len(SAMPLES)} open tasks" in said
    assert ann.backends.list_webhooks(number) == []
    shown = transport.ask_object("GET", f"/api/projects/{number}/next", "next task")
    [prediction] = shown["predictions"]
    assert prediction["model_version"] == "regex-1"
    assert [item["value"]["labels"] for item in prediction["result"]] == [["PHONENUMBER"]]
    assert "text" not in prediction["result"][0]["value"]

    screen = Screen.log_in(browser, info.url, info.email, info.password)
    for task in list_open()[:2]:
        correct_in_browser(screen, number, task)
    for place, task in enumerate(list_open()[:13]):
        correct((ann, bob)[place % 2], task)
    screen.page.context.close()
    team.kill_server()
    stop_server(team.workspace)
    start_server(team.workspace)
    assert read_version() == ""
    team.serve(*options)
    assert read_version() == "regex-1"
    screen = Screen.log_in(browser, info.url, second.email, PASSWORD)
    for task in list_open()[:2]:
        correct_in_browser(screen, number, task)
    for place, task in enumerate(list_open()[:13]):
        correct((ann, bob)[place % 2], task)
    assert len(SAMPLES) - len(list_open()) == 30

    wait_until(lambda: team.read_training()["status"] == "done", PATIENCE)
    version = read_version()
    assert version.startswith("crf-")
    by_version = [{one["model_version"] for one in task["predictions"]} for task in read_tasks()]
    assert all({"old-1", "regex-1"} <= versions for versions in by_version)
    wait_until(lambda: all(version in str(task["predictions"]) for task in list_open()), PATIENCE)
    shown = transport.ask_object("GET", f"/api/projects/{number}/next", "next task")
    assert {one["model_version"] for one in shown["predictions"]} == {version}
    task = list_open()[0]
    screen.open_task(number, task["id"])
    screen.take_picture("trained-model.png")
    assert len(screen.read_highlights()) > 1
    screen.page.context.close()
    reviews = [one for task in ann.iter_tasks(number, "id,annotations,completed_by") for one in task["annotations"]]
    assert len(reviews) == 30
    assert len({str(one["completed_by"]) for one in reviews}) == 2

    team.kill_server()
    team.serve(*options)
    assert read_version() == version
    doctor = team.run("studio", "doctor", "--project", str(number), "--data", data)
    assert f"the live model goldspan is connected, version {version} on" in doctor
    team.kill_server()
    disconnect = ("studio", "disconnect", "--project", "Connected", "--data", data)
    assert "is disconnected" in team.run(*disconnect)
    assert ann.backends.list_all(number) == ann.backends.list_webhooks(number) == []
    after = ann.read_project(number)
    settings = ("model_version", "show_collab_predictions", "evaluate_predictions_automatically", "label_config")
    assert {key: after[key] for key in settings} == {key: before[key] for key in settings}
    assert after["min_annotations_to_start_training"] == before["min_annotations_to_start_training"]
    assert not (team.workspace.studio / "backends.json").exists()
    assert not orjson.loads((team.workspace.studio / "server.json").read_bytes())["local_models"]
