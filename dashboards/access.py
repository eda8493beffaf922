"""Access control of the dashboard: an ASGI middleware that checks Host, Origin and a token of this start.

The Host check stops DNS rebinding, the Origin check stops other web pages, and the token stops other local users.
`goldspan dashboard` prints an address that holds the token; the first request swaps it for a cookie.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Message, Receive, Send], Awaitable[None]]

TOKEN_PARAMETER = "token"  # noqa: S105
_HEADERS = {
    b"X-Frame-Options": b"DENY",
    b"Content-Security-Policy": (
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; "
        b"object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    b"X-Content-Type-Options": b"nosniff",
    b"Referrer-Policy": b"no-referrer",
    b"Cross-Origin-Opener-Policy": b"same-origin",
    b"Cross-Origin-Resource-Policy": b"same-origin",
}
"""Added to every response: no framing, no resources from other origins."""

_ADDED = frozenset(name.lower() for name in _HEADERS)


class AccessGate:
    """ASGI middleware that lets through only requests of the person who started the dashboard."""

    def __init__(self, app: ASGIApp, *, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        if port == 80:
            self._hosts |= {"127.0.0.1", "localhost"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie = cookie_name(port)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        if reason := self._check_source(scope):
            await _refuse(scope, receive, send, 403, reason)
            return
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        tokens = [value for name, value in query if name == TOKEN_PARAMETER]
        if scope["type"] == "http" and scope["method"] == "GET" and self._is_valid(tokens):
            rest = [(name, value) for name, value in query if name != TOKEN_PARAMETER]
            await self._grant(send, scope["path"], rest)
            return
        if not self._is_valid(self._read_cookies(scope)):
            reason = "This dashboard needs its access token. Open the address that `goldspan dashboard` printed."
            await _refuse(scope, receive, send, 401, reason)
            return
        await self._app(scope, receive, _add_headers(send))

    def _check_source(self, scope: Message) -> str:
        """Return why Host or Origin is refused; empty if they are fine. Browsers send Origin with every websocket."""
        hosts, origins = _find_headers(scope, b"host"), _find_headers(scope, b"origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return "This dashboard answers only to 127.0.0.1 and localhost. Open the address that it printed."
        if scope["type"] == "websocket" and not origins:
            return "A websocket needs an Origin header."
        if any(origin.lower() not in self._origins for origin in origins):
            return "This dashboard does not answer pages of other origins."
        return ""

    def _is_valid(self, tokens: Iterable[str]) -> bool:
        given = [hmac.compare_digest(token.encode("utf-8", "replace"), self._token.encode()) for token in tokens]
        return any(given)

    def _read_cookies(self, scope: Message) -> list[str]:
        values = []
        for header in _find_headers(scope, b"cookie"):
            for pair in header.split(";"):
                try:
                    cookie = SimpleCookie(pair.strip())
                except CookieError:
                    continue
                values += [morsel.value for name, morsel in cookie.items() if name == self._cookie]
        return values

    async def _grant(self, send: Send, path: str, query: list[tuple[str, str]]) -> None:
        """Redirect to the same page without the token, and set the cookie."""
        location = "/" + quote(path.lstrip("/\\")) + (f"?{urlencode(query)}" if query else "")
        cookie = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Lax"
        headers = [(b"location", location.encode("latin-1")), (b"set-cookie", cookie.encode("latin-1"))]
        await _send_text(send, 303, "", headers)


def cookie_name(port: int) -> str:
    """Name the access cookie; cookies ignore ports, so the port is part of the name."""
    return f"goldspan-dashboard-{port}"


def _find_headers(scope: Message, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


def _add_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in _ADDED]
            message = {**message, "headers": [*own, *_HEADERS.items()]}
        await send(message)

    return send_with_headers


async def _refuse(scope: Message, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    await _send_text(send, status, f"{reason}\n", [])


async def _send_text(send: Send, status: int, text: str, headers: list[tuple[bytes, bytes]]) -> None:
    body = text.encode()
    common = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    send = _add_headers(send)
    await send({"type": "http.response.start", "status": status, "headers": [*common, *headers]})
    await send({"type": "http.response.body", "body": body})
