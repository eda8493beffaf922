"""Answers of the simulated model: the offline author's, or a minimal document for the requested schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from goldspan.generators.simulator.examples import make_example
from goldspan.generators.simulator.faults import Fault

_TAG = re.compile(r"<(/?)([A-Z][A-Z0-9_]+)>")
_WORD = re.compile(r"(?<=[a-zà-ÿ]) (?=[a-zà-ÿ])")


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """One answer of the model, before it becomes a `chat.completion`."""

    content: str
    finish_reason: str = "stop"
    refusal: str = ""


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


def corrupt_answer(written: ModelOutput, faults: list[Fault]) -> ModelOutput:
    """The answer after the plan's faults."""
    for fault in faults:
        written = _CORRUPTIONS[fault.kind](written)
    return written


def _make_up(body: Mapping[str, Any]) -> str:
    form = body.get("response_format") or {}
    match form.get("type"):
        case "json_schema":
            return orjson.dumps(make_example(form.get("json_schema", {}).get("schema", {}))).decode()
        case "json_object":
            return '{"answer": "This provider runs on your machine."}'
        case _:
            return "This provider runs on your machine."


def _truncate(written: ModelOutput) -> ModelOutput:
    return replace(written, content=written.content[: len(written.content) // 2], finish_reason="length")


def _malform(written: ModelOutput) -> ModelOutput:
    return replace(written, content=written.content.rstrip().rstrip("}") + ' "and')


def _mislabel(written: ModelOutput) -> ModelOutput:
    return replace(written, content=_TAG.sub(r"<\1FAVOURITE_COLOUR>", written.content))


def _change_text(written: ModelOutput) -> ModelOutput:
    """Slip a word into the longest text of the answer."""
    try:
        document = json.loads(written.content)
    except ValueError:
        return replace(written, content=_WORD.sub(" indeed ", written.content, count=1))
    longest = max(_iter_strings(document), key=len, default="")
    changed = _WORD.sub(" indeed ", longest, count=1)
    return replace(
        written,
        content=written.content.replace(json.dumps(longest)[1:-1], json.dumps(changed)[1:-1])
        if json.dumps(longest)[1:-1] in written.content
        else written.content.replace(longest, changed),
    )


def _refuse(written: ModelOutput) -> ModelOutput:
    return replace(written, content="", refusal="I cannot help with that request.")


def _empty(written: ModelOutput) -> ModelOutput:
    return replace(written, content="")


def _iter_strings(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _iter_strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _iter_strings(part)


_CORRUPTIONS: dict[str, Callable[[ModelOutput], ModelOutput]] = {
    "truncated": _truncate,
    "malformed": _malform,
    "wrong_labels": _mislabel,
    "changed_text": _change_text,
    "refusal": _refuse,
    "empty_answer": _empty,
}
