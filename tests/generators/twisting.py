"""A proxy that changes what a server answers, down to the bytes on the wire."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """An answer; a `length` other than None is claimed in place of the true one, -1 claims none (HTTP/1.0)."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    def with_document(self, document: Any) -> Reply:
        return replace(self, body=json.dumps(document, ensure_ascii=False).encode())

    def change(self, **fields: Any) -> Reply:
        """The same with other fields of its JSON object."""
        return self.with_document({**self.document, **fields})


@dataclass
class Call:
    """A request: `kind` is upload, create, list, get, content, cancel or chat, `number` counts those of its kind."""

    kind: str
    number: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    upstream: str
    memory: dict[str, Any]

    def forward(self) -> Reply:
        """What the server answers."""
        connection = http.client.HTTPConnection(self.upstream, timeout=60)
        kept = {name: value for name, value in self.headers.items() if name in _KEPT}
        with contextlib.closing(connection):
            connection.request(self.method, self.target, self.body, kept)
            response = connection.getresponse()
            kind = response.headers.get("content-type", "application/json")
            return Reply(response.status, response.read(), {"content-type": kind})


_KEPT = {"authorization", "content-type", "idempotency-key"}
Twist = Callable[[Call], Reply | None]
"""The answer to a call; None closes the connection."""


@contextlib.contextmanager
def twisting(url: str, twist: Twist) -> Iterator[str]:
    """The address of a proxy in front of `url` that answers by `twist`."""
    upstream, memory, counts, lock = urlsplit(url).netloc, {}, {}, threading.Lock()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.answer()

        def answer(self) -> None:
            method, target, *_ = self.rfile.readline().decode("latin-1").split() or ("", "")
            if not method:
                return
            headers = {}
            while line := self.rfile.readline().decode("latin-1").strip():
                name, _, value = line.partition(":")
                headers[name.strip().lower()] = value.strip()
            body = self.read_body(headers)
            kind = name_kind(method, target)
            with lock:
                number = counts[kind] = counts.get(kind, -1) + 1
            reply = twist(Call(kind, number, method, target, headers, body, upstream, memory))
            if reply is not None:
                self.wfile.write(render_head(reply))
                self.wfile.write(reply.body)

        def read_body(self, headers: dict[str, str]) -> bytes:
            if headers.get("transfer-encoding") != "chunked":
                return self.rfile.read(int(headers.get("content-length", 0)))
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        finally:
            server.shutdown()


def render_head(reply: Reply) -> bytes:
    length = len(reply.body) if reply.length is None else reply.length
    lines = [f"HTTP/1.{int(length >= 0)} {reply.status} Status", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines += [f"Content-Length: {length}"] if length >= 0 else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def name_kind(method: str, target: str) -> str:
    path = urlsplit(target).path
    for end, kind in (("/cancel", "cancel"), ("/content", "content"), ("/chat/completions", "chat")):
        if path.endswith(end):
            return kind
    if path.endswith("/files"):
        return "upload" if method == "POST" else "files"
    if path.endswith("/batches"):
        return "create" if method == "POST" else "list"
    return "get" if "/batches/" in path else "file"
