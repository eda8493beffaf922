"""Error responses as the providers write them, injected faults, dropped connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from goldspan.generators.simulator.corruptions import apply_faults
from goldspan.generators.simulator.faults import CALL_KINDS, Fault
from goldspan.generators.simulator.replies import REPLY, REPLY_KINDS, make_response, read_reply, write_refusal
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.wire import build_error

Endpoint = Callable[[Request], Awaitable[Response]]


class ApiError(HTTPException):
    """An error that becomes an API error body."""

    def __init__(
        self, status: int, message: str, code: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, message, headers)
        self.code = code


class DroppedConnection(Response):
    """The connection closes in the middle of the reply."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin a reply and never end it."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})


async def render_error(request: Request, error: Exception) -> Response:
    """The JSON body of an error."""
    if not isinstance(error, HTTPException):
        return JSONResponse(build_error("The server had an error.", 500), 500)
    code = error.code if isinstance(error, ApiError) else None
    body = build_error(error.detail, error.status_code, code)
    if get_state(request).profile.name == "mistral":
        body = {"object": "error", **body["error"]}
    return JSONResponse(body, error.status_code, headers=error.headers)


def get_state(request: Request) -> SimulatorState:
    """The state of the server that answers this request."""
    state: SimulatorState = request.app.state.memory
    return state


def guard(call: str, endpoint: Endpoint) -> Endpoint:
    """The endpoint behind the key check and the plan's faults for this sort of call."""

    async def respond(request: Request) -> Response:
        if not request.headers.get("authorization", "").startswith("Bearer "):
            raise ApiError(401, "You did not provide an API key.", "invalid_api_key")
        state = get_state(request)
        faults = state.faults
        drawn = faults.draw(str(faults.number_call(call)), CALL_KINDS | REPLY_KINDS, call)
        hits = {fault.kind: fault for fault in drawn}
        for fault in hits.values():
            _refuse(fault, call, state)
        if replacement := _replace(request, hits):
            return replacement
        response = await endpoint(request)
        if "accept_and_drop" in hits:
            return DroppedConnection()
        if "gateway_timeout" in hits:
            return JSONResponse(build_error("The upstream server did not answer in time.", 504), 504)
        if odd := [kind for kind in hits if kind in REPLY_KINDS]:
            return make_response(apply_faults(await read_reply(response), odd, REPLY))
        return response

    return respond


def _replace(request: Request, hits: Mapping[str, Fault]) -> Response | None:
    """What comes in place of the reply, with nothing done: an error of some server, a login page, nothing, a redirect,
    the key in an error.
    """
    if fault := hits.get("error_reply"):
        return make_response(write_refusal(fault.status, fault.shape, fault.message))
    if "web_page" in hits:
        return HTMLResponse("<!DOCTYPE html>\n<html><body>Please sign in.</body></html>\n")
    if "empty_reply" in hits:
        return Response(b"")
    if "redirect" in hits:
        return RedirectResponse(f"http://localhost:9{request.url.path}", 307)
    if "echo_key" in hits:
        said = f"Incorrect API key provided: {request.headers.get('authorization', '')}"
        return JSONResponse(build_error(said, 400, "invalid_api_key"), 400)
    return None


def _refuse(fault: Fault, call: str, state: SimulatorState) -> None:
    match fault.kind:
        case "too_many_requests":
            what = (
                "Insufficient capacity, please try again in 30 seconds." if call == "create" else "Rate limit reached."
            )
            raise ApiError(429, what, "rate_limit_exceeded", {"Retry-After": f"{fault.retry_after:g}"})
        case "payment_required":
            raise ApiError(402, "Your account has no balance left. Please add credits.", "insufficient_credits")
        case "server_error":
            raise ApiError(500, "The server had an error while processing your request.")
        case "file_gone":
            state.database.execute("UPDATE file SET deleted = 1 WHERE kind = 'input'")
