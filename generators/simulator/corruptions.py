"""Faults of answers: what small models, proxies and half-compatible servers make of a good one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from goldspan.generators.simulator.model_output import ModelOutput

T = TypeVar("T")
_TAG = re.compile(r"<(/?)([A-Z][A-Z0-9_]+)>")
_ENTITY = re.compile(r"<([A-Z][A-Z0-9_]+)>(.*?)</\1>", re.DOTALL)
_WORD = re.compile(r"(?<=[a-zà-ÿ]) (?=[a-zà-ÿ])")
_OTHER_LANGUAGE = "尊敬的客户，感谢您的来信。我们已经收到您的申请，并将在三个工作日内与您联系。此致敬礼。"


def apply_faults(value: T, kinds: Iterable[str], changes: Mapping[str, Callable[[T], T]]) -> T:
    """The value after those of its `changes` that are among the faults."""
    for kind in kinds:
        if kind in changes:
            value = changes[kind](value)
    return value


def _on_content(change: Callable[[str], str]) -> Callable[[ModelOutput], ModelOutput]:
    return lambda output: replace(output, content=change(output.content))


def _on_text(change: Callable[[str], str]) -> Callable[[ModelOutput], ModelOutput]:
    """A change of the document inside the JSON."""

    def apply(output: ModelOutput) -> ModelOutput:
        try:
            document = json.loads(output.content)
            document["tagged_text"] = change(document["tagged_text"])
        except (ValueError, KeyError, TypeError):
            return output
        return replace(output, content=json.dumps(document, ensure_ascii=False))

    return apply


def _truncate(output: ModelOutput) -> ModelOutput:
    return replace(output, content=output.content[: len(output.content) // 2], finish_reason="length")


def _truncate_silently(output: ModelOutput) -> ModelOutput:
    return replace(_truncate(output), finish_reason="stop")


def _truncate_otherwise(output: ModelOutput) -> ModelOutput:
    return replace(_truncate(output), finish_reason="model_length")


def _change_text(output: ModelOutput) -> ModelOutput:
    """Slip a word into the longest text of the answer."""
    try:
        document = json.loads(output.content)
    except ValueError:
        return replace(output, content=_WORD.sub(" indeed ", output.content, count=1))
    longest = max(_iter_strings(document), key=len, default="")
    changed = _WORD.sub(" indeed ", longest, count=1)
    return replace(
        output,
        content=output.content.replace(json.dumps(longest)[1:-1], json.dumps(changed)[1:-1])
        if json.dumps(longest)[1:-1] in output.content
        else output.content.replace(longest, changed),
    )


def _iter_strings(value: Any) -> Any:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _iter_strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _iter_strings(part)


def _untag_every_second(text: str) -> str:
    count = 0

    def untag(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return match[2] if count % 2 else match[0]

    return _ENTITY.sub(untag, text)


def _quote_singly(content: str) -> str:
    document = json.loads(content)
    return "{" + ", ".join(f"'{key}': " + repr(value) for key, value in document.items()) + "}"


def _break_lines(content: str) -> str:
    return content.replace("\\n", "\n").replace(". ", ".\n", 1)


def _add_key(content: str) -> str:
    return json.dumps({"notes": "All values were used.", **json.loads(content)}, ensure_ascii=False)


CONTENT: dict[str, Callable[[ModelOutput], ModelOutput]] = {
    "truncated": _truncate,
    "truncated_silently": _truncate_silently,
    "model_length": _truncate_otherwise,
    "malformed": _on_content(lambda content: content.rstrip().rstrip("}") + ' "and'),
    "wrong_labels": _on_content(lambda content: _TAG.sub(r"<\1FAVOURITE_COLOUR>", content)),
    "changed_text": _change_text,
    "refusal": lambda output: replace(output, content="", refusal="I cannot help with that request."),
    "empty_answer": _on_content(lambda content: ""),
    "untagged": _on_text(lambda text: _TAG.sub("", text)),
    "half_tagged": _on_text(_untag_every_second),
    "one_label": _on_text(lambda text: _TAG.sub(r"<\1CITY>", text)),
    "lowercase_tags": _on_text(lambda text: _TAG.sub(lambda match: match[0].lower(), text)),
    "other_language": _on_text(lambda text: _OTHER_LANGUAGE),
    "placeholder": _on_text(lambda text: _ENTITY.sub(r"<\1>[Your Name]</\1>", text, count=1)),
    "preface": _on_text(lambda text: f"Sure! Here is the document:\n\n{text}"),
    "fenced": _on_content(lambda content: f"Sure! Here is {{the JSON}}:\n\n```json\n{content}\n```\nAnything else?"),
    "think_block": _on_content(lambda content: f"<think>The user wants {{a document}}.</think>\n{content}"),
    "trailing_comma": _on_content(lambda content: content.rstrip().removesuffix("}") + ",\n}"),
    "raw_line_breaks": _on_content(_break_lines),
    "smart_quotes": _on_content(
        lambda content: content.replace('{"', "{“").replace('": "', "”: “").replace('"}', "”}")
    ),
    "single_quotes": _on_content(_quote_singly),
    "in_list": _on_content(lambda content: f"[{content}]"),
    "double_encoded": _on_content(json.dumps),
    "extra_key": _on_content(_add_key),
    "bare_text": lambda output: replace(output, content=json.loads(output.content)["tagged_text"]),
}
"""Faults of the content by kind."""


def _change_message(**fields: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def apply(completion: dict[str, Any]) -> dict[str, Any]:
        choice = completion["choices"][0]
        content = choice["message"]["content"]
        made = {name: value(content) if callable(value) else value for name, value in fields.items()}
        return {**completion, "choices": [{**choice, "message": {**choice["message"], **made}}]}

    return apply


def _replace_by_error(completion: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"message": "Provider returned error: the upstream is overloaded", "code": 502}}


COMPLETION: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "content_parts": _change_message(
        content=lambda text: [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}]
    ),
    "reasoning_only": _change_message(content=None, reasoning_content=lambda text: text),
    "tool_call": _change_message(
        content=None,
        tool_calls=lambda text: [
            {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": text}}
        ],
    ),
    "error_body": _replace_by_error,
}
"""Faults of the completion object by kind."""


def _edit_line(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def apply(line: bytes) -> bytes:
        document = orjson.loads(line)
        change(document)
        return orjson.dumps(document)

    return apply


def _drop_id(document: dict[str, Any]) -> None:
    document.pop("custom_id")


def _alter_id(document: dict[str, Any]) -> None:
    document["custom_id"] = f"x{document['custom_id'][1:]}"


def _status_as_text(document: dict[str, Any]) -> None:
    if document.get("response"):
        document["response"]["status_code"] = "200"


def _body_as_text(document: dict[str, Any]) -> None:
    if document.get("response"):
        document["response"]["body"] = orjson.dumps(document["response"]["body"]).decode()


def _change_id(change: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    def apply(document: dict[str, Any]) -> None:
        document["custom_id"] = change(document["custom_id"])

    return apply


def _status_zero(document: dict[str, Any]) -> None:
    if document.get("response"):
        document["response"]["status_code"] = 0


def _body_as_response(document: dict[str, Any]) -> None:
    if document.get("response"):
        document["response"] = document["response"]["body"]


def _body_on_line(document: dict[str, Any]) -> None:
    if response := document.pop("response", None):
        document.update(response["body"])


def _empty_error(document: dict[str, Any]) -> None:
    document["error"] = document.get("error") or {}


LINE: dict[str, Callable[[bytes], bytes]] = {
    "byte_order_mark": lambda line: b"\xef\xbb\xbf" + line,
    "carriage_return": lambda line: line + b"\r",
    "blank_line": lambda line: b"\n" + line + b"\n",
    "cut_line": lambda line: line[: len(line) * 2 // 3],
    "lone_surrogate": lambda line: line.replace(b'"refusal":null', b'"refusal":null,"note":"\\ud800"'),
    "no_custom_id": _edit_line(_drop_id),
    "altered_custom_id": _edit_line(_alter_id),
    "status_as_text": _edit_line(_status_as_text),
    "body_as_text": _edit_line(_body_as_text),
    "upper_case_id": _edit_line(_change_id(str.upper)),
    "blanks_around_id": _edit_line(_change_id(lambda custom_id: f" {custom_id} ")),
    "status_zero": _edit_line(_status_zero),
    "body_as_response": _edit_line(_body_as_response),
    "body_on_line": _edit_line(_body_on_line),
    "empty_error": _edit_line(_empty_error),
}
"""Faults of a line by kind."""

ANSWER_KINDS = frozenset({*CONTENT, *COMPLETION})
LINE_KINDS = frozenset(LINE)
