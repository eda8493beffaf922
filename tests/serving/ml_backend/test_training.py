from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from starlette.testclient import TestClient

from goldspan.annotation.errors import ServiceError
from goldspan.serving.state import Tell
from tests.serving.conftest import Serve, Sources
from tests.waiting import wait_until


class ScriptedTrainer:
    """Trains when `go` is set; raises what it was given."""

    def __init__(self, result: str | Exception, finish: Exception | None = None) -> None:
        self.result, self.failure, self.go, self.calls = result, finish, threading.Event(), 0
        self.finished: list[str] = []

    async def train(self, tell: Tell) -> str:
        self.calls += 1
        tell("pull: 30 new")
        await asyncio.to_thread(self.go.wait, 30)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def finish(self, source: str, tell: Tell) -> None:
        self.finished.append(source)
        if self.failure:
            raise self.failure


def start(client: TestClient) -> dict[str, Any]:
    return client.post("/webhook", json={"action": "START_TRAINING", "project": {"token": "x"}}).json()


def wait_for(client: TestClient, status: str) -> dict[str, Any]:
    wait_until(lambda: client.get("/v1/training").json()["status"] == status)
    found: dict[str, Any] = client.get("/v1/training").json()
    return found


def test_training_is_answered_at_once_and_swaps_the_model_when_it_is_done(serve: Serve) -> None:
    trainer = ScriptedTrainer("model-8")
    client = serve(trainer=trainer)
    first = start(client)
    assert (first["status"], first["ended_at"]) == ("running", "")
    assert start(client)["job"] == first["job"]
    assert client.get("/versions").json() == {"versions": ["lexicon-1"]}
    trainer.go.set()
    done = wait_for(client, "done")
    assert (done["job"], bool(done["ended_at"])) == (first["job"], True)
    assert client.get("/versions").json() == {"versions": ["lexicon-8"]}
    assert (trainer.calls, trainer.finished) == (1, ["model-8"])
    assert start(client)["job"] != first["job"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ServiceError("the gate is closed"), "the gate is closed"),
        (ZeroDivisionError("secret"), "ZeroDivisionError"),
        ("missing", "There is no model at missing"),
        ("outside", "outside"),
    ],
)
def test_a_training_that_fails_says_why_and_the_model_goes_on(
    serve: Serve, sources: Sources, failure: str | Exception, said: str
) -> None:
    trainer = ScriptedTrainer(failure)
    client = serve(trainer=trainer)
    start(client)
    trainer.go.set()
    assert said in wait_for(client, "failed")["progress"]
    assert client.get("/versions").json() == {"versions": ["lexicon-1"]}
    assert trainer.finished == []


def test_what_fails_after_the_swap_takes_nothing_back(serve: Serve) -> None:
    trainer = ScriptedTrainer("model-8", ServiceError("Label Studio is down"))
    client = serve(trainer=trainer)
    start(client)
    trainer.go.set()
    assert "Label Studio is down" in wait_for(client, "done")["progress"]
    assert client.get("/versions").json() == {"versions": ["lexicon-8"]}


def test_other_events_start_nothing(serve: Serve) -> None:
    trainer = ScriptedTrainer("model-8")
    assert serve(trainer=trainer).post("/webhook", json={"action": "ANNOTATION_CREATED"}).json()["status"] == "none"
    assert trainer.calls == 0
