"""Bodies of requests: read up to a limit, parsed, held against a JSON Schema."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Message

import goldspan.schemas as schemas
from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.redaction import show_controls
from goldspan.serving.limits import LimitError


async def read_json(request: Request, schema: str, limit: int) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        LimitError: the body has more than `limit` bytes.
        UnknownNameError: it has a key that the JSON Schema of that name does not know.
        InputError: it is not JSON, or not what the JSON Schema allows.
    """
    value = await read_object(request, limit)
    check_request(value, schema)
    return value


def check_request(value: dict[str, Any], schema: str) -> None:
    """Hold the JSON object of a request against the JSON Schema of that name.

    Raises:
        UnknownNameError: it has a key that the schema does not know.
        InputError: it is not what the schema allows.
    """
    validator = schemas.validator(schema)
    known = validator.schema["properties"]
    if unknown := next((key for key in value if key not in known), None):
        raise UnknownNameError("key of the request", show_controls(unknown)[:80], known)
    problems = validator.problems(value)
    if problems:
        named = "; ".join(f"{one.pointer or '/'}: {_describe(one.message)}" for one in problems[:3])
        raise InputError(f"The request is not as it should be: {named}.")


async def read_object(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object of a request, whatever is in it."""
    check_length(request, limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise _refuse_size(limit)
    try:
        value = orjson.loads(bytes(body))
    except orjson.JSONDecodeError as error:
        raise InputError(f"The body is not JSON: {error.msg} at byte {error.pos}.") from None
    if not isinstance(value, dict):
        raise InputError("The body has to be a JSON object.")
    return value


def check_length(request: Request, limit: int) -> None:
    """Refuse a request that announces more than `limit` bytes."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise _refuse_size(limit)


def limit_receive(receive: Callable[[], Awaitable[Message]], limit: int) -> Callable[[], Awaitable[Message]]:
    """The channel of a request that raises once more than `limit` bytes came."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise _refuse_size(limit)
        return message

    return limited


def _refuse_size(limit: int) -> LimitError:
    return LimitError(f"The request is larger than {limit:,} bytes.", 413)


def _describe(message: str) -> str:
    """What was expected, without the value that was sent: it may be a text."""
    _, separator, expected = message.rpartition("; expected ")
    if separator:
        return f"expected {expected}"
    return message if not message.startswith(('"', "'", "[", "{")) else "the value has the wrong form"
