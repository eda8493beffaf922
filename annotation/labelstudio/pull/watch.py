"""Pull at an interval, and at once when a webhook reports a change.

Label Studio calls a webhook once, waits one second and never retries, so a call is only a hint.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from goldspan.annotation.errors import ConfigurationError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.run import PullReport

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

    The webhook is deleted when the block ends. A Label Studio with protection against calls to private addresses
    refuses such a webhook; `goldspan studio up --local-calls` starts one that does not.

    Raises:
        ConfigurationError: Label Studio refuses to call this machine.

    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            hint.set()
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    try:
        webhook = _create_webhook(client, project, url)
        try:
            yield url
        finally:
            client.delete_webhook(webhook)
    finally:
        server.shutdown()
        server.server_close()


def _create_webhook(client: StudioClient, project: int, url: str) -> int:
    try:
        return int(client.create_webhook(project, url)["id"])
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Label Studio will not call this machine, so --listen cannot work; leave it out, or start Label Studio "
            f"with `goldspan studio up --local-calls`. {error}"
        ) from None
