"""Faults of replies: the call is carried out, and what comes back is odd.

One table serves every call. A fault changes status, headers or body of a reply, the JSON object in it, each batch that
it shows, or the lines of a file. Errors that come in place of a reply have the words of the many servers that speak the
OpenAI protocol.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from goldspan.generators.simulator.wire import build_error


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; of one that `is_cut` half is sent, and then the connection closes."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def document(self) -> Any:
        """The JSON of the body; None if it holds none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    def with_document(self, document: Any) -> Reply:
        """The same with another JSON body."""
        return replace(self, body=orjson.dumps(document))


class _CutResponse(Response):
    """A part of a reply that promises more; then the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head with the whole length and half of the body."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def read_reply(response: Response) -> Reply:
    """A response with its whole body, which may be a stream."""
    pieces = [response.body] if hasattr(response, "body") else [piece async for piece in response.body_iterator]  # type: ignore[attr-defined]
    body = b"".join(piece.encode() if isinstance(piece, str) else bytes(piece) for piece in pieces)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return Reply(response.status_code, body, headers)


def make_response(reply: Reply) -> Response:
    """A reply to be sent."""
    kind = _CutResponse if reply.is_cut else Response
    return kind(reply.body, reply.status, dict(reply.headers))


Change = Callable[[Reply], Reply]


def _on_object(change: Callable[[dict[str, Any]], Any]) -> Change:
    def apply(reply: Reply) -> Reply:
        document = reply.document
        return reply.with_document(change(document)) if isinstance(document, dict) else reply

    return apply


def _on_batches(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Change:
    """A change of each batch that a reply shows, alone or in a list."""

    def show(document: dict[str, Any]) -> dict[str, Any]:
        if isinstance(document.get("data"), list):
            return {**document, "data": [change(one) for one in document["data"]]}
        return change(document) if document.get("object") == "batch" else document

    return _on_object(show)


def _on_list(change: Callable[[list[Any]], dict[str, Any]]) -> Change:
    return _on_object(lambda document: change(document["data"]) if isinstance(document.get("data"), list) else document)


def _on_lines(change: Callable[[list[Any]], bytes]) -> Change:
    def apply(reply: Reply) -> Reply:
        try:
            lines = [orjson.loads(line) for line in reply.body.splitlines() if line.strip()]
        except orjson.JSONDecodeError:
            return reply
        return replace(reply, body=change(lines)) if reply.status == 200 else reply

    return apply


def _zip(reply: Reply) -> Reply:
    return replace(reply, body=gzip.compress(reply.body), headers={**reply.headers, "content-encoding": "gzip"})


def _damage(reply: Reply) -> Reply:
    packed = _zip(reply)
    middle = len(packed.body) // 2
    return replace(packed, body=packed.body[:middle] + bytes(8) + packed.body[middle + 8 :])


def _as_events(reply: Reply) -> Reply:
    """A completion as the stream that nobody asked for."""
    whole = reply.document
    if not isinstance(whole, dict) or not whole.get("choices"):
        return reply
    head = {name: value for name, value in whole.items() if name not in {"choices", "usage"}}
    text = str(whole["choices"][0]["message"]["content"] or "")
    deltas: list[dict[str, Any]] = [{"content": text[start : start + 16]} for start in range(0, len(text), 16)]
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append({**head, "choices": [], "usage": whole.get("usage")})
    events = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks)
    headers = {**reply.headers, "content-type": "text/event-stream"}
    return replace(reply, body=b": PROCESSING\n\n" + events + b"data: [DONE]\n\n", headers=headers)


def _break_events(reply: Reply) -> Reply:
    """A stream that an error ends, as a router sends it when the provider behind it fails."""
    events = _as_events(reply).body.split(b"\n\n")
    failure = {"error": {"code": 502, "message": "Provider disconnected unexpectedly"}, "choices": []}
    half = [*events[: len(events) // 2], b"data: " + orjson.dumps(failure), b"data: [DONE]", b""]
    return replace(reply, body=b"\n\n".join(half), headers={**reply.headers, "content-type": "text/event-stream"})


def _set_choice(**fields: Any) -> Change:
    def change(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "choices": [{**choice, **fields} for choice in document.get("choices", ())]}

    return _on_object(change)


REPLY: dict[str, Change] = {
    "gzip": _zip,
    "gzip_damaged": _damage,
    "gzip_claimed": lambda reply: replace(reply, headers={**reply.headers, "content-encoding": "gzip"}),
    "gzip_unannounced": lambda reply: replace(reply, body=gzip.compress(reply.body)),
    "cut_connection": lambda reply: replace(reply, is_cut=True),
    "keep_alive_blanks": lambda reply: replace(reply, body=b"\n" * 40 + reply.body),
    "status_202": lambda reply: replace(reply, status=202),
    "no_content": lambda reply: Reply(204, b""),
    "event_stream": _as_events,
    "event_stream_error": _break_events,
    "usage_as_text": _on_object(
        lambda one: {**one, "usage": {name: str(count) for name, count in (one.get("usage") or {}).items()}}
    ),
    "no_usage": _on_object(lambda one: {name: value for name, value in one.items() if name != "usage"}),
    "no_choices": _on_object(lambda one: {**one, "choices": []}),
    "null_choices": _on_object(lambda one: {**one, "choices": None}),
    "choices_as_object": _on_object(
        lambda one: {**one, "choices": {str(n): choice for n, choice in enumerate(one.get("choices", ()))}}
    ),
    "content_filter": _set_choice(
        message={"role": "assistant", "content": ""},
        finish_reason="content_filter",
        content_filter_results={"violence": {"filtered": True, "severity": "medium"}},
    ),
    "choice_error": _set_choice(
        message={"role": "assistant", "content": ""},
        finish_reason="error",
        error={"code": 502, "message": "Upstream error from the provider"},
    ),
    "detail_body": lambda reply: Reply(200, b'{"detail": "There is no instance of this model."}', reply.headers),
    "no_counts": _on_batches(lambda one: {name: value for name, value in one.items() if name != "request_counts"}),
    "counts_as_text": _on_batches(
        lambda one: {**one, "request_counts": {name: str(count) for name, count in one["request_counts"].items()}}
    ),
    "negative_counts": _on_batches(lambda one: {**one, "request_counts": dict.fromkeys(one["request_counts"], -1)}),
    "times_in_milliseconds": _on_batches(
        lambda one: {k: v * 1000 if k.endswith("_at") and isinstance(v, int) else v for k, v in one.items()}
    ),
    "times_as_text": _on_batches(
        lambda one: {k: "2026-11-26T12:00:00Z" if k.endswith("_at") and v else v for k, v in one.items()}
    ),
    "no_times": _on_batches(lambda one: {name: value for name, value in one.items() if not name.endswith("_at")}),
    "no_metadata": _on_batches(lambda one: {**one, "metadata": None}),
    "no_input_file": _on_batches(lambda one: {**one, "input_file_id": None}),
    "no_output_file": _on_batches(lambda one: {**one, "output_file_id": None}),
    "failed_without_reason": _on_batches(lambda one: {**one, "status": "failed"}),
    "errors_as_list": _on_batches(lambda one: {**one, "errors": []}),
    "warnings_as_errors": _on_batches(
        lambda one: {**one, "errors": {"data": [{"code": "warning", "message": "This model will be retired."}]}}
    ),
    "oldest_first": _on_list(lambda data: {"object": "list", "data": data[::-1], "has_more": False}),
    "data_alone": _on_list(lambda data: {"data": data}),
    "null_entries": _on_list(lambda data: {"object": "list", "data": [None, *data, {}], "has_more": False}),
    "empty_list": _on_list(lambda data: {"object": "list", "data": [], "has_more": False}),
    "endless_list": _on_list(lambda data: {"object": "list", "data": data, "has_more": True}),
    "lines_as_list": _on_lines(orjson.dumps),
    "lines_in_object": _on_lines(lambda lines: orjson.dumps({"data": lines})),
    "indented_lines": _on_lines(
        lambda lines: b"\n".join(orjson.dumps(line, option=orjson.OPT_INDENT_2) for line in lines)
    ),
    "short_reply": lambda reply: replace(reply, body=reply.body[: len(reply.body) // 2]),
    "repeated_lines": lambda reply: replace(reply, body=reply.body * 2) if reply.status == 200 else reply,
}
"""Faults of replies by kind."""

REPLY_KINDS = frozenset(REPLY)

SHAPES: dict[str, Callable[[int, str], Any]] = {
    "openai": lambda status, message: build_error(message, status),
    "azure": lambda status, message: {
        "error": {
            "message": message,
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": status,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
        }
    },
    "vllm": lambda status, message: {"object": "error", "message": message, "type": "Error", "code": status},
    "ollama": lambda status, message: {"error": message},
    "fastapi": lambda status, message: {"detail": [{"loc": ["body", "messages"], "msg": message, "type": "value"}]},
    "anthropic": lambda status, message: {"type": "error", "error": {"type": "overloaded_error", "message": message}},
    "gemini": lambda status, message: [{"error": {"code": status, "message": message, "status": "UNAVAILABLE"}}],
    "openrouter": lambda status, message: {
        "error": {"message": message, "code": status, "metadata": {"provider_name": "Upstream", "raw": "{}"}}
    },
    "mistral": lambda status, message: {"object": "error", "message": message, "type": "error", "code": str(status)},
}
"""Error bodies by the server that writes them; `html` and `plain` are no JSON, `empty` is none at all."""


def write_refusal(status: int, shape: str, message: str) -> Reply:
    """An error as one of many servers words it."""
    if shape in SHAPES:
        return Reply(status, json.dumps(SHAPES[shape](status, message)).encode(), {"content-type": "application/json"})
    if shape == "html":
        page = f"<html><head><title>{status}</title></head><body><center><h1>{status}</h1></center></body></html>"
        return Reply(status, page.encode(), {"content-type": "text/html"})
    return Reply(status, b"" if shape == "empty" else message.encode(), {"content-type": "text/plain"})
