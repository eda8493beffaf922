"""Servers that redirect, answer without end or are to be reached through a proxy, and every client that may meet one.

Real sockets on loopback; the model clients, fine-tuning, OCR, the Hub and Label Studio all come here.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from goldspan.annotation.errors import GoldspanError

KEY = "sk-canary-0123456789abcdef"
STATUSES = (301, 302, 303, 307, 308)
Ask = Callable[[str, Path], object]


def ask_chat(url: str, folder: Path) -> object:
    from goldspan.generators.providers.client import ChatClient

    async def ask() -> object:
        client = ChatClient(url, KEY, 1)
        try:
            return await client.ask({"model": "m", "messages": [{"role": "user", "content": "Ann"}]}, "k")
        finally:
            await client.close()

    return asyncio.run(ask())


def ask_batch(url: str, folder: Path) -> object:
    from goldspan.generators.providers.batch.api import BatchApi
    from goldspan.generators.providers.profiles import find_profile

    async def ask() -> object:
        api = BatchApi(find_profile("openai"), url, KEY)
        try:
            return await api.has_file("file-1")
        finally:
            await api.close()

    return asyncio.run(ask())


def ask_tuning(url: str, folder: Path) -> object:
    from goldspan.generators.providers.tuning.client import TuningClient

    client = TuningClient(url, KEY)
    try:
        return client.get("/files", "list the files")
    finally:
        client.close()


def ask_price(url: str, folder: Path) -> object:
    from goldspan.generators.providers.pricing import fetch_price

    if fetch_price(url, KEY, "m", "live") is None:
        raise GoldspanError("there is no price")
    return None


def ask_ocr(url: str, folder: Path) -> object:
    image = pytest.importorskip("PIL.Image")

    from goldspan.serving.documents.ocr.mistral import MistralEngine

    return MistralEngine(KEY, url).read(image.new("RGB", (8, 8)))


def ask_studio(url: str, folder: Path) -> object:
    pytest.importorskip("label_studio_sdk")
    from goldspan.annotation.labelstudio.api.client import StudioClient

    return StudioClient(url, KEY, 60.0).read_version()


def ask_studio_personally(url: str, folder: Path) -> object:
    """With a personal access token, which the SDK exchanges first."""
    jwt = pytest.importorskip("jwt")
    pytest.importorskip("label_studio_sdk")
    from goldspan.annotation.labelstudio.api.client import StudioClient

    token = jwt.encode({"token_type": "refresh", "exp": 9_999_999_999, "jti": KEY}, KEY * 2)
    return StudioClient(url, token, 60.0).read_version()


def ask_hub(url: str, folder: Path) -> object:
    constants = pytest.importorskip("huggingface_hub.constants")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_TOKEN", KEY)
        patch.setattr(constants, "ENDPOINT", url.removesuffix("/v1"))
        from goldspan.annotation.hub.client import open_snapshot

        return open_snapshot("me/letters")


CLIENTS = {
    client.__name__: client
    for client in (
        ask_chat, ask_batch, ask_tuning, ask_price, ask_ocr, ask_studio, ask_studio_personally, ask_hub
    )
}  # fmt: skip
OURS = [name for name in CLIENTS if name != "ask_hub"]


class World:
    """A server whose handler is `reply`; `asked` are the headers of what it was asked, `sent` the bytes it sent."""

    def __init__(self, reply: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.asked: list[str] = []
        self.sent = 0
        world = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                world.asked.append(str(self.headers))
                self.close_connection = True
                with contextlib.suppress(OSError):
                    reply(self)

            do_GET = do_POST = do_HEAD = do_CONNECT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Start servers: build(reply). Clients ask once."""
    monkeypatch.setattr("goldspan.generators.providers.client._TRIES_AGAIN", 0)
    monkeypatch.setattr("goldspan.generators.providers.batch.api._RETRIES", 0)
    monkeypatch.setattr("goldspan.annotation.labelstudio.api.transport.READ_ATTEMPTS", 1)
    with contextlib.ExitStack() as stack:

        def start(reply: Callable[[BaseHTTPRequestHandler], None]) -> World:
            world = World(reply)
            stack.callback(world.close)
            return world

        yield start


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes = b"{}", **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", OURS)
def test_a_redirect_is_refused_and_nothing_arrives_there(
    build: Callable[..., World], tmp_path: Path, name: str, status: int
) -> None:
    other = build(lambda handler: send(handler, 200))
    target = other.url.replace("127.0.0.1", "localhost")
    world = build(lambda handler: send(handler, status, Location=target))
    with pytest.raises(GoldspanError) as found:
        CLIENTS[name](world.url, tmp_path)
    assert other.asked == []
    assert name == "ask_price" or target in str(found.value)
    assert KEY not in str(found.value)


@pytest.mark.parametrize("status", STATUSES)
def test_the_hub_may_redirect_and_the_token_does_not_go_along(
    build: Callable[..., World], tmp_path: Path, status: int
) -> None:
    other = build(lambda handler: send(handler, 200))
    world = build(lambda handler: send(handler, status, Location=other.url.replace("127.0.0.1", "localhost")))
    with contextlib.suppress(GoldspanError):
        ask_hub(world.url, tmp_path)
    assert any(KEY in headers for headers in world.asked)
    assert not any(KEY in headers for headers in other.asked)


@pytest.mark.parametrize("name", CLIENTS)
def test_no_proxy_is_asked_for_this_machine(
    build: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy, world = build(lambda handler: send(handler, 502)), build(lambda handler: send(handler, 403))
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        for form in (variable, variable.lower()):
            monkeypatch.setenv(form, proxy.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(GoldspanError):
        CLIENTS[name](world.url, tmp_path)
    assert (len(world.asked) > 0, proxy.asked) == (True, [])


def pour_body(handler: BaseHTTPRequestHandler) -> None:
    """A body without end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.wfile.write(b'{"a": "')
    while True:
        handler.wfile.write(b"a" * 65536)


def pour_headers(handler: BaseHTTPRequestHandler) -> None:
    """Headers without end."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)


@cache
def make_bomb() -> bytes:
    """200 MB in 900 kB."""
    return gzip.compress(b'{"a": "' + b"a" * 200_000_000, 1)


def drop_bomb(handler: BaseHTTPRequestHandler) -> None:
    """A small answer that unpacks to a large one."""
    send(handler, 200, make_bomb(), Content_Encoding="gzip", Content_Type="application/json")


@pytest.mark.parametrize("reply", [pour_body, pour_headers, drop_bomb])
@pytest.mark.parametrize("name", CLIENTS)
def test_an_answer_without_end_is_refused(
    build: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reply: Callable[..., None]
) -> None:
    """The limits are set low here; that there are limits is what is shown."""
    for module in ("generators.providers.tuning.client", "annotation.labelstudio.api.transport"):
        monkeypatch.setattr(f"goldspan.{module}._MAX_ANSWER", 1 << 20)
    pytest.importorskip("huggingface_hub")
    monkeypatch.setattr("goldspan.annotation.hub.client._MAX_ANSWER", 1 << 20)
    world = build(reply)
    with pytest.raises(GoldspanError) as found:
        CLIENTS[name](world.url, tmp_path)
    assert len(str(found.value)) < 1000


def drip(handler: BaseHTTPRequestHandler, start: bytes, piece: bytes) -> None:
    """A byte now and then: no read ever times out."""
    handler.wfile.write(start)
    while True:
        handler.wfile.write(piece)
        handler.wfile.flush()
        time.sleep(0.02)


def drip_body(handler: BaseHTTPRequestHandler) -> None:
    drip(handler, b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9000\r\n\r\n{"a": "', b"a")


def drip_headers(handler: BaseHTTPRequestHandler) -> None:
    drip(handler, b"HTTP/1.1 200 OK\r\nX-More: ", b"a")


@pytest.mark.parametrize("reply", [drip_body, drip_headers])
@pytest.mark.parametrize("name", OURS)
def test_an_answer_that_drips_is_given_up(
    build: Callable[..., World], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reply: Callable[..., None]
) -> None:
    """The patience is set low here, the read timeouts are those of every day; a slow machine may not ask in time."""
    monkeypatch.setattr("goldspan.annotation.answers.PATIENCE", 0.001)
    world = build(reply)
    with pytest.raises(GoldspanError):
        CLIENTS[name](world.url, tmp_path)
    assert len(world.asked) <= 1
