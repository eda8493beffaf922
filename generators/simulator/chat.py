"""`/v1/chat/completions`, `/v1/responses` and `/v1/models`."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from goldspan.generators.simulator import responses_api
from goldspan.generators.simulator.answers import Writer, write_answer
from goldspan.generators.simulator.corruptions import ANSWER_KINDS, COMPLETION, CONTENT, apply_faults
from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.routes import require_finished
from goldspan.generators.simulator.wire import make_completion

_PIECE = 16
"""Characters of one event of a stream."""


def make_routes(state: SimulatorState, writer: Writer | None) -> list[Route]:
    """The routes for live requests; `writer` writes the answers."""

    async def complete(body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """The completion of a request, paid for."""
        seen = state.faults.number_call(f"chat {key}") if state.faults.plan.faults else 0
        hits = state.faults.draw(f"{key}/{seen}", {"slow", "failed", "format_refused", *ANSWER_KINDS})
        slow = sum(fault.seconds for fault in hits if fault.kind == "slow")
        await asyncio.sleep(state.settings.latency.draw(state.faults.plan.seed, key) + slow)
        kinds = [fault.kind for fault in hits]
        if "failed" in kinds:
            raise ApiError(400, "The model could not answer this request.", "invalid_request")
        require_format(body, kinds)
        completion = make_completion(body, apply_faults(write_answer(body, writer), kinds, CONTENT), time.time())
        with state.transaction():
            state.add_paid(key, "chat", "", "live", completion)
        return apply_faults(completion, kinds, COMPLETION)

    async def complete_chat(request: Request) -> Response:
        raw = await request.body()
        body = _read_body(raw)
        require_finished(state, str(body["model"]))
        key = request.headers.get("idempotency-key") or hashlib.sha256(raw).hexdigest()[:40]
        if state.settings.idempotent and (known := _find_reply(state, key)):
            return Response(known, media_type="application/json")
        completion = await complete(body, key)
        if body.get("stream"):
            return StreamingResponse(_stream(completion, body), media_type="text/event-stream")
        reply = orjson.dumps(completion)
        if state.settings.idempotent:
            state.database.execute("INSERT OR REPLACE INTO reply VALUES (?, ?)", (key, reply))
        return Response(reply, media_type="application/json")

    async def list_models(request: Request) -> Response:
        profile = get_state(request).profile
        model: dict[str, object] = {
            "id": profile.default_model,
            "object": "model",
            "created": 0,
            "owned_by": "goldspan-simulate",
        }
        if request.query_params.get("include") == "pricing" and profile.cost_estimate:
            model["pricing"] = {
                tier: {"prompt": f"{price.prompt / 1e6:.10f}", "completion": f"{price.completion / 1e6:.10f}"}
                for tier, price in profile.prices.items()
            }
        return JSONResponse({"object": "list", "data": [model]})

    return [
        Route("/v1/chat/completions", guard("chat", complete_chat), methods=["POST"]),
        Route("/v1/models", guard("get", list_models), methods=["GET"]),
        *responses_api.make_routes(complete),
    ]


async def _stream(completion: Mapping[str, Any], body: Mapping[str, Any]) -> AsyncIterator[bytes]:
    """The completion as server-sent events, a few words each."""
    head = {name: completion[name] for name in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    for choice in completion["choices"]:
        index = choice["index"]
        yield _make_event({**head, "choices": [{"index": index, "delta": {"role": "assistant", "content": ""}}]})
        content = choice["message"]["content"] or ""
        for start in range(0, len(content), _PIECE):
            delta = {"content": content[start : start + _PIECE]}
            yield _make_event({**head, "choices": [{"index": index, "delta": delta, "finish_reason": None}]})
        end = {"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}
        yield _make_event({**head, "choices": [end]})
    if (body.get("stream_options") or {}).get("include_usage"):
        yield _make_event({**head, "choices": [], "usage": completion["usage"]})
    yield b"data: [DONE]\n\n"


def _make_event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"


def require_format(body: Mapping[str, object], kinds: list[str]) -> None:
    """Refuse structured outputs as a server without them does, when the plan says so."""
    form = body.get("response_format")
    if "format_refused" in kinds and isinstance(form, Mapping) and form.get("type") == "json_schema":
        raise ApiError(400, "response_format json_schema is not supported by this model.", "invalid_request")


def _find_reply(state: SimulatorState, key: str) -> bytes | None:
    found = state.database.execute("SELECT body FROM reply WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def _read_body(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict) or not body.get("model") or not body.get("messages"):
        raise ApiError(400, "You must provide a model and messages.", "missing_required_parameter")
    for name in ("max_tokens", "max_completion_tokens", "n"):
        value = body.get(name)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ApiError(400, f"{name} must be a whole number of at least 1.", "invalid_value")
    return body
