"""`/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.answers import Writer, write_answer
from goldspan.generators.simulator.corruptions import ANSWER_KINDS, corrupt_completion, corrupt_output
from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.wire import make_completion


def make_routes(state: SimulatorState, writer: Writer | None) -> list[Route]:
    """The routes for live requests; `writer` writes the answers."""

    async def complete_chat(request: Request) -> Response:
        raw = await request.body()
        body = _read_body(raw)
        key = request.headers.get("idempotency-key") or hashlib.sha256(raw).hexdigest()[:40]
        if state.settings.idempotent and (known := _find_reply(state, key)):
            return Response(known, media_type="application/json")
        seen = state.faults.number_call(f"chat {key}") if state.faults.plan.faults else 0
        hits = state.faults.draw(f"{key}/{seen}", {"slow", "failed", "format_refused", *ANSWER_KINDS})
        slow = sum(fault.seconds for fault in hits if fault.kind == "slow")
        await asyncio.sleep(state.settings.latency.draw(state.faults.plan.seed, key) + slow)
        kinds = [fault.kind for fault in hits]
        if "failed" in kinds:
            raise ApiError(400, "The model could not answer this request.", "invalid_request")
        require_format(body, kinds)
        written = corrupt_output(write_answer(body, writer), kinds)
        completion = make_completion(body, written, time.time())
        reply = orjson.dumps(corrupt_completion(completion, kinds))
        with state.transaction():
            state.add_paid(key, "chat", "", "live", completion)
            if state.settings.idempotent:
                state.database.execute("INSERT OR REPLACE INTO reply VALUES (?, ?)", (key, reply))
        return Response(reply, media_type="application/json")

    async def list_models(request: Request) -> Response:
        name = get_state(request).profile.default_model
        model = {"id": name, "object": "model", "created": 0, "owned_by": "goldspan-simulate"}
        return JSONResponse({"object": "list", "data": [model]})

    return [
        Route("/v1/chat/completions", guard("chat", complete_chat), methods=["POST"]),
        Route("/v1/models", guard("get", list_models), methods=["GET"]),
    ]


def require_format(body: Mapping[str, object], kinds: list[str]) -> None:
    """Refuse structured outputs as a server without them does, when the plan says so."""
    form = body.get("response_format")
    if "format_refused" in kinds and isinstance(form, Mapping) and form.get("type") == "json_schema":
        raise ApiError(400, "response_format json_schema is not supported by this model.", "invalid_request")


def _find_reply(state: SimulatorState, key: str) -> bytes | None:
    found = state.database.execute("SELECT body FROM reply WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def _read_body(raw: bytes) -> dict[str, object]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict) or not body.get("model") or not body.get("messages"):
        raise ApiError(400, "You must provide a model and messages.", "missing_required_parameter")
    return body
