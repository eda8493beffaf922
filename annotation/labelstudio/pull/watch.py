"""Pull at an interval, and at once when a webhook reports a change.

Label Studio calls a webhook once, waits one second and never retries, so a call is only a hint.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from goldspan.annotation.errors import ConfigurationError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.run import PullReport

MAX_BODY = 64 * 1024
"""Bytes of a call; a webhook without payload sends a few hundred."""

MAX_CALLS = 8
"""Calls that are answered at the same time."""

SETTLE = 1.0
"""Seconds between a call and the pull, so that a burst of submissions causes one pull."""


def watch_project(
    pull: Callable[[], PullReport],
    interval: float,
    *,
    hint: threading.Event,
    stop: threading.Event,
    on_report: Callable[[PullReport], None],
    on_error: Callable[[TransientServiceError], None],
) -> None:
    """Call `pull` every `interval` seconds, and soon after `hint` is set, until `stop` is set.

    Transient errors are reported and retried; every other error ends the watch.
    """
    while not stop.is_set():
        hint.clear()
        try:
            on_report(pull())
        except TransientServiceError as error:
            on_error(error)
        if hint.wait(interval) and not stop.is_set():
            stop.wait(SETTLE)


@contextmanager
def listen_for_calls(client: StudioClient, project: int, hint: threading.Event, port: int = 0) -> Iterator[str]:
    """Register a webhook to this machine for changed annotations; yields its address.

    The address has a secret path. The webhook is deleted when the block ends. A Label Studio with protection against
    calls to private addresses refuses such a webhook; `goldspan studio up --local-calls` starts one that does not.

    Raises:
        ConfigurationError: Label Studio refuses to call this machine.
    """
    secret = secrets.token_urlsafe(32)
    handler = type("Handler", (_HookHandler,), {"secret": secret, "hint": hint})
    server = _HookServer(("127.0.0.1", port), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/{secret}"
    try:
        webhook = _create_webhook(client, project, url)
        try:
            yield url
        finally:
            client.delete_webhook(webhook)
    finally:
        server.shutdown()
        server.server_close()


class _HookServer(ThreadingHTTPServer):
    """Answers a few calls at a time; further ones are dropped, since a call is only a hint."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._slots = threading.BoundedSemaphore(MAX_CALLS)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._slots.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that goes away is no error."""

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()


class _HookHandler(BaseHTTPRequestHandler):
    """Sets the hint for a POST to the secret path; what it carries is read and thrown away."""

    secret: str
    hint: threading.Event
    timeout = 5.0

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        known = secrets.compare_digest(self.path.encode(), f"/{self.secret}".encode())
        if not known or self.headers.get("Origin"):
            self.close_connection = True
            self.send_error(404)
        elif not length.isascii() or not length.isdigit() or int(length) > MAX_BODY:
            self.close_connection = True
            self.send_error(413)
        else:
            self.rfile.read(int(length))
            self.hint.set()
            self.send_response(204)
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def _create_webhook(client: StudioClient, project: int, url: str) -> int:
    try:
        return int(client.create_webhook(project, url)["id"])
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Label Studio will not call this machine, so --listen cannot work; leave it out, or start Label Studio "
            f"with `goldspan studio up --local-calls`. {error}"
        ) from None
