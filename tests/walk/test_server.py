"""What the real Label Studio does with the settings that we give it."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import orjson
import pytest

from goldspan.annotation.errors import TerminalServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.server.start import server_status, start_server, stop_server
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.types import Annotation, Author, Entity, Sample

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

LABELS = load_labels()
SAMPLE = Sample("Ann is here.", "en", annotations=(Annotation(Author.model("walk-1"), (Entity(0, 3, "FIRSTNAME"),)),))


def push_one(client: StudioClient, label: str = "FIRSTNAME") -> int:
    project = client.create_project({"title": "Server walk", "label_config": build_config(LABELS)})["id"]
    task = encode_task(SAMPLE, LABELS)
    task["predictions"][0]["result"][0]["value"]["labels"] = [label]
    client.import_tasks(project, [orjson.dumps(task)])
    return client.count_tasks(project)


def test_legacy_token_works(studio: RunningStudio) -> None:
    client = StudioClient(studio.url, studio.token)
    assert client.read_user()["email"] == studio.info.email
    assert client.read_version()["release"].startswith("1.23")
    assert push_one(client) == 1


def test_predictions_are_validated_strictly(studio: RunningStudio) -> None:
    with pytest.raises(TerminalServiceError):
        push_one(StudioClient(studio.url, studio.token), label="NO_SUCH_LABEL")


def test_strangers_cannot_sign_up(studio: RunningStudio) -> None:
    with httpx.Client(base_url=studio.url, follow_redirects=True) as session:
        session.get("/user/login/")
        form = {"email": "stranger@goldspan.test", "password": "stranger-pass-1"}
        answer = session.post("/user/signup/", data=form | {"csrfmiddlewaretoken": session.cookies["csrftoken"]})
    assert answer.status_code == httpx.codes.FORBIDDEN


def test_login_page_names_no_other_host(studio: RunningStudio) -> None:
    page = httpx.get(f"{studio.url}/user/login/").text
    loaded = re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=[\"'](https?://[^\"']+)", page)
    assert [address for address in loaded if not address.startswith(studio.url)] == []


def test_only_this_machine_can_connect(studio: RunningStudio) -> None:
    with Path("/proc/net/tcp").open() as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert f"0100007F:{studio.info.port:04X}" in listening
    assert f"00000000:{studio.info.port:04X}" not in listening


@pytest.mark.postgres
def test_postgres_keeps_the_data(postgres_studio: RunningStudio) -> None:
    workspace, first = postgres_studio.workspace, postgres_studio.info
    assert push_one(StudioClient(first.url, first.token)) == 1
    assert server_status(workspace).database.startswith("postgresql://127.0.0.1:")
    stop_server(workspace)
    with socket.socket() as attempt:
        assert attempt.connect_ex(("127.0.0.1", first.port)) != 0
    again = postgres_studio.info = start_server(workspace, local_calls=True)
    assert again.port == first.port
    assert StudioClient(again.url, again.token).find_project("Server walk") is not None
    assert not (workspace.studio / "data" / "label_studio.sqlite3").exists()
