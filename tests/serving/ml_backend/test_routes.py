from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.tasks.regions import read_result
from tests.masking.lexicon import VALUES

CONFIG = build_config(load_labels())
SMALL = """<View><Labels name="pii" toName="body">%s</Labels><Text name="body" value="$content"/></View>"""


def make_small(*labels: str) -> str:
    return SMALL % "".join(f'<Label value="{label}"/>' for label in labels)


def make_task(text: str, number: int = 1, key: str = "text") -> dict[str, Any]:
    return {"id": number, "data": {key: text, "language": "en"}, "annotations": [], "predictions": []}


def test_setup_gives_the_version_or_the_reason(client: TestClient) -> None:
    body = {
        "project": "1.1795653978",
        "schema": CONFIG,
        "hostname": "http://x",
        "access_token": "t0ken",
        "extra_params": None,
    }
    assert client.post("/setup", json=body).json() == {"model_version": "lexicon-1"}
    answer = client.post("/setup", json=body | {"schema": make_small("FIRSTNAME")})
    assert answer.status_code == 400
    assert "CITY" in answer.json()["error"]["message"]
    for schema in ("<View>", "<View/>", '<!DOCTYPE x [<!ENTITY a "b">]><View/>', 7):
        answer = client.post("/setup", json=body | {"schema": schema})
        assert answer.status_code == 400
        assert "t0ken" not in answer.text


def test_predict_gives_one_result_for_each_task_in_order(client: TestClient, labels: LabelSchema) -> None:
    texts = ["Ann in Berlin", "", "👩‍💻 Bob", "nobody"]
    tasks = [make_task(text, number) for number, text in enumerate(texts)]
    tasks.append({"id": 9, "data": {}})
    body = {"tasks": tasks, "project": "1.1", "label_config": CONFIG, "params": {"context": None}}
    answer = client.post("/predict", json=body).json()
    assert len(answer["results"]) == 5
    assert {one["model_version"] for one in answer["results"]} == {"lexicon-1"}
    for text, one in zip(texts, answer["results"], strict=False):
        found = read_result(text, one["result"], labels)
        assert not found.issues
        assert [text[e.start : e.end] for e in found.entities] == [v for v in ("Ann", "Berlin", "Bob") if v in text]
    assert answer["results"][0]["score"] == 0.9
    assert client.post("/predict", json=body).json() == answer
    ids = [region["id"] for one in answer["results"] for region in one["result"]]
    assert len(set(ids)) == len(ids) == 3


def test_regions_follow_the_names_of_the_config(client: TestClient) -> None:
    config = make_small(*sorted(set(VALUES.values())))
    body = {"tasks": [make_task("Ann", key="content")], "label_config": config}
    [region] = client.post("/predict", json=body).json()["results"][0]["result"]
    assert (region["from_name"], region["to_name"], region["value"]["labels"]) == ("pii", "body", ["FIRSTNAME"])


def test_labels_that_the_config_lacks_are_not_written(client: TestClient) -> None:
    body = {"tasks": [make_task("Ann in Berlin", key="content")], "label_config": make_small("CITY")}
    assert [r["value"]["labels"] for r in client.post("/predict", json=body).json()["results"][0]["result"]] == [
        ["CITY"]
    ]


def test_a_drawn_region_marks_the_other_occurrences(client: TestClient) -> None:
    text = "Xu met Xu; Xuan and Xu."
    drawn = {"id": "r1", "type": "labels", "value": {"start": 7, "end": 9, "text": "Xu", "labels": ["SURNAME"]}}
    body = {"tasks": [make_task(text)], "label_config": CONFIG, "params": {"context": {"result": [drawn, {"x": 1}]}}}
    [answer] = client.post("/predict", json=body).json()["results"]
    assert [(r["value"]["start"], r["value"]["labels"]) for r in answer["result"]] == [
        (0, ["SURNAME"]),
        (20, ["SURNAME"]),
    ]


def test_a_model_that_fails_fails_the_batch(client: TestClient) -> None:
    body = {"tasks": [make_task("Ann"), make_task("CRASH")], "label_config": CONFIG}
    assert client.post("/predict", json=body).status_code == 502
    assert client.post("/predict", json={"tasks": 1, "label_config": CONFIG}).status_code == 422


def test_the_versions_are_those_that_serve(client: TestClient) -> None:
    assert client.get("/versions").json() == {"versions": ["lexicon-1"]}


@pytest.mark.parametrize("action", ["START_TRAINING"])
def test_a_server_without_training_says_so(client: TestClient, action: str) -> None:
    assert client.post("/webhook", json={"action": action}).status_code == 422
