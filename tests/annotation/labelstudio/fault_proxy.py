"""A proxy on loopback that spoils the answers of chosen requests, as networks and gateways do.

It forwards one request a connection (Label Studio's development server answers faster that way anyhow).
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

ERROR_BODY = b'{"detail": "spoilt on purpose"}'
PASSED_ON = ("Authorization", "Content-Type", "Accept", "Cookie", "X-CSRFToken", "Referer")


class Fault(StrEnum):
    """What happens to a request. The first three happen after the server has done what was asked."""

    REPLY_LOST = "the reply is lost after the commit"
    ERROR_AFTER = "500 after the commit"
    TIMEOUT_AFTER = "504 after the commit"
    LATE_COMMIT = "504 at once, the commit comes after the client has looked for it in vain"
    ERROR_BEFORE = "500, nothing done"
    DROPPED = "the connection breaks before the server sees anything"
    TOKEN_EXPIRED = "401, as if the access token had expired"


@dataclass
class FaultProxy:
    """Forwards to `upstream`; the next requests that `matches` meet the queued faults, one each; None is no fault."""

    upstream: str
    matches: Callable[[str, str], bool] = lambda method, path: method == "POST" and "/import" in path
    faults: list[Fault | None] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    met: list[Fault] = field(default_factory=list)
    late: list[Callable[[], object]] = field(default_factory=list)
    """What is committed before the client lists the tasks for the second time from now."""
    looks: int = 0

    def __enter__(self) -> FaultProxy:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the proxy listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        with self._lock:
            self.seen.append((method, path))
            if not self.faults or not self.matches(method, path):
                return None
            fault = self.faults.pop(0)
            if fault is not None:
                self.met.append(fault)
            return fault

    def commit_late(self, method: str, path: str) -> None:
        """Count the lists of tasks since a late commit was put off, and commit before the second one is answered."""
        if not self.late or method != "GET" or "/api/tasks" not in path:
            return
        self.looks += 1
        if self.looks > 1:
            self.late.pop()()
            self.looks = 0


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy

    def relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.proxy.commit_late(self.command, self.path)
        fault = self.proxy.take_fault(self.command, self.path)
        if fault is Fault.DROPPED:
            self._drop()
        elif fault is Fault.ERROR_BEFORE:
            self._answer(500, ERROR_BODY)
        elif fault is Fault.TOKEN_EXPIRED:
            self._answer(401, b'{"detail": "Token has expired"}')
        elif fault is Fault.LATE_COMMIT:
            self.proxy.late.append(partial(self._forward, body))
            self._answer(504, b"<html>gateway</html>")
        else:
            self._pass_on(fault, body)

    def _pass_on(self, fault: Fault | None, body: bytes) -> None:
        try:
            status, reply, kind = self._forward(body)
        except OSError:
            self._drop()
            return
        if fault is Fault.REPLY_LOST:
            self._drop()
        elif fault is Fault.ERROR_AFTER:
            self._answer(500, ERROR_BODY)
        elif fault is Fault.TIMEOUT_AFTER:
            self._answer(504, b"<html>gateway</html>")
        else:
            self._answer(status, reply, kind)

    def _forward(self, body: bytes) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection(urlsplit(self.proxy.upstream).netloc, timeout=120)
        headers = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
        connection.request(self.command, self.path, body, {**headers, "Connection": "close"})
        response = connection.getresponse()
        reply = response.read()
        connection.close()
        return response.status, reply, response.headers.get("Content-Type", "application/json")

    def _answer(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass


for _method in ("GET", "POST", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.relay)
