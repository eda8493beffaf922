"""Parse the lines of output and error files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from goldspan.generators.providers.protocol import Answer, AnswerState, read_completion


def read_line(line: bytes) -> Answer | None:
    """The answer in a line of an output or error file; None when the line cannot be told to any row."""
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, Mapping) or not isinstance(document.get("custom_id"), str):
        return None
    custom_id = document["custom_id"]
    response = document.get("response")
    if isinstance(response, Mapping):
        return _read_response(custom_id, response)
    error = document.get("error")
    code, message = _read_error(error)
    return _fail(custom_id, code or "no_response", message or "the line holds neither an answer nor an error")


def _read_response(custom_id: str, response: Mapping[str, Any]) -> Answer:
    status = response.get("status_code", 200)
    body = response.get("body")
    if status == 200 and isinstance(body, Mapping):
        return read_completion(custom_id, body)
    error = body.get("error") if isinstance(body, Mapping) else None
    _, message = _read_error(error)
    return _fail(custom_id, f"http_{status}", message or "the provider could not answer the row")


def _read_error(error: Any) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", str(error or "")[:300]
    return str(error.get("code") or ""), str(error.get("message") or "")[:300]


def _fail(custom_id: str, code: str, message: str) -> Answer:
    return Answer(custom_id, AnswerState.FAILED, error=code, message=message)
