"""The model backend with a real Label Studio: predictions, a refused config, training, a new version."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from goldspan.annotation.errors import TerminalServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.transport import Transport
from goldspan.annotation.labelstudio.push.public import push_async
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from goldspan.serving.sink import make_sample_sink
from tests.waiting import wait_until
from tests.walk.masking_server import RunningServer

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
TEXTS = ["Ann Smith lives in Berlin.", "Nobody is named here.", "👩‍💻 Bob wrote to bob@mail.com."]


@pytest.fixture
def project(studio: RunningStudio, labels: LabelSchema) -> int:
    client = StudioClient(studio.url, studio.token)
    samples = [Sample(text, "en") for text in TEXTS]
    report = push_samples(client, samples, labels, PushOptions(f"backend {uuid.uuid4().hex[:8]}"))
    assert report.project
    return int(report.project)


def test_label_studio_shows_what_the_server_predicts(
    studio: RunningStudio, server: RunningServer, project: int
) -> None:
    transport, client = Transport(studio.url, studio.token, 60), StudioClient(studio.url, studio.token)
    fields = {"url": server.url, "project": project, "title": "goldspan", "is_interactive": True}
    backend: Any = transport.ask_object("POST", "/api/ml", "add the backend", body=fields)
    assert (backend["state"], backend["model_version"]) == ("CO", "lexicon-1")

    def retrieve() -> dict[str, list[dict[str, Any]]]:
        chosen = {"selectedItems": {"all": True, "excluded": []}}
        path = f"/api/dm/actions?id=retrieve_tasks_predictions&project={project}"
        transport.ask("POST", path, "retrieve predictions", body=chosen)
        tasks = client.iter_tasks(project, "id,data,predictions,result,model_version,score")
        return {task["data"]["text"]: task["predictions"] for task in tasks}

    found = retrieve()
    assert {text: len(predictions) for text, predictions in found.items()} == dict.fromkeys(TEXTS, 1)
    for text, [prediction] in found.items():
        assert prediction["model_version"] == "lexicon-1"
        values = [text[r["value"]["start"] : r["value"]["end"]] for r in prediction["result"]]
        assert values == [v for v in ("Ann", "Smith", "Berlin", "Bob", "bob@mail.com") if v in text]
        assert all(region["id"] and region["score"] for region in prediction["result"])

    transport.ask("POST", f"/api/ml/{backend['id']}/train", "train", body={})

    def show_backend() -> Any:
        return transport.ask("GET", f"/api/ml?project={project}", "list backends")[0]

    wait_until(lambda: show_backend()["model_version"] == "lexicon-2")
    assert server.trained == 1
    assert show_backend()["state"] == "CO"
    assert all("lexicon-1" in {one["model_version"] for one in predictions} for predictions in retrieve().values())


def test_label_studio_shows_why_a_config_is_refused(studio: RunningStudio, server: RunningServer, project: int) -> None:
    transport = Transport(studio.url, studio.token, 60)
    labels = '<Labels name="label" toName="text"><Label value="CITY"/></Labels>'
    config = f'<View>{labels}<Text name="text" value="$text"/></View>'
    fields = {"url": server.url, "project": project, "title": "goldspan"}
    transport.ask("POST", "/api/ml", "add the backend", body=fields)
    transport.ask("PATCH", f"/api/projects/{project}", "change the config", body={"label_config": config})
    [backend] = transport.ask("GET", f"/api/ml?project={project}", "list backends")
    assert backend["state"] == "ER"
    assert "400" in backend["error_message"]
    with pytest.raises(TerminalServiceError, match="400"):
        transport.ask("POST", "/api/ml", "add it again", body=fields)


def test_a_corrected_masking_becomes_a_task(studio: RunningStudio, labels: LabelSchema, tmp_path: Path) -> None:
    title = f"page {uuid.uuid4().hex[:8]}"
    push = partial(push_async, project=title, labels=labels, url=studio.url, token=studio.token)
    running = RunningServer(make_sample_sink(Workspace(tmp_path), labels, push))
    try:
        body = {"text": "Ann left", "language": "en", "entities": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}
        answer = httpx.post(f"{running.url}/v1/tasks", json=body, timeout=120)
        assert answer.json() == {"message": f"A task in the project {title} of Label Studio."}
    finally:
        running.stop()
    client = StudioClient(studio.url, studio.token)
    project = client.find_project(title)
    assert project is not None
    [task] = client.iter_tasks(project["id"], "id,data,predictions")
    assert task["data"]["text"] == "Ann left"
    [prediction] = task["predictions"]
    assert prediction["model_version"] == "masking-page"
    assert prediction["result"][0]["value"]["labels"] == ["FIRSTNAME"]
