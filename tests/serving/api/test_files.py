from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from goldspan.serving.jobs import clean_name
from goldspan.serving.limits import Limits
from goldspan.serving.state import ServerSettings
from tests.serving.conftest import Serve
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def upload(client: TestClient, name: str, content: bytes, **settings: Any) -> dict[str, Any]:
    files = {"file": (name, content)}
    answer = client.post("/v1/files", files=files, data={"settings": json.dumps(settings)})
    assert answer.status_code == 202, answer.text
    states: list[dict[str, Any]] = []

    def has_ended() -> bool:
        states.append(client.get(answer.headers["Location"]).json())
        return states[-1]["state"] in ("done", "failed")

    wait_until(has_ended)
    return states[-1]


def test_a_file_is_masked_and_can_be_fetched(client: TestClient, temporary: Path) -> None:
    job = upload(client, "letter.csv", b"name,note\nAnn,Berlin\n", labels=["FIRSTNAME"])
    assert (job["state"], job["complete"], job["verified"], job["counts"]) == ("done", True, True, {"FIRSTNAME": 1})
    answer = client.get(job["result"])
    assert answer.content == b"name,note\n[FIRSTNAME_1],Berlin\n"
    assert "letter.csv" in answer.headers["content-disposition"]
    assert not [file for file in temporary.rglob("*") if file.is_file() and b"Ann" in file.read_bytes()]
    client.delete(f"/v1/jobs/{job['id']}")
    assert client.get(job["result"]).status_code == 404


def test_columns_of_tables(client: TestClient) -> None:
    job = upload(client, "a.csv", b"name,note\nXyz,Ann\n", fields=["name=SURNAME"])
    assert client.get(job["result"]).content == b"name,note\n[SURNAME_1],Ann\n"


@pytest.mark.parametrize(
    ("name", "content"), [("a.txt", b"CRASH Ann"), ("a.txt", b"UNAVAILABLE Ann"), ("a.txt", b"\xff"), ("a.json", b"{")]
)
def test_a_file_that_fails_gives_a_reason_and_nothing_else(
    client: TestClient, temporary: Path, name: str, content: bytes
) -> None:
    job = upload(client, name, content)
    assert (job["state"], job["complete"], job["result"]) == ("failed", False, None)
    assert job["error"]
    assert "Ann" not in job["error"]
    assert str(temporary) not in job["error"]
    assert client.get(f"/v1/jobs/{job['id']}/result").status_code == 409
    assert not [file for file in temporary.rglob("*") if file.is_file()]


def test_wrong_uploads_are_refused(serve: Serve, temporary: Path) -> None:
    client = serve(ServerSettings(limits=Limits(file_bytes=100_000)))
    assert client.post("/v1/files", files={"file": ("a.exe", b"x")}).status_code == 422
    assert client.post("/v1/files", files={"other": ("a.txt", b"x")}).status_code == 422
    assert client.post("/v1/files", content=b"x").status_code == 422
    assert client.post("/v1/files", files={"file": ("a.txt", b"x")}, data={"settings": "["}).status_code == 422
    answer = client.post("/v1/files", files={"file": ("a.txt", b"x")}, data={"settings": '{"polcy": "redact"}'})
    assert (answer.status_code, "Did you mean policy" in answer.text) == (422, True)
    answer = client.post("/v1/files", files={"file": ("a.txt", b"x" * 300_000)})
    assert answer.status_code == 413
    assert not [file for file in temporary.rglob("*") if file.is_file()]


def test_a_job_that_is_removed_while_it_runs_leaves_nothing(client: TestClient, temporary: Path) -> None:
    for number in range(5):
        answer = client.post("/v1/files", files={"file": (f"{number}.txt", b"Ann " * 2000)})
        client.delete(answer.headers["Location"])
    wait_until(lambda: not [file for file in temporary.rglob("*") if file.is_file()])
    assert client.get(answer.headers["Location"]).status_code == 404


def test_everything_is_removed_with_the_server(labels: Any, serve: Serve, temporary: Path) -> None:
    from goldspan.serving.app import build_app
    from goldspan.serving.host import PredictorHost
    from goldspan.serving.state import ServerState
    from tests.serving.conftest import Sources

    host = PredictorHost(labels, {"lexicon": "lexicon"}, opener=Sources().open)
    with TestClient(build_app(ServerState(host, ServerSettings())), base_url="http://localhost") as client:
        upload(client, "a.txt", b"Ann")
    assert not list(temporary.rglob("*.txt"))


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"), ("C:\\x\\a.txt", "a.txt"), (".hidden", "hidden"), ("", "file"),
        ("a\r\nb.txt", "a__b.txt"), ("Zoë's.csv", "Zoë_s.csv"), ("x" * 300 + ".csv", "x" * 80 + ".csv"),
        ("..", "file"),
    ],
)  # fmt: skip
def test_file_names_are_harmless(name: str, clean: str) -> None:
    assert clean_name(name) == clean
