"""`/v1/chat/completions` and `/v1/models`."""

from __future__ import annotations

import asyncio
import hashlib
import time

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.answers import Writer, corrupt_answer, write_answer
from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.faults import ANSWER_KINDS
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
        hits = state.faults.draw(f"{key}/{seen}", {"slow", "failed", *ANSWER_KINDS})
        slow = sum(fault.seconds for fault in hits if fault.kind == "slow")
        await asyncio.sleep(state.settings.latency.draw(state.faults.plan.seed, key) + slow)
        if any(fault.kind == "failed" for fault in hits):
            raise ApiError(400, "The model could not answer this request.", "invalid_request")
        written = corrupt_answer(write_answer(body, writer), [hit for hit in hits if hit.kind in ANSWER_KINDS])
        completion = make_completion(body, written, time.time())
        reply = orjson.dumps(completion)
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
