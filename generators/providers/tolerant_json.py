"""Read the JSON of a language model's answer, however it is wrapped or misspelt.

Small and mid-size models put talk, reasoning blocks or code fences around their JSON, break lines inside strings, leave
trailing commas, use single or typographic quotes, encode twice, or wrap the object in a list. All of that is read, and
each repair is named. An answer that ends in the middle is never completed: it is `TruncatedJsonError`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.generators.providers.lenient_parser import LenientParser, TruncatedJsonError

_REASONING = re.compile(r"\A\s*<(think|thinking|reasoning|thought)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_REASONING_END = re.compile(r"</(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_REASONING_START = re.compile(r"\A\s*<(?:think|thinking|reasoning|thought)>", re.IGNORECASE)
_START = re.compile(r"[{\[\"“]")
_BARE_PAIR = re.compile(r"""\s*["']?\w+["']?\s*:\s*["'“]""")
_MAX_STARTS = 60
_MAX_DEPTH = 4


@dataclass(frozen=True, slots=True)
class LoadedAnswer:
    """The object of an answer, and the names of the repairs that reading it took."""

    document: dict[str, Any]
    repairs: tuple[str, ...] = ()


def load_answer(content: str, keys: Collection[str]) -> LoadedAnswer:
    """The JSON object of an answer that has at least one of `keys`; other keys are dropped.

    Raises:
        TruncatedJsonError: the object ends in the middle.
        ValueError: there is no such object.
    """
    repairs: list[str] = []
    body = strip_reasoning(content, repairs)
    if '"' not in body and "&quot;" in body:
        body = html.unescape(body)
        repairs.append("html_escapes")
    noted = list(repairs)
    try:
        document = _pick_object(json.loads(body), keys, noted)
    except (ValueError, RecursionError):
        noted = repairs
        document = _scan(body, keys, noted)
    return LoadedAnswer(document, tuple(dict.fromkeys(noted)))


def strip_reasoning(content: str, repairs: list[str]) -> str:
    """The content without a byte order mark and without the reasoning before the answer.

    Raises:
        TruncatedJsonError: the reasoning never ends.
    """
    content = content.removeprefix("\ufeff")
    stripped = _REASONING.sub("", content, count=1)
    if stripped == content:
        ends = [match.end() for match in _REASONING_END.finditer(content)]
        if not ends:
            if _REASONING_START.match(content):
                raise TruncatedJsonError("the reasoning never ends")
            return content
        stripped = content[ends[-1] :] if content[ends[-1] :].strip() else content
    repairs.append("reasoning_block")
    return stripped


def _scan(body: str, keys: Collection[str], repairs: list[str]) -> dict[str, Any]:
    """The last object in a text that has one of the keys."""
    found: tuple[dict[str, Any], list[str]] | None = None
    truncated: TruncatedJsonError | None = None
    position = starts = 0
    while starts < _MAX_STARTS and (match := _START.search(body, position)):
        starts += 1
        position = match.start() + 1
        parser = LenientParser(body, match.start())
        try:
            value = parser.read_value()
            noted = list(parser.repairs)
            document = _pick_object(value, keys, noted)
        except TruncatedJsonError as error:
            if any(key in body[match.start() :] for key in keys):
                truncated = truncated or error
            continue
        except (ValueError, RecursionError):
            continue
        if body[: match.start()].strip() or body[parser.position :].strip():
            noted.append("surrounding_text")
        found, truncated = (document, noted), None
        position = max(position, parser.position)
    if found is None:
        if truncated:
            raise truncated
        if _BARE_PAIR.match(body):
            repairs.append("missing_braces")
            return _scan("{" + body.strip().rstrip(",") + "}", keys, repairs)
        raise ValueError("no JSON object with " + " or ".join(sorted(keys)))
    repairs += found[1]
    return found[0]


def _pick_object(value: Any, keys: Collection[str], repairs: list[str], depth: int = 0) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise ValueError("too deep")
    if isinstance(value, str):
        repairs.append("double_encoded")
        try:
            inner = json.loads(value, strict=False)
        except ValueError:
            parser = LenientParser(value, 0)
            inner = parser.read_value()
        return _pick_object(inner, keys, repairs, depth + 1)
    if isinstance(value, list):
        repairs.append("list_around_object")
        return _pick_single([part for part in value if isinstance(part, Mapping)], keys, repairs, depth)
    if not isinstance(value, Mapping):
        raise ValueError("not an object")
    named = _name_keys(value, keys, repairs)
    picked = {key: part for key, part in named.items() if key in keys}
    if not picked:
        inner_values = [part for part in value.values() if isinstance(part, Mapping | list) or _is_json(part)]
        repairs.append("object_around_object")
        return _pick_single(inner_values, keys, repairs, depth)
    if len(picked) < len(value):
        repairs.append("extra_keys")
    return picked


def _pick_single(values: list[Any], keys: Collection[str], repairs: list[str], depth: int) -> dict[str, Any]:
    found = []
    for value in values:
        noted: list[str] = []
        try:
            found.append((_pick_object(value, keys, noted, depth + 1), noted))
        except ValueError:
            continue
    if len(found) != 1:
        raise ValueError(f"{len(found)} objects where one is expected")
    repairs += found[0][1]
    return found[0][0]


def _name_keys(value: Mapping[str, Any], keys: Collection[str], repairs: list[str]) -> dict[str, Any]:
    """The keys spelt as expected: `taggedText` and `Tagged text` are `tagged_text`."""
    known = {_fold(key): key for key in keys}
    named: dict[str, Any] = {}
    for key, part in value.items():
        name = key if key in keys else known.get(_fold(str(key)), key)
        if name != key:
            repairs.append("key_spelling")
        named.setdefault(name, part)
    return named


def _fold(key: str) -> str:
    return re.sub(r"[\W_]+", "", key).casefold()


def _is_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in {"{", "["}
