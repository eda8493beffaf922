from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.testclient import TestClient

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.model.calibration import Calibration, OperatingPoint
from goldspan.serving.app import build_app
from goldspan.serving.host import PredictorHost
from goldspan.serving.limits import Limits
from goldspan.serving.state import ServerSettings, ServerState
from tests.serving.conftest import RELEASED, Serve, Sources


def test_health_ready_and_methods(serve: Serve) -> None:
    client = serve(names=("lexicon", "missing"))
    assert client.get("/health").json()["status"] == "partial"
    assert client.get("/ready").status_code == 503
    methods = {one["method"]: one for one in client.get("/v1/methods").json()["methods"]}
    assert methods["lexicon"]["healthy"]
    assert methods["lexicon"]["runs"] == "this machine"
    assert "COUNTRY" in methods["lexicon"]["unread_labels"]
    assert methods["missing"]["error"] == "There is no model at missing."
    assert client.post("/v1/mask", json={"text": "Ann"}).status_code == 200
    answer = client.post("/v1/mask", json={"text": "Ann", "method": "missing"})
    assert answer.status_code == 503
    assert "Ann" not in answer.text


def test_a_failed_reload_keeps_the_model_that_serves(client: TestClient, sources: Sources) -> None:
    for source in ("missing", "broken", "outside"):
        answer = client.post("/v1/model/reload", json={"source": source})
        assert answer.status_code >= 400
        assert "secret" not in answer.text
        assert client.get("/v1/model").json()["models"][0]["error"]
        assert client.get("/v1/model").json()["models"][0]["source"] == "lexicon"
        assert client.post("/v1/mask", json={"text": "Ann"}).json()["masked_text"] == "[FIRSTNAME_1]"
    assert not sources.opened[0].closed
    answer = client.post("/v1/model/reload", json={"source": "model-7"}).json()
    assert (answer["model_version"], answer["error"]) == ("lexicon-7", "")
    assert sources.opened[0].closed
    assert client.post("/v1/mask", json={"text": "Ann"}).json()["model_version"] == "lexicon-1"


def test_policies_labels_and_metrics(client: TestClient) -> None:
    policies = {one["name"]: one for one in client.get("/v1/policy").json()["policies"]}
    assert policies["pseudonymise"]["rules"]["EMAIL"] == "number"
    assert policies["hipaa-safe-harbor"]["rules"]["AGE"] == "generalise"
    labels = client.get("/v1/labels").json()["labels"]
    assert {"label", "group", "color", "common"} <= set(labels[0])
    client.post("/v1/mask", json={"text": "Ann in Berlin"})
    metrics = client.get("/metrics").text
    assert 'goldspan_requests_total{route="/v1/mask",status="200"} 1' in metrics
    assert 'goldspan_masked_entities_total{label="CITY"} 1' in metrics
    assert "Berlin" not in metrics


def test_measured_figures_stand_beside_a_method(serve: Serve, tmp_path: Path) -> None:
    import orjson

    for name, created, recall in (("old", "2026-01-01", 0.5), ("new", "2026-02-01", 0.9)):
        (tmp_path / f"{name}.json").write_bytes(orjson.dumps({
            "experiment_name": name, "model_name": "lexicon-1", "created_at": created, "per_class_metrics": {},
            "metrics": {"precision": 1, "recall": 1, "f1_score": 1, "exact_match_accuracy": 1},
            "masking": {"recall": recall, "leakage_rate": 1 - recall, "ci95": {"recall": [0.8, 0.95]}},
            "timing": {"latency_p50_seconds": 0.0123}, "documents": {"sample_id": ["a", "b"]},
        }))  # fmt: skip
    (tmp_path / "other.json").write_text("{}")
    measured = serve(ServerSettings(results=tmp_path)).get("/v1/methods").json()["methods"][0]["measured"]
    assert (measured["experiment"], measured["recall"], measured["recall_interval"]) == ("new", 0.9, [0.8, 0.95])
    assert (measured["documents"], measured["milliseconds"]) == (2, 12.3)


@pytest.fixture
async def asgi(labels: LabelSchema, sources: Sources) -> httpx.AsyncClient:  # type: ignore[misc]
    host = PredictorHost(labels, {"lexicon": "lexicon"}, opener=sources.open)
    app = build_app(ServerState(host, ServerSettings(limits=Limits(concurrent=4, waiting=3))))
    RELEASED.clear()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client,
    ):
        yield client
        RELEASED.set()


async def test_health_answers_while_the_model_works(asgi: httpx.AsyncClient) -> None:
    work = asyncio.create_task(asgi.post("/v1/mask", json={"text": "HELD Ann"}))
    await asyncio.sleep(0.05)
    assert (await asgi.get("/health")).status_code == 200
    assert not work.done()
    RELEASED.set()
    assert (await work).json()["masked_text"] == "HELD [FIRSTNAME_1]"


async def test_a_model_is_exchanged_under_load_without_a_lost_or_wrong_answer(
    asgi: httpx.AsyncClient, sources: Sources
) -> None:
    async def ask(number: int) -> None:
        text = f"Ann wrote {number}" if number % 5 else f"SLOW Ann wrote {number}"
        answer = await asgi.post("/v1/mask", json={"text": text})
        while answer.status_code == 503:
            await asyncio.sleep(0.05)
            answer = await asgi.post("/v1/mask", json={"text": text})
        assert answer.status_code == 200
        assert answer.json()["masked_text"] == text.replace("Ann", "[FIRSTNAME_1]")

    async def reload() -> None:
        for version in range(2, 6):
            assert (await asgi.post("/v1/model/reload", json={"source": f"model-{version}"})).status_code == 200
            await asyncio.sleep(0.05)

    await asyncio.gather(reload(), *(ask(number) for number in range(30)))
    assert [one.closed for one in sources.opened] == [True] * 4 + [False]


async def test_more_requests_than_can_wait_are_refused_at_once(asgi: httpx.AsyncClient) -> None:
    requests = [asyncio.create_task(asgi.post("/v1/mask", json={"text": f"HELD {n}"})) for n in range(12)]
    while sum(request.done() for request in requests) < 5:
        await asyncio.wait([one for one in requests if not one.done()], return_when=asyncio.FIRST_COMPLETED)
    RELEASED.set()
    answers = await asyncio.gather(*requests)
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(503) == 5
    assert all(answer.headers["Retry-After"] for answer in answers if answer.status_code == 503)


def test_an_operating_point_of_a_model_can_be_chosen(client: TestClient, tmp_path: Path) -> None:
    point = {"recall_wanted": 0.95, "bias": 1.5, "precision": 0.8, "recall": 0.96, "f1": 0.87}
    (tmp_path / "calibration.json").write_bytes(orjson.dumps(Calibration(points=(OperatingPoint(**point),)).to_json()))
    model = client.post("/v1/model/reload", json={"source": str(tmp_path)}).json()
    assert model["operating_points"] == [point]
    assert model["recall"] is None
    for body, recall in (({"recall": 0.95}, 0.95), ({}, 0.95), ({"recall": None}, None)):
        assert client.post("/v1/model/reload", json=body).json()["recall"] == recall
    refused = client.post("/v1/model/reload", json={"recall": 0.9})
    assert refused.status_code == 422
    assert "it has 0.95" in refused.json()["error"]["message"]
    assert client.get("/v1/model").json()["models"][0]["healthy"] is True
