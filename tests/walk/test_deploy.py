"""The services of `deploy/`, started as Compose and a Space would start them, but outside a container."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from goldspan.annotation.labelstudio.server.process import find_free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.walk

DEPLOY = Path(__file__).parents[2] / "deploy"
SERVICES = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
PORTS = {"serve": "7860", "dashboard": "8501"}
TOKEN = "token-of-the-walk"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A folder in the place of /run/secrets."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    for service in SERVICES.values():
        for name in service.get("secrets", ()):
            (folder / name).write_text(f"{TOKEN}\n")
    return folder


@pytest.mark.parametrize("name", PORTS)
def test_a_service_of_compose_becomes_healthy(name: str, secrets: Path, tmp_path: Path) -> None:
    service, port = SERVICES[name], str(find_free_port())

    def place(value: str) -> str:
        return value.replace("/run/secrets", str(secrets)).replace(PORTS[name], port)

    command = [str(DEPLOY / "entrypoint.sh"), *map(place, service["command"])]
    if port not in command:
        command += ["--port", port]
    environment = {key: place(value) for key, value in service["environment"].items()}
    kind, check = service["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    with run(command, environment, tmp_path):
        wait_until(lambda: is_healthy(place(check)))
        if name == "serve":
            assert [ask(port, token) for token in ("", TOKEN)] == [401, 200]


def test_the_space_serves_with_its_token(tmp_path: Path) -> None:
    port = str(find_free_port())
    script = tmp_path / "start.sh"
    script.write_text((DEPLOY / "space" / "start.sh").read_text().replace("7860", port))
    with run(["sh", str(script)], {"GOLDSPAN_SERVE_TOKEN": TOKEN, "SPACE_HOST": "owner-name.hf.space"}, tmp_path):
        wait_until(lambda: ask(port, TOKEN, host="owner-name.hf.space") == 200)
        assert ask(port, "", host="owner-name.hf.space") == 401
        assert ask(port, TOKEN, host="elsewhere.example.org") in {400, 403, 421}


def is_healthy(check: str) -> bool:
    """Whether the health check of a service succeeds."""
    return (
        subprocess.run(["sh", "-c", check], env=make_environment({}), capture_output=True, check=False).returncode == 0
    )


@contextmanager
def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """The command as a process until the block ends."""
    environment = make_environment({"GOLDSPAN_DATA": str(folder / "data"), "HOME": str(folder), **environment})
    (folder / "data").mkdir(exist_ok=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder / "data", stdout=log, stderr=log)
    try:
        yield
    except AssertionError as error:
        error.add_note((folder / "log").read_text())
        raise
    finally:
        process.terminate()
        process.wait(60)


def make_environment(given: Mapping[str, str]) -> dict[str, str]:
    """What a container has: a path with Goldspan and Python, and the variables of the service."""
    kept = {name: os.environ[name] for name in ("PYTHONPATH", "LANG") if name in os.environ}
    return {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", **kept, **given}


def ask(port: str, token: str, host: str = "127.0.0.1") -> int:
    """The status of a masking request; 0 if nobody listens."""
    headers = {"Content-Type": "application/json", "Host": host} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    body = b'{"text": "Write to ann@example.org.", "policy": "redact"}'
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/mask", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return 0
