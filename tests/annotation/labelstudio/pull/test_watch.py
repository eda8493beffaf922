"""The webhook listener: only Label Studio's call counts, and nobody can fill the machine with calls."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from goldspan.annotation.labelstudio.pull.watch import MAX_BODY, MAX_CALLS, listen_for_calls


class Hooks:
    def __init__(self) -> None:
        self.urls: list[str] = []
        self.deleted: list[int] = []

    def create_webhook(self, project: int, url: str) -> dict[str, Any]:
        self.urls.append(url)
        return {"id": 7}

    def delete_webhook(self, webhook: int) -> None:
        self.deleted.append(webhook)


@pytest.fixture
def hint() -> threading.Event:
    return threading.Event()


@pytest.fixture
def address(hint: threading.Event) -> Iterator[str]:
    hooks: Any = Hooks()
    with listen_for_calls(hooks, 1, hint) as url:
        assert hooks.urls == [url]
        yield url
    assert hooks.deleted == [7]


def call(address: str, path: str | None = None, body: bytes = b"{}", **headers: str) -> int:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
    try:
        connection.request("POST", parts.path if path is None else path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_call_to_the_secret_path_is_a_hint(address: str, hint: threading.Event) -> None:
    assert call(address) == 204
    assert hint.is_set()


@pytest.mark.parametrize("path", ["/", "/anything", ""])
def test_other_paths_and_web_pages_are_not(address: str, hint: threading.Event, path: str) -> None:
    assert call(address, path) in (400, 404)
    assert call(address, Origin="http://evil.test") == 404
    assert not hint.is_set()


@pytest.mark.parametrize("length", [str(MAX_BODY + 1), "-1", "abc", "1e9"])
def test_a_body_that_is_large_or_without_length_is_not_read(address: str, hint: threading.Event, length: str) -> None:
    parts = urlsplit(address)
    with socket.create_connection(("127.0.0.1", parts.port), timeout=60) as connection:
        connection.sendall(f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert b" 413 " in connection.recv(100)
    assert not hint.is_set()


def test_idle_connections_do_not_pile_up(address: str, hint: threading.Event) -> None:
    before = threading.active_count()
    port = urlsplit(address).port
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(4 * MAX_CALLS)]
    try:
        time.sleep(0.3)
        assert threading.active_count() - before <= MAX_CALLS
    finally:
        for connection in idle:
            connection.close()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not hint.is_set():
        try:
            call(address)
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    assert hint.is_set()
