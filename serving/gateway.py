"""Mask a streamed chat completion, for gateways between applications and language models.

The events are those of OpenAI's chat completions, which most servers speak. Texts come out as soon as they are safe;
the arguments of tool calls are JSON and come out whole, since half of them can neither be masked nor used. What is not
known is left out or refused: a field that nobody looked at could hold the text once more, as `logprobs` does.
"""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import MaskingError, RecordError, ServiceError
from goldspan.masking.mask import Masker
from goldspan.masking.streaming import HOLD, LIMIT, StreamMasker
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.flow import Run, mask_runs
from goldspan.serving.documents.json_text import mask_json_text

_COPIED = ("id", "object", "created", "model", "service_tier", "system_fingerprint", "usage")
_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_KNOWN = frozenset({"role", "tool_calls", *_TEXTS})
_DONE = "[DONE]"


class ChatMasker:
    """Masks the events of one streamed answer; replacements agree over its choices.

    After an error nothing comes out.
    """

    def __init__(self, masker: Masker, language: str = "", country: str = "", hold: int = HOLD) -> None:
        self._masker = masker.begin_conversation()
        self._settings, self._hold = FileSettings(language, country), hold
        self._texts: dict[tuple[int, str], StreamMasker] = {}
        self._calls: dict[tuple[int, int], str] = {}
        self._head: dict[str, Any] = {}
        self._failed = False

    async def feed(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """An event of the answer, masked as far as it is safe; None where nothing of it can be given out yet.

        Raises:
            MaskingError: the event has a form that is not known, or the text cannot be masked safely.
            ServiceError: the event is an error of the server, or the predictor did not answer.
        """
        self._begin()
        if "error" in event:
            raise ServiceError("The language model's server reported an error in its answer.")
        if not isinstance(event.get("choices"), list):
            raise MaskingError("An event without choices: only streamed chat completions are masked.")
        self._head = {name: event[name] for name in _COPIED if name in event}
        found = [await self._mask_choice(choice) for choice in event["choices"]]
        choices = [choice for choice in found if choice["delta"] or choice["finish_reason"]]
        self._failed = False
        return {**self._head, "choices": choices} if choices or self._head.get("usage") else None

    async def finish(self) -> dict[str, Any] | None:
        """What is left where the answer ended without saying so; None where nothing is."""
        self._begin()
        indexes = sorted({index for index, _ in (*self._texts, *self._calls)})
        found = [{"index": index, "delta": await self._flush(index), "finish_reason": None} for index in indexes]
        choices = [choice for choice in found if choice["delta"]]
        head = {name: value for name, value in self._head.items() if name != "usage"}
        return {**head, "choices": choices} if choices else None

    def _begin(self) -> None:
        if self._failed:
            raise MaskingError("The stream has failed; nothing more can be masked in it.")
        self._failed = True

    async def _mask_choice(self, choice: Any) -> dict[str, Any]:
        index, delta = _expect_number(_expect_object(choice)), _expect_object(choice.get("delta"))
        reason, unknown = choice.get("finish_reason"), sorted(set(delta) - _KNOWN)
        if unknown or "text" in choice:
            raise MaskingError(f"A choice of the answer has {unknown[0] if unknown else 'text'}, which is not masked.")
        masked: dict[str, Any] = {"role": delta["role"]} if "role" in delta else {}
        for name in _TEXTS:
            if delta.get(name):
                text = await self._find_text(index, name).feed(_expect_text(delta[name]))
                masked |= {name: text} if text else {}
        calls = delta.get("tool_calls") or ()
        if not isinstance(calls, list | tuple):
            raise MaskingError("The tool calls of the answer are no list; such content is not masked.")
        heads = [head for call in calls if (head := self._take_call(index, _expect_object(call)))]
        masked |= {"tool_calls": heads} if heads else {}
        if reason:
            masked = _join_deltas(masked, await self._flush(index))
        return {"index": index, "delta": masked, "finish_reason": reason}

    def _find_text(self, index: int, name: str) -> StreamMasker:
        language, country = self._settings.language, self._settings.country
        return self._texts.setdefault((index, name), StreamMasker(self._masker, language, country, self._hold))

    def _take_call(self, index: int, call: Mapping[str, Any]) -> dict[str, Any] | None:
        """Keep the arguments of a piece of a tool call; its id and name, where it has them, come out at once."""
        function = _expect_object(call.get("function"))
        place = (index, _expect_number(call))
        self._calls[place] = self._calls.get(place, "") + _expect_text(function.get("arguments") or "")
        if len(self._calls[place]) > LIMIT:
            raise MaskingError(f"The arguments of a tool call have more than {LIMIT:,} characters.")
        if "id" not in call and "name" not in function:
            return None
        named = {"name": function["name"]} if "name" in function else {}
        head = {name: call[name] for name in ("index", "id", "type") if name in call}
        return {**head, "function": {**named, "arguments": ""}}

    async def _flush(self, index: int) -> dict[str, Any]:
        """The rest of the texts of a choice, and the arguments of its tool calls."""
        masked: dict[str, Any] = {}
        for name in [name for owner, name in self._texts if owner == index]:
            text = await self._texts.pop((index, name)).finish()
            masked |= {name: text} if text else {}
        calls = []
        for number in [number for owner, number in self._calls if owner == index]:
            arguments = await self._mask_arguments(self._calls.pop((index, number)))
            calls += [{"index": number, "function": {"arguments": arguments}}] if arguments else []
        return masked | ({"tool_calls": calls} if calls else {})

    async def _mask_arguments(self, text: str) -> str:
        """The masked arguments; where they are no JSON, because the answer was cut off, as a text."""
        try:
            return await mask_json_text(text, self._masker, self._settings, Path("tool call"), FileCounts())
        except RecordError:
            settings = self._settings
            return (await mask_runs([Run(text)], self._masker, settings.language, settings.country)).texts[0]


async def mask_events(
    chunks: AsyncIterable[bytes], masker: Masker, language: str = "", country: str = "", hold: int = HOLD
) -> AsyncIterator[bytes]:
    """The server-sent events of a streamed answer, masked; chunks may end anywhere.

    Comments and names of events are left out.

    Raises:
        MaskingError: see `ChatMasker.feed`; nothing comes out after it.
        ServiceError: see there.
    """
    chat = ChatMasker(masker, language, country, hold)
    async for data in _read_data(chunks):
        if data == _DONE:
            rest = await chat.finish()
            if rest:
                yield _write_event(orjson.dumps(rest))
            yield _write_event(_DONE.encode())
            return
        try:
            event = orjson.loads(data)
        except orjson.JSONDecodeError:
            raise MaskingError("An event of the answer is not JSON.") from None
        masked = await chat.feed(event if isinstance(event, dict) else {})
        if masked:
            yield _write_event(orjson.dumps(masked))
    rest = await chat.finish()
    if rest:
        yield _write_event(orjson.dumps(rest))


async def _read_data(chunks: AsyncIterable[bytes]) -> AsyncIterator[str]:
    """The data of each event (WHATWG HTML, 9.2.6)."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    pending = ""
    lines: list[str] = []
    async for chunk in chunks:
        pending += decoder.decode(chunk)
        *whole, pending = pending.replace("\r\n", "\n").split("\n")
        for line in whole:
            if line.startswith("data:"):
                lines.append(line.removeprefix("data:").removeprefix(" "))
            elif not line.strip("\r") and lines:
                yield "\n".join(lines)
                lines = []
    if lines or pending.startswith("data:"):
        yield "\n".join([*lines, *([pending.removeprefix("data:").strip()] if pending.startswith("data:") else [])])


def _write_event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _expect_text(value: Any) -> str:
    if not isinstance(value, str):
        raise MaskingError("A text of the answer is no string; such content is not masked.")
    return value


def _expect_object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value or {}, Mapping):
        raise MaskingError("A part of the answer is no object; such content is not masked.")
    return value or {}


def _expect_number(part: Mapping[str, Any]) -> int:
    """The index of a choice or tool call."""
    number = part.get("index", 0)
    if not isinstance(number, int):
        raise MaskingError("The index of a part of the answer is no number.")
    return number


def _join_deltas(one: dict[str, Any], rest: Mapping[str, Any]) -> dict[str, Any]:
    """Two deltas of one choice as one; the second has no heads of tool calls."""
    texts = {name: one.get(name, "") + rest[name] for name in _TEXTS if name in rest}
    calls = [*one.get("tool_calls", ()), *rest.get("tool_calls", ())]
    return {**one, **texts, **({"tool_calls": calls} if calls else {})}
