"""`/v1/responses`: the same model in the form of the Responses API, at once or in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState, make_id

Complete = Callable[[Mapping[str, Any], str], Awaitable[dict[str, Any]]]
"""Completes a chat request body under a key; gives the `chat.completion`."""


def make_routes(complete: Complete) -> list[Route]:
    """The routes; `complete` answers a chat request."""
    running: dict[str, asyncio.Task[None]] = {}

    async def create_response(request: Request) -> Response:
        body = _read_body(await request.body())
        response_id = make_id("resp_")
        made = _make_response(response_id, body, "queued" if body.get("background") else "completed")
        if body.get("background"):
            state = get_state(request)
            _store(state, made)
            task = running[response_id] = asyncio.create_task(_finish(state, made, complete, body))
            task.add_done_callback(lambda done: running.pop(response_id))
            return JSONResponse(made)
        completion = await complete(_to_chat(body), request.headers.get("idempotency-key") or response_id)
        return JSONResponse(_fill(made, completion))

    async def get_response(request: Request) -> Response:
        found = _find(get_state(request), request.path_params["response_id"])
        if found is None:
            raise ApiError(404, "No such response.", "not_found")
        return Response(found, media_type="application/json")

    async def cancel_response(request: Request) -> Response:
        """Stop a background response; one that has ended stays as it is."""
        found = await get_response(request)
        if task := running.get(request.path_params["response_id"]):
            task.cancel()
            cancelled = {**orjson.loads(found.body), "status": "cancelled"}
            _store(get_state(request), cancelled)
            return JSONResponse(cancelled)
        return found

    one = "/v1/responses/{response_id}"
    return [
        Route("/v1/responses", guard("chat", create_response), methods=["POST"]),
        Route(one, guard("get", get_response), methods=["GET"]),
        Route(f"{one}/cancel", guard("cancel", cancel_response), methods=["POST"]),
    ]


async def _finish(state: SimulatorState, made: dict[str, Any], complete: Complete, body: Mapping[str, Any]) -> None:
    try:
        completion = await complete(_to_chat(body), made["id"])
    except ApiError as error:
        _store(state, {**made, "status": "failed", "error": {"code": error.code, "message": error.detail}})
        return
    _store(state, _fill(made, completion))


def _read_body(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, "We could not parse the JSON body of your request.") from error
    if not isinstance(body, dict) or not body.get("model") or not body.get("input"):
        raise ApiError(400, "You must provide a model and an input.", "missing_required_parameter")
    return body


def _to_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a chat completion request."""
    given = body["input"]
    messages = [{"role": "user", "content": given}] if isinstance(given, str) else [_to_message(one) for one in given]
    if body.get("instructions"):
        messages.insert(0, {"role": "system", "content": body["instructions"]})
    chat: dict[str, Any] = {"model": body["model"], "messages": messages}
    form = (body.get("text") or {}).get("format") or {}
    if form.get("type") == "json_schema":
        chat["response_format"] = {
            "type": "json_schema",
            "json_schema": {name: form[name] for name in ("name", "strict", "schema") if name in form},
        }
    elif form.get("type") == "json_object":
        chat["response_format"] = {"type": "json_object"}
    if body.get("max_output_tokens"):
        chat["max_tokens"] = body["max_output_tokens"]
    return chat


def _to_message(one: Mapping[str, Any]) -> dict[str, Any]:
    content = one.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, Mapping))
    return {"role": one.get("role", "user"), "content": content}


def _make_response(response_id: str, body: Mapping[str, Any], status: str) -> dict[str, Any]:
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": bool(body.get("background")),
        "service_tier": body.get("service_tier") or "default",
        "model": body["model"],
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": None,
    }


def _fill(made: dict[str, Any], completion: Mapping[str, Any]) -> dict[str, Any]:
    choice, usage = completion["choices"][0], completion["usage"]
    is_cut = choice["finish_reason"] == "length"
    part: dict[str, Any] = {"type": "output_text", "text": choice["message"]["content"] or "", "annotations": []}
    message = {
        "id": make_id("msg_"),
        "type": "message",
        "role": "assistant",
        "status": "incomplete" if is_cut else "completed",
        "content": [part],
    }
    return {
        **made,
        "status": "incomplete" if is_cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
        "output": [message],
        "usage": {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        },
    }


def _store(state: SimulatorState, response: Mapping[str, Any]) -> None:
    state.database.execute("INSERT OR REPLACE INTO reply VALUES (?, ?)", (response["id"], orjson.dumps(response)))


def _find(state: SimulatorState, response_id: str) -> bytes | None:
    found = state.database.execute("SELECT body FROM reply WHERE key = ?", (response_id,)).fetchone()
    return found[0] if found else None
