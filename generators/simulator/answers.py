"""Answers of the simulated model: the offline author's, or a minimal document for the requested schema."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from goldspan.generators.simulator.examples import make_example
from goldspan.generators.simulator.model_output import ModelOutput

Writer = Callable[[Mapping[str, Any]], str | None]
"""Writes the content for a request body; None when the request is not one that it knows."""


def write_answer(body: Mapping[str, Any], writer: Writer | None) -> ModelOutput:
    """The answer to a chat completion request; cut at `max_tokens` (4 characters a token) as a model would be."""
    content = writer(body) if writer else None
    if content is None:
        content = _make_up(body)
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit and len(content) > int(limit) * 4:
        return ModelOutput(content[: int(limit) * 4], "length")
    return ModelOutput(content)


def _make_up(body: Mapping[str, Any]) -> str:
    form = body.get("response_format") or {}
    match form.get("type"):
        case "json_schema":
            return orjson.dumps(make_example(form.get("json_schema", {}).get("schema", {}))).decode()
        case "json_object":
            return '{"answer": "This provider runs on your machine."}'
        case _:
            return "This provider runs on your machine."
