"""The server as an ASGI application, and the command that runs it."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from goldspan.annotation.errors import ConfigurationError, GoldspanError, InputError
from goldspan.serving.api import files, masking, simple, status, tasks
from goldspan.serving.api.access import Access, JsonResponse, translate_error
from goldspan.serving.api.body import read_object
from goldspan.serving.api.openapi import describe_api
from goldspan.serving.jobs import JobStore
from goldspan.serving.ml_backend import routes as ml_backend
from goldspan.serving.ml_backend.training import Training
from goldspan.serving.state import ServerState

if TYPE_CHECKING:
    import uvicorn

SWITCH_SECONDS = 0.001
"""How long a thread may hold Python's lock while the event loop waits for it; Python's own 5 ms make it sluggish."""

WEB = Path(__file__).parent / "web" / "static"


def build_app(state: ServerState) -> Starlette:
    """The ASGI application of a server; it loads the methods when it starts and closes them when it ends."""
    jobs, training = JobStore(state), Training(state)

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        await state.host.start()
        try:
            yield
        finally:
            await training.close()
            await jobs.close()
            await state.close()

    async def predict(request: Request) -> JsonResponse:
        body = await read_object(request, ml_backend.MAX_BODY)
        if "tasks" in body:
            return await ml_backend.answer_tasks(body, state)
        return await simple.answer_predict(body, state)

    async def openapi(request: Request) -> JsonResponse:
        return JsonResponse(describe_api())

    async def page(request: Request) -> Response:
        return FileResponse(WEB / "index.html")

    async def refuse(request: Request, error: Exception) -> Response:
        return translate_error(error)

    app = Starlette(
        routes=[
            Route("/", page),
            Route("/openapi.json", openapi),
            Route("/predict", predict, methods=["POST"]),
            *masking.make_routes(state),
            *files.make_routes(state, jobs),
            *tasks.make_routes(state),
            *status.make_routes(state),
            *simple.make_routes(state),
            *ml_backend.make_routes(state, training),
            Mount("/static", StaticFiles(directory=WEB), name="static"),
        ],
        exception_handlers={HTTPException: refuse, GoldspanError: refuse},
        lifespan=live,
    )
    app.add_middleware(Access, state=state)
    return app


def run_server(state: ServerState, address: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted. `port` 0 takes a free one; `announce` is told the address once it listens.

    Raises:
        ConfigurationError: the address cannot be listened on.
        InputError: the address is not loopback and there is no token.
    """
    import uvicorn

    from goldspan.annotation.origins import is_loopback

    shown = f"[{address}]" if ":" in address else address
    if not is_loopback(f"http://{shown}") and not state.settings.token:
        raise InputError(f"{address} can be reached by others: set a token in GOLDSPAN_SERVE_TOKEN first.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{address}:{port} cannot be listened on: {error.strerror}. Give another --port."
        ) from None
    with listener:
        url = f"http://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(build_app(state), log_level="warning", access_log=False, server_header=False)
        logging.getLogger("goldspan.serve").setLevel(logging.INFO)
        sys.setswitchinterval(SWITCH_SECONDS)
        with suppress(KeyboardInterrupt):
            asyncio.run(_serve(uvicorn.Server(config), listener, lambda: announce(url)))


async def _serve(server: uvicorn.Server, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve, and announce it once the methods are loaded and requests are answered."""
    task = asyncio.create_task(server.serve([listener]))
    while not server.started and not task.done():
        await asyncio.sleep(0.02)
    if server.started:
        announce()
    await task
