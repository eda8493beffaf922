from __future__ import annotations

import time
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


TWO_TEXTS = """<View>
  <Text name="question" value="$ticket.question"/><Labels name="asked" toName="question">%s</Labels>
  <Text name="answer" value="$answer"/><Labels name="said" toName="answer">%s</Labels>
</View>"""


def test_every_text_of_a_task_is_read(client: TestClient) -> None:
    every = "".join(f'<Label value="{label.code}"/>' for label in load_labels().entities)
    config = TWO_TEXTS % ('<Label value="FIRSTNAME"/>', every)
    assert client.post("/setup", json={"schema": config}).status_code == 200
    task: dict[str, Any] = {"id": 1, "data": {"ticket": {"question": "Ann in Berlin"}, "answer": "Ann in Berlin"}}
    (result,) = client.post("/predict", json={"tasks": [task], "label_config": config}).json()["results"]
    found = [(one["from_name"], one["to_name"], one["value"]["labels"][0]) for one in result["result"]]
    asked, said = ("asked", "question"), ("said", "answer")
    assert found == [(*asked, "FIRSTNAME"), (*said, "FIRSTNAME"), (*said, "CITY")]
    assert len({one["id"] for one in result["result"]}) == 3
    drawn = result["result"][1] | {"origin": "manual"}
    task["data"]["answer"] = "Ann, Ann"
    body = {"tasks": [task], "label_config": config, "params": {"context": {"result": [drawn]}}}
    (marked,) = client.post("/predict", json=body).json()["results"]
    assert [(one["to_name"], one["value"]["start"]) for one in marked["result"]] == [("answer", 5)]


ODD_TASKS: list[Any] = [
    None,
    7,
    "text",
    [],
    {},
    {"data": None},
    {"data": {"text": None}},
    {"data": {"text": 7}},
    {"data": {"text": ["Ann"]}},
    {"data": {"text": "   "}},
    {"data": {"body": "Ann"}},
    {"data": {"text": "<p>Ann &amp; Bob</p>"}, "annotations": None, "drafts": 3, "predictions": [{"result": 5}, 1]},
    {"data": {"text": "Ann\u0000 👩"}},
]


@pytest.mark.parametrize("context", [None, {}, {"result": None}, {"result": [1, {}, {"value": {"start": 0}}]}])
def test_odd_tasks_get_an_answer_each(client: TestClient, context: Any) -> None:
    body = {"tasks": ODD_TASKS, "label_config": CONFIG, "params": {"context": context}, "project": None}
    answer = client.post("/predict", json=body)
    assert answer.status_code == 200
    assert len(answer.json()["results"]) == len(ODD_TASKS)
    assert all(isinstance(one["result"], list) for one in answer.json()["results"])


@pytest.mark.parametrize("count", [0, 500])
def test_none_and_many_tasks(client: TestClient, count: int) -> None:
    tasks = [make_task(f"Ann {number}", number) for number in range(count)]
    results = client.post("/predict", json={"tasks": tasks, "label_config": CONFIG}).json()["results"]
    assert [len(one["result"]) for one in results] == [1] * count


@pytest.mark.parametrize(
    "config",
    [
        '<View><HyperText name="h" value="$text"/><Labels name="l" toName="h"><Label value="CITY"/></Labels></View>',
        '<View><Text name="t" value="$u" valueType="url"/><Labels toName="t"><Label value="A"/></Labels></View>',
        '<View><Text name="t" value="$u"/><Labels name="l" toName="other"><Label value="CITY"/></Labels></View>',
        '<View><Text name="t" value="$u"/><Labels name="l" toName="t"/></View>',
    ],
)
def test_a_config_whose_texts_cannot_be_read_is_refused_with_the_reason(client: TestClient, config: str) -> None:
    for path, key, status in (("/setup", "schema", 400), ("/predict", "label_config", 422)):
        answer = client.post(path, json={"tasks": [{}], key: config})
        assert answer.status_code == status
        assert "no <Text> with <Labels>" in answer.json()["error"]["message"]


def test_labels_that_the_config_lacks_are_not_written(client: TestClient) -> None:
    body = {"tasks": [make_task("Ann in Berlin", key="content")], "label_config": make_small("CITY")}
    assert [r["value"]["labels"] for r in client.post("/predict", json=body).json()["results"][0]["result"]] == [
        ["CITY"]
    ]


def draw(start: int, end: int, label: str, origin: str = "manual") -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]}
    return {"id": f"r{start}", "type": "labels", "origin": origin, "value": value}


def complete(client: TestClient, task: dict[str, Any], *drawn: Any) -> list[tuple[int, str]]:
    body = {"tasks": [task], "label_config": CONFIG, "params": {"context": {"result": list(drawn)}}}
    [answer] = client.post("/predict", json=body).json()["results"]
    assert len({region["id"] for region in answer["result"]}) == len(answer["result"])
    assert not {region["id"] for region in answer["result"]} & {one.get("id") for one in drawn}
    return [(region["value"]["start"], region["value"]["labels"][0]) for region in answer["result"]]


def test_a_drawn_region_marks_the_other_occurrences(client: TestClient) -> None:
    task = make_task("Xu met Xu; Xuan and Xu.")
    drawn = (draw(7, 9, "SURNAME"), {"x": 1}, draw(11, 15, "NO_LABEL"))
    assert complete(client, task, *drawn) == [(0, "SURNAME"), (20, "SURNAME")]


def test_what_the_model_suggested_is_not_spread(client: TestClient) -> None:
    task = make_task("Xu met Ann, Xu and Ann.")
    found = complete(client, task, draw(0, 2, "SURNAME", "prediction"), draw(7, 10, "SURNAME"))
    assert found == [(19, "SURNAME")]


def test_places_that_are_marked_already_are_left_alone(client: TestClient) -> None:
    task = make_task("Xu met Xu and Xu.")
    task["predictions"] = [{"result": [draw(0, 2, "SURNAME")]}, "odd"]
    task["drafts"] = [{"result": [draw(14, 16, "CITY")]}]
    assert complete(client, task, draw(7, 9, "SURNAME")) == []


def test_a_value_that_stands_thousands_of_times_is_spread_at_once(client: TestClient) -> None:
    """Other requests wait meanwhile. Label Studio then sends all of them with the next drawing."""
    count = 3000
    task = make_task("Xu wrote that it is late.\n" * count)
    found = complete(client, task, draw(0, 2, "SURNAME"))
    assert len(found) == count - 1
    begun = time.process_time()
    drawn = [draw(0, 2, "SURNAME"), *(draw(start, start + 2, label) for start, label in found)]
    assert complete(client, task, *drawn) == []
    assert time.process_time() - begun < 60


def test_a_drawing_without_a_text_or_regions_gets_an_empty_answer(client: TestClient) -> None:
    assert complete(client, make_task(""), draw(0, 1, "CITY")) == []
    body = {"tasks": [make_task("x")], "label_config": CONFIG, "params": {"context": {"result": "odd"}}}
    assert client.post("/predict", json=body).json()["results"][0]["result"] == []


def test_a_model_that_fails_fails_the_batch(client: TestClient) -> None:
    body = {"tasks": [make_task("Ann"), make_task("CRASH")], "label_config": CONFIG}
    assert client.post("/predict", json=body).status_code == 502
    assert client.post("/predict", json={"tasks": 1, "label_config": CONFIG}).status_code == 422


def test_the_versions_are_those_that_serve(client: TestClient) -> None:
    assert client.get("/versions").json() == {"versions": ["lexicon-1"]}


@pytest.mark.parametrize("action", ["START_TRAINING"])
def test_a_server_without_training_says_so(client: TestClient, action: str) -> None:
    assert client.post("/webhook", json={"action": action}).status_code == 422
