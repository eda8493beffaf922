"""Check that a Label Studio is up, and that it is the expected one, without the full client."""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.labelstudio.server.environment import OnStatus
from goldspan.annotation.wording import describe_error


def is_healthy(url: str) -> bool:
    """True if a Label Studio at this address of our own machine says that it is up."""
    try:
        status, body = _get(url, "/health", 5.0)
    except (OSError, HTTPException):
        return False
    return status == HTTPStatus.OK and b'"UP"' in body


def wait_until_healthy(url: str, is_alive: Callable[[], bool], limit: float, progress: OnStatus) -> bool:
    """Poll until the server is up; False if its process dies or `limit` seconds pass."""
    began = told = time.monotonic()
    while is_alive() and time.monotonic() - began < limit:
        if is_healthy(url):
            return is_alive()
        if time.monotonic() - told >= 5:
            told = time.monotonic()
            progress(f"Waiting for Label Studio at {url} ({told - began:.0f} s)")
        time.sleep(0.2)
    return False


def check_identity(url: str, token: str) -> None:
    """Check that the server at this address is the one that was started with this token.

    Raises:
        ServiceError: it does not accept the token: another Label Studio listens there.
    """
    try:
        status, body = _get(url, "/api/current-user/whoami", 30, {"Authorization": f"Token {token}"})
    except (OSError, HTTPException) as error:
        raise ServiceError(
            f"The server at {url} stopped answering: {describe_error(error)}. See `goldspan studio status`."
        ) from None
    if status != HTTPStatus.OK and b"legacy token authentication has been disabled" not in body:
        raise ServiceError(
            f"The server at {url} answers, but does not know this workspace's token. Another Label Studio may have "
            "taken the port: try another --port."
        )


def _get(url: str, path: str, timeout: float, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(4000)
    finally:
        connection.close()
