"""The simulated provider as a server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.generators.simulator import accounts as ledger
from goldspan.generators.simulator import batches, chat, files
from goldspan.generators.simulator.answers import Writer
from goldspan.generators.simulator.engine import Engine
from goldspan.generators.simulator.errors import render_error
from goldspan.generators.simulator.state import SimulatorSettings, SimulatorState
from goldspan.generators.simulator.tuning import routes as tuning
from goldspan.generators.simulator.wire import build_error


class LocalHosts:
    """ASGI middleware: a name that only resolves to this machine, as after DNS rebinding, is refused."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on requests to an address, or to `localhost`."""
        if scope["type"] == "http" and not _is_address(Headers(scope=scope).get("host", "")):
            answer = JSONResponse(build_error("This server answers to addresses and to localhost.", 421), 421)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _is_address(host: str) -> bool:
    with contextlib.suppress(ValueError):
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    return False


def build_app(state: SimulatorState, writer: Writer | None) -> Starlette:
    """The ASGI application; `writer` writes the answers, None makes them up from the schema asked for."""

    @contextlib.asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        engine = asyncio.create_task(Engine(state, writer).run())
        yield
        engine.cancel()
        await asyncio.wait([engine])

    app = Starlette(
        routes=[
            *files.make_routes(state),
            *(batches.make_routes(state) if state.profile.windows else ()),
            *chat.make_routes(state, writer),
            *tuning.make_routes(state),
            *ledger.make_routes(),
        ],
        middleware=[Middleware(LocalHosts)],
        exception_handlers={HTTPException: render_error, Exception: render_error},
        lifespan=live,
    )
    app.state.memory = state
    return app


def run_server(
    settings: SimulatorSettings, host: str, port: int, announce: Callable[[str], None], *, writer: Writer | None
) -> dict[str, Any]:
    """Serve until interrupted; returns the ledger without its rows.

    `port` 0 takes a free one; `announce` is told the base URL once it listens; `writer` is as for `build_app`.

    Raises:
        ConfigurationError: the address cannot be listened on.
        StateError: the state file cannot be used.
    """
    with _listen(host, port) as listener, contextlib.closing(SimulatorState(settings)) as state:
        server = _build_server(state, writer)
        announce(_name_address(listener))
        with contextlib.suppress(KeyboardInterrupt):
            server.run([listener])
        return ledger.read_ledger(state, with_rows=False)


@contextlib.contextmanager
def serving(settings: SimulatorSettings, host: str = "127.0.0.1", *, writer: Writer | None) -> Iterator[str]:
    """Run the server on a thread; gives its base URL (`http://127.0.0.1:PORT/v1`).

    Raises:
        ConfigurationError: the address cannot be listened on.
        StateError: the state file cannot be used.
    """
    with _listen(host, 0) as listener, contextlib.closing(SimulatorState(settings)) as state:
        server = _build_server(state, writer)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            _wait_started(server, thread)
            yield _name_address(listener)
        finally:
            server.should_exit = True
            thread.join(timeout=10)


def _build_server(state: SimulatorState, writer: Writer | None) -> uvicorn.Server:
    app = build_app(state, writer)
    config = uvicorn.Config(app, log_level="critical", access_log=False, timeout_graceful_shutdown=2)
    return uvicorn.Server(config)


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ConfigurationError(f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port.") from error


def _name_address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{host}:{port}/v1"


def _wait_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    while not server.started:
        if not thread.is_alive():
            raise ServiceError("The simulated provider did not start.")
        pause.wait(0.01)
