"""The door of the server: host names, origins, token, rates, one log line a request, errors as JSON.

A log line has the request id, method, route, status and milliseconds; no text, query or address stands in it.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import secrets
from collections.abc import Mapping
from time import perf_counter
from urllib.parse import urlsplit

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldspan.annotation.errors import (
    GoldspanError,
    InputError,
    MaskingError,
    ServiceError,
    StateError,
    TransientServiceError,
    UnknownNameError,
)
from goldspan.annotation.redaction import redact
from goldspan.serving.limits import LimitError
from goldspan.serving.state import ServerState

log = logging.getLogger("goldspan.serve")
_OPEN = ("/", "/health", "/ready")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'",
}
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class JsonResponse(Response):
    """A JSON answer."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The content as UTF-8 JSON."""
        return orjson.dumps(content)


def answer_error(status: int, code: str, message: str, retry_after: int = 0) -> JsonResponse:
    """An error as JSON: `{"error": {"code", "message"}, "detail", "complete": false}`. It never holds a text.

    `detail` is the message again, where pages made for FastAPI look for it.
    """
    headers = {"Retry-After": str(retry_after)} if retry_after else None
    body = {"error": {"code": code, "message": message}, "detail": message, "complete": False}
    return JsonResponse(body, status, headers)


def translate_error(error: Exception) -> JsonResponse:
    """The answer to an error: 4xx where the request is wrong, 413, 429 and 503 at a limit, 502 and 503 for a model."""
    message = redact(str(error), limit=500)
    if isinstance(error, LimitError):
        return answer_error(error.status, "limit", message, error.retry_after)
    if isinstance(error, UnknownNameError):
        return answer_error(422, "unknown_name", message)
    if isinstance(error, InputError):
        return answer_error(422, "invalid_request", message)
    if isinstance(error, MaskingError):
        return answer_error(422, "not_maskable", message)
    if isinstance(error, TransientServiceError):
        return answer_error(503, "method_unavailable", message, int(error.retry_after or 5))
    if isinstance(error, ServiceError):
        return answer_error(502, "method_failed", message)
    if isinstance(error, StateError):
        return answer_error(409, "state", message)
    if isinstance(error, GoldspanError):
        return answer_error(422, "refused", message)
    if isinstance(error, HTTPException):
        return answer_error(
            error.status_code, "http", f"{error.detail.rstrip('.')}. /openapi.json describes every route."
        )
    return answer_error(502, "internal", "The request failed. Nothing was given out; the server's log names the error.")


class Access:
    """ASGI middleware around all routes."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app, self._state = app, state
        self._hosts = frozenset(host.lower() for host in state.settings.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, pass it on, and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status, request = perf_counter(), 0, Request(scope)
        identity = secrets.token_hex(6)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = _HEADERS | {"X-Request-Id": identity}
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in extra.items()),
                ]
            await send(message)

        refusal = self._refuse(request)
        try:
            if refusal is not None:
                await refusal(scope, receive, answer)
            else:
                await self._app(scope, receive, answer)
        except Exception as error:  # noqa: BLE001
            if not isinstance(error, GoldspanError | HTTPException):
                log.error("%s %s", identity, type(error).__name__)
            if status == 0:
                await translate_error(error)(scope, receive, answer)
        finally:
            seconds = perf_counter() - begun
            route = getattr(scope.get("route"), "path", "other")
            self._state.metrics.count_request(route, status, seconds)
            log.info("%s %s %s %d %.0f ms", identity, request.method, route, status, 1000 * seconds)

    def _refuse(self, request: Request) -> Response | None:
        """The answer to a request that may not come in."""
        host = _strip_port(request.headers.get("host", ""))
        if host not in self._hosts:
            return answer_error(421, "host", "This server does not answer to that host name; --allow-host adds one.")
        origin = request.headers.get("origin")
        if request.method not in _SAFE and origin and _strip_port(urlsplit(origin).netloc) not in self._hosts:
            return answer_error(403, "origin", "Requests from pages of other origins are refused.")
        if request.method not in _SAFE and request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return answer_error(403, "origin", "Requests from pages of other sites are refused.")
        path = request.url.path
        if not (path in _OPEN or path.startswith("/static/")):
            if not self._is_allowed(request.headers):
                response = answer_error(401, "token", "Send the server's token as a bearer token.")
                response.headers["WWW-Authenticate"] = "Bearer"
                return response
            try:
                self._state.rates.take(request.client.host if request.client else "")
            except LimitError as error:
                return translate_error(error)
        return None

    def _is_allowed(self, headers: Mapping[str, str]) -> bool:
        token = self._state.settings.token
        if not token:
            return True
        scheme, _, value = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return False
        return scheme.lower() in ("bearer", "basic") and hmac.compare_digest(value.encode(), token.encode())


def _strip_port(host: str) -> str:
    host = host.lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
