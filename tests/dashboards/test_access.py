"""The access gate: who gets an answer, and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from goldspan.dashboards.access import AccessGate, Message, Receive, Send, cookie_name

PORT, TOKEN = 8501, "the-token-of-this-start"
HOST, ORIGIN = f"127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT}"
COOKIE = f"{cookie_name(PORT)}={TOKEN}"
Headers = Iterable[tuple[str, str]]


async def inner(scope: Message, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]})
    await send({"type": "http.response.body", "body": b"a text with a name"})


def call(kind: str = "http", headers: Headers = (("host", HOST),), target: str = "/", method: str = "GET") -> Any:
    """The status and headers of the answer, or the type of the first websocket message."""
    path, _, query = target.partition("?")
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(AccessGate(inner, port=PORT, token=TOKEN)(scope, receive, send))
    if kind == "websocket":
        return sent[0]["type"]
    names = [name.decode().lower() for name, _ in sent[0]["headers"]]
    assert len(names) == len(set(names))
    return sent[0]["status"], {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}


def open_socket(*headers: tuple[str, str]) -> str:
    return str(call("websocket", headers))


def test_a_cookie_of_this_start_opens_pages_and_sockets() -> None:
    status, headers = call(headers=[("host", HOST), ("cookie", f"other=1; {COOKIE}; bad{{=2")])
    assert status == 200
    assert headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert open_socket(("host", HOST), ("origin", ORIGIN), ("cookie", COOKIE)) == "websocket.accept"
    local = [("host", f"localhost:{PORT}"), ("origin", f"http://localhost:{PORT}"), ("cookie", COOKIE)]
    assert open_socket(*local) == "websocket.accept"


@pytest.mark.parametrize(
    "cookie", ["", f"{cookie_name(PORT)}=", f"{cookie_name(PORT)}=wrong", f"{cookie_name(8502)}={TOKEN}"]
)
def test_without_the_token_nothing_is_served(cookie: str) -> None:
    status, headers = call(headers=[("host", HOST), ("cookie", cookie)])
    assert status == 401
    assert headers["x-frame-options"] == "DENY"
    assert open_socket(("host", HOST), ("origin", ORIGIN), ("cookie", cookie)) == "websocket.close"
    for target in ("/_stcore/health", "/_stcore/host-config", "/media/x", f"/explore?token={TOKEN[:-1]}"):
        assert call(target=target)[0] == 401


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", f"evil.test:{PORT}", f"127.0.0.1.evil.test:{PORT}", f"evil.test#@127.0.0.1:{PORT}"),
        *("127.0.0.1", "127.0.0.1:8502", f"0.0.0.0:{PORT}", f"[::1]:{PORT}", f"127.1:{PORT}", f"localhost.:{PORT}", ""),
    ],
)
def test_any_other_host_is_refused(host: str) -> None:
    assert call(headers=[("host", host), ("cookie", COOKIE)])[0] == 403
    assert call(headers=[("host", host)], target=f"/?token={TOKEN}")[0] == 403
    assert open_socket(("host", host), ("origin", f"http://{host}"), ("cookie", COOKIE)) == "websocket.close"


def test_a_request_has_exactly_one_host() -> None:
    assert call(headers=[("cookie", COOKIE)])[0] == 403
    assert call(headers=[("host", HOST), ("host", "evil.test"), ("cookie", COOKIE)])[0] == 403


@pytest.mark.parametrize(
    "origin",
    ["http://evil.test", "null", "", f"https://127.0.0.1:{PORT}", "http://127.0.0.1:8080", f"{ORIGIN}.evil.test"],
)
def test_any_other_origin_is_refused(origin: str) -> None:
    assert call(headers=[("host", HOST), ("origin", origin), ("cookie", COOKIE)])[0] == 403
    assert open_socket(("host", HOST), ("origin", origin), ("cookie", COOKIE)) == "websocket.close"


def test_a_socket_without_an_origin_is_refused() -> None:
    assert open_socket(("host", HOST), ("cookie", COOKIE)) == "websocket.close"


def test_the_token_in_the_address_is_swapped_for_a_cookie() -> None:
    status, headers = call(target=f"/explore?token={TOKEN}&sample=a%26b&label=&label=X")
    assert status == 303
    assert headers["location"] == "/explore?sample=a%26b&label=&label=X"
    assert headers["set-cookie"] == f"{COOKIE}; Path=/; HttpOnly; SameSite=Lax"
    assert call(target=f"/?token={TOKEN}")[1]["location"] == "/"


@pytest.mark.parametrize("path", ["//evil.test/x", "/\\evil.test", "///evil.test", "/a\r\nset-cookie: x=1"])
def test_the_redirect_stays_here(path: str) -> None:
    _, headers = call(target=f"{path}?token={TOKEN}")
    assert headers["location"].startswith("/")
    assert headers["location"][1:2] not in {"/", "\\"}
    assert "\n" not in headers["location"]


def test_a_token_opens_no_socket_and_changes_nothing() -> None:
    assert open_socket(("host", HOST), ("origin", ORIGIN)) == "websocket.close"
    assert call(target=f"/?token={TOKEN}", method="POST")[0] == 401
