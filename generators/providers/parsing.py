"""Parse chat completions, whichever server wrote them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from goldspan.generators.providers.fields import as_mapping, read_count
from goldspan.generators.providers.protocol import Answer, AnswerState

TRUNCATED = "length"
_TRUNCATIONS = frozenset(
    {"length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "token_limit", "incomplete"}
)
_TEXT_PARTS = frozenset({"text", "output_text", ""})
_REASONING_FIELDS = ("reasoning_content", "reasoning")


def load_json_bytes(raw: bytes) -> Any:
    """The JSON of bytes as received; a byte order mark and lone surrogates are accepted.

    Raises:
        ValueError: it is not JSON.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(raw.decode("utf-8", "surrogatepass"), strict=False)


def load_document(raw: bytes) -> Any:
    """The JSON of bytes as received; None when it is not JSON."""
    try:
        return load_json_bytes(raw)
    except (ValueError, RecursionError):
        return None


def read_completion(custom_id: str, body: Mapping[str, Any]) -> Answer:
    """Parse a `chat.completion` object; malformed ones and errors become FAILED answers.

    The content may be text, a list of parts, the arguments of a tool call, or stand in a reasoning field alone.
    """
    usage = as_mapping(body.get("usage"))
    blank = Answer(
        custom_id,
        tokens_in=read_count(usage, "prompt_tokens", "input_tokens"),
        tokens_out=read_count(usage, "completion_tokens", "output_tokens"),
        model=str(body.get("model") or ""),
    )
    choice = _find_choice(body)
    if error := find_error(body):
        return replace(blank, state=AnswerState.FAILED, error=error[0], message=error[1])
    if not choice:
        said = next((body[name] for name in ("detail", "message") if isinstance(body.get(name), str)), "")
        problem = f"the answer has no choices: {said[:300]}" if said else "the answer has no choices"
        return replace(blank, state=AnswerState.FAILED, error="no_choices", message=problem)
    message = as_mapping(choice.get("message"))
    reason = str(choice.get("finish_reason") or "")
    content, repairs = _read_content(choice, message)
    return replace(
        blank,
        content=content,
        repairs=repairs,
        finish_reason=TRUNCATED if reason.casefold() in _TRUNCATIONS else reason,
        refusal=str(message.get("refusal") or ""),
    )


def find_error(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """Code and message of an error that a server sent with status 200; None if there is none."""
    choice = _find_choice(body)
    error = body.get("error") or choice.get("error") or as_mapping(choice.get("message")).get("error")
    if error:
        return read_error(error)
    if str(choice.get("finish_reason") or "").casefold() == "error":
        return "error", "the model stopped with an error"
    return None


def _find_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice, of a list or of an object; empty if there is none."""
    choices = body.get("choices")
    if isinstance(choices, Mapping):
        choices = [choices] if "message" in choices else list(choices.values())
    return as_mapping(choices[0]) if isinstance(choices, list) and choices else {}


def read_events(raw: bytes) -> dict[str, Any] | None:
    """The `chat.completion` that server-sent events give when put together; None if the bytes are no such stream.

    Some servers stream whether asked to or not. A stream that was cut before its last event is none.
    """
    chunks = [line.partition(b":")[2].strip() for line in raw.splitlines() if line.startswith(b"data:")]
    if not chunks:
        return None
    whole: dict[str, Any] = {}
    content, reason = "", ""
    for chunk in chunks:
        if chunk == b"[DONE]":
            break
        document = load_document(chunk)
        if not isinstance(document, Mapping):
            return None
        whole |= {name: value for name, value in document.items() if name != "choices" and value}
        choice = _find_choice(document)
        content += str(as_mapping(choice.get("delta")).get("content") or "")
        reason = str(choice.get("finish_reason") or reason)
    if not reason and "error" not in whole:
        return None
    message = {"role": "assistant", "content": content}
    return {**whole, "choices": [{"index": 0, "message": message, "finish_reason": reason}]}


def read_error(error: Any) -> tuple[str, str]:
    """Code and message of an error object, however it is built."""
    if not isinstance(error, Mapping):
        return "error", str(error)[:300]
    inner = error.get("error")
    if isinstance(inner, Mapping):
        return read_error(inner)
    code = error.get("code") or error.get("type") or error.get("status") or "error"
    message = error.get("message") or error.get("detail") or error.get("msg") or inner or ""
    return str(code)[:60], str(message)[:300]


def _read_content(choice: Mapping[str, Any], message: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    content = message.get("content")
    if isinstance(content, list):
        text = "".join(_read_part(part) for part in content)
        if text.strip():
            return text, ("content_parts",)
    elif isinstance(content, Mapping):
        return json.dumps(content, ensure_ascii=False), ("content_object",)
    elif content and str(content).strip():
        return str(content), ()
    if arguments := _read_tool_call(message):
        return arguments, ("tool_call",)
    parsed = message.get("parsed")
    if isinstance(parsed, Mapping):
        return json.dumps(parsed, ensure_ascii=False), ("parsed_field",)
    for name in _REASONING_FIELDS:
        if isinstance(message.get(name), str) and message[name].strip():
            return message[name], ("reasoning_field",)
    plain = choice.get("text")
    return (plain, ("text_field",)) if isinstance(plain, str) and plain else ("", ())


def _read_part(part: Any) -> str:
    if isinstance(part, str):
        return part
    entry = as_mapping(part)
    if str(entry.get("type") or "") not in _TEXT_PARTS:
        return ""
    text = entry.get("text")
    return str(text.get("value") or "") if isinstance(text, Mapping) else str(text or "")


def _read_tool_call(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    call = as_mapping(calls[0]) if isinstance(calls, list) and calls else {}
    function = as_mapping(call.get("function") or message.get("function_call"))
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping):
        return json.dumps(arguments, ensure_ascii=False)
    return arguments if isinstance(arguments, str) else ""
