"""Requests, failures and words, against a small server that answers as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, TerminalServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api import transport

pytest.importorskip("label_studio_sdk")
TOKEN = "0123456789abcdef"


@dataclass
class Script:
    """Answers to give, one a request: a status with a body, or None for a broken connection."""

    answers: list[tuple[int, bytes] | None] = field(default_factory=list)
    seen: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Handler(BaseHTTPRequestHandler):
    script: Script

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.script.seen.append((self.command, self.path, dict(self.headers), body))
        reply = self.script.answers.pop(0) if self.script.answers else (200, b'{"ok": true}')
        if reply is None:
            self.connection.close()
            return
        self.send_response(reply[0])
        self.send_header("Content-Length", str(len(reply[1])))
        for name, value in self.script.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply[1])

    def log_message(self, format: str, *args: Any) -> None:
        pass


for _method in ("GET", "POST", "PATCH", "DELETE"):
    setattr(Handler, f"do_{_method}", Handler.answer)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    monkeypatch.setattr(transport.time, "sleep", lambda seconds: None)
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"script": script}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/sub/path"
    yield script
    server.shutdown()
    server.server_close()


@pytest.fixture
def requests(script: Script) -> transport.Transport:
    return transport.Transport(script.url, TOKEN, 5.0)


def test_requests_carry_token_and_close_the_connection(requests: transport.Transport, script: Script) -> None:
    assert requests.ask_object("POST", "api/x", "try", body={"a": "é"}) == {"ok": True}
    method, path, headers, body = script.seen[0]
    assert (method, path, orjson.loads(body)) == ("POST", "/sub/path/api/x", {"a": "é"})
    assert headers["Authorization"] == f"Token {TOKEN}"
    assert headers["Connection"].lower() == "close"


@pytest.mark.parametrize("failure", [None, (500, b"{}"), (503, b"<html>"), (504, b"")])
def test_a_post_is_never_repeated(
    requests: transport.Transport, script: Script, failure: tuple[int, bytes] | None
) -> None:
    script.answers = [failure]
    with pytest.raises(TransientServiceError):
        requests.ask("POST", "api/x", "try", body={})
    assert len(script.seen) == 1


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_may_be_repeated_is(requests: transport.Transport, script: Script, method: str) -> None:
    script.answers = [None, (502, b""), (500, b"{}")]
    assert requests.ask(method, "api/x", "try") == {"ok": True}
    assert len(script.seen) == 4


def test_repeating_ends(requests: transport.Transport, script: Script) -> None:
    script.answers = [(500, b'{"detail": "database is locked"}')] * 9
    with pytest.raises(TransientServiceError, match="database is locked"):
        requests.ask("GET", "api/x", "try")
    assert len(script.seen) == transport.READ_ATTEMPTS


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, b'{"validation_errors": {"title": ["too short"]}}', TerminalServiceError, "too short"),
        (403, b'{"detail": "no"}', ConfigurationError, "may not try"),
        (404, b"<html>Uh oh</html>", TerminalServiceError, "not found"),
        (405, b"plain words", TerminalServiceError, "plain words"),
    ],
)
def test_refusals_are_explained(
    requests: transport.Transport, script: Script, status: int, body: bytes, error: type[Exception], words: str
) -> None:
    script.answers = [(status, body)]
    with pytest.raises(error, match=words) as caught:
        requests.ask("GET", "api/x", "try")
    assert TOKEN not in str(caught.value)
    assert "<html>" not in str(caught.value)


def test_a_401_is_tried_once_more_and_then_explained(requests: transport.Transport, script: Script) -> None:
    script.answers = [(401, b"{}")]
    assert requests.ask("POST", "api/x", "try", body={}) == {"ok": True}
    script.answers = [(401, b'{"detail": "Invalid token."}')] * 2
    with pytest.raises(ConfigurationError, match=r"does not accept the token.*Invalid token"):
        requests.ask("POST", "api/x", "try", body={})


def test_another_server_is_recognised(requests: transport.Transport, script: Script) -> None:
    script.answers = [(200, b"<html>welcome</html>")]
    with pytest.raises(ConfigurationError, match="is not Label Studio"):
        requests.ask("GET", "api/x", "try")
    script.answers = [(200, b"[1]")]
    with pytest.raises(ConfigurationError, match="is not Label Studio"):
        requests.ask_object("GET", "api/x", "try")


@pytest.mark.parametrize(("url", "token"), [("127.0.0.1:8080", "x"), ("http://127.0.0.1", "")])
def test_addresses_and_tokens_that_cannot_work(url: str, token: str) -> None:
    with pytest.raises(ConfigurationError):
        transport.Transport(url, token, 1.0)


def test_an_expired_personal_token_is_explained() -> None:
    import jwt

    token = jwt.encode({"exp": 1, "token_type": "refresh"}, "k" * 32)
    with pytest.raises(ConfigurationError, match="expired"):
        transport.Transport("http://127.0.0.1:9", token, 1.0)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_and_nothing_goes_on(requests: transport.Transport, script: Script, status: int) -> None:
    script.headers = {"Location": "http://localhost:1/api/x?token=abc"}
    script.answers = [(status, b"")]
    with pytest.raises(ConfigurationError, match="--url"):
        requests.ask("POST", "api/x", "try", body={"secret": 1})


def test_addresses_with_a_password_are_refused_without_showing_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        transport.Transport("http://joe:s3cret@127.0.0.1", "t", 1.0)
    assert "s3cret" not in str(caught.value)


def test_no_proxy_is_used_for_this_machine(
    requests: transport.Transport, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    again = transport.Transport(requests.url, TOKEN, 5.0)
    script.answers = [(200, b'{"ok": true}')]
    assert again.ask_object("GET", "api/x", "try") == {"ok": True}


def test_a_server_that_repeats_the_token_does_not_bring_it_into_an_error(
    requests: transport.Transport, script: Script
) -> None:
    script.answers = [(400, f'{{"detail": "bad token {TOKEN}"}}'.encode())]
    with pytest.raises(TerminalServiceError) as caught:
        requests.ask("GET", "api/x", "try")
    assert TOKEN not in str(caught.value)
