from __future__ import annotations

import base64

import pytest
from starlette.testclient import TestClient

from goldspan.serving.api.openapi import describe_api
from goldspan.serving.limits import Limits
from goldspan.serving.state import ServerSettings
from tests.serving.conftest import Serve


def test_only_known_host_names_are_answered(serve: Serve) -> None:
    client = serve(ServerSettings(hosts=("localhost", "mask.corp")))
    assert client.get("/health").status_code == 200
    assert client.get("/health", headers={"Host": "mask.corp:7860"}).status_code == 200
    for host in ("evil.org", "localhost.evil.org", "127.0.0.1", ""):
        assert client.get("/v1/labels", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.org", "null", "https://localhost.evil.org"])
def test_pages_of_other_origins_are_refused(client: TestClient, origin: str) -> None:
    answer = client.post("/v1/mask", json={"text": "Ann"}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


def test_requests_of_other_sites_without_an_origin_are_refused(client: TestClient) -> None:
    assert client.post("/v1/mask", json={"text": "Ann"}, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/v1/mask", json={"text": "Ann"}, headers={"Origin": "http://localhost:7860"}).status_code == 200


def test_a_token_is_asked_for(serve: Serve) -> None:
    client = serve(ServerSettings(token="s3cret-token"))
    assert client.get("/health").status_code == 200
    assert client.get("/").status_code == 200
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic !!"},
        {"Authorization": "s3cret-token"},
    ):
        answer = client.get("/v1/labels", headers=headers)
        assert answer.status_code == 401
        assert "s3cret" not in answer.text
    basic = base64.b64encode(b"label-studio:s3cret-token").decode()
    assert client.get("/v1/labels", headers={"Authorization": "Bearer s3cret-token"}).status_code == 200
    assert client.get("/v1/labels", headers={"Authorization": f"Basic {basic}"}).status_code == 200


def test_a_client_that_asks_too_often_is_told_when_to_come_back(serve: Serve) -> None:
    client = serve(ServerSettings(limits=Limits(per_minute=3)))
    statuses = [client.get("/v1/labels").status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert int(client.get("/v1/labels").headers["Retry-After"]) >= 1
    assert client.get("/health").status_code == 200


def test_every_answer_carries_the_headers_of_a_careful_server(client: TestClient) -> None:
    for path in ("/", "/v1/labels", "/nothing", "/static/app.js"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "server" not in headers


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    import re

    page = client.get("/").text
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(linked) >= 5
    for link in linked:
        assert link.startswith("/static/")
        content = client.get(link)
        assert content.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org)", content.text)
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page)


def test_the_description_names_every_route(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    assert described == describe_api()
    served = {
        route.path for route in client.app.routes if route.path.startswith(("/v1", "/health", "/ready", "/metrics"))
    }  # type: ignore[attr-defined]
    assert served == set(described["paths"])
