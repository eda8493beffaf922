from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest

from goldspan.annotation.errors import MaskingError, ServiceError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.gateway import ChatMasker, mask_events
from tests.masking.lexicon import LexiconPredictor

LABELS = load_labels()
TEXT = "Dear Ann Smith, we wrote to ann.smith@mail.com and to Zoë Müller of Berlin. " * 6
ARGUMENTS = json.dumps({"to": "ann.smith@mail.com", "text": 'M\u00fcller said "hi"\nto Smith', "n": [1, {"Bob": True}]})


def make_masker() -> Masker:
    return Masker(LexiconPredictor(), load_policy("pseudonymise"), LABELS)


def make_event(delta: dict[str, Any], reason: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": {"content": [{"token": "Ann"}]}}
    return {"id": "c1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def list_events(size: int, *, is_finished: bool = True) -> list[dict[str, Any]]:
    events = [make_event({"role": "assistant", "content": ""})]
    events += [make_event({"content": TEXT[at : at + size]}) for at in range(0, len(TEXT), size)]
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "send", "arguments": ""}}
    events.append(make_event({"tool_calls": [call]}))
    for at in range(0, len(ARGUMENTS), size):
        part = {"index": 0, "function": {"arguments": ARGUMENTS[at : at + size]}}
        events.append(make_event({"tool_calls": [part]}))
    return [*events, *([make_event({}, "tool_calls")] if is_finished else ())]


async def cut(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def write_events(events: Iterable[dict[str, Any]], ends: str = "\n") -> bytes:
    lines = [f"data: {json.dumps(event, ensure_ascii=False)}{ends}{ends}" for event in events]
    return "".join([f": comment{ends}", *lines, f"data: [DONE]{ends}{ends}"]).encode()


def mask(data: bytes, size: int) -> list[dict[str, Any]]:
    async def collect() -> bytes:
        return b"".join([one async for one in mask_events(cut(data, size), make_masker(), hold=40)])

    written = run_sync(collect()).decode()
    assert written.endswith("data: [DONE]\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in written.split("\n\n")[:-2]]


def join(events: Iterable[dict[str, Any]]) -> tuple[str, str]:
    """The content and the arguments as a client puts them together."""
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    return "".join(d.get("content", "") for d in deltas), "".join(call["function"]["arguments"] for call in calls)


@pytest.mark.parametrize(("size", "ends"), [(1, "\n"), (3, "\r\n"), (17, "\n"), (10_000, "\r\n")])
@pytest.mark.parametrize("is_finished", [True, False])
def test_texts_and_arguments_are_masked_wherever_they_are_cut(size: int, ends: str, is_finished: bool) -> None:
    events = mask(write_events(list_events(min(size, 50), is_finished=is_finished), ends), size)
    content, arguments = join(events)
    assert content == run_sync(make_masker().mask(TEXT)).text
    assert json.loads(arguments)["to"] == "[EMAIL_1]"
    assert json.loads(arguments)["text"] == '[SURNAME_2] said "hi"\nto [SURNAME_1]'
    assert list(json.loads(arguments)["n"][1]) == ["[FIRSTNAME_3]"]
    assert "Ann" not in json.dumps(events)
    assert "logprobs" not in json.dumps(events)
    reasons = [choice["finish_reason"] for event in events for choice in event["choices"]]
    assert reasons[-1] == ("tool_calls" if is_finished else None)


def test_content_comes_out_before_the_end_and_usage_is_kept() -> None:
    usage = {"prompt_tokens": 3}
    events = mask(write_events([*list_events(5), {"id": "c1", "choices": [], "usage": usage}]), 64)
    assert sum("content" in choice["delta"] for event in events for choice in event["choices"]) > 3
    assert (events[-1]["choices"], events[-1]["usage"]) == ([], usage)


def test_arguments_that_are_cut_off_are_masked_as_text() -> None:
    part = {"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"to": "M\\u00fcller", "x": "Ann'}}
    _, arguments = join(mask(write_events([make_event({"tool_calls": [part]}, "length")]), 9))
    assert arguments == '{"to": "[SURNAME_1]", "x": "[FIRSTNAME_1]'


def test_choices_agree_and_do_not_mix() -> None:
    events = [make_event({"content": text}, index=n % 2) for n, text in enumerate(["An", "Smi", "n said", "th. Ann"])]
    events += [make_event({}, "stop", index=n) for n in range(2)]
    masked = [choice for event in mask(write_events(events), 50) for choice in event["choices"]]
    found = {n: "".join(c["delta"].get("content", "") for c in masked if c["index"] == n) for n in range(2)}
    assert found == {0: "[FIRSTNAME_1] said", 1: "[SURNAME_1]. [FIRSTNAME_1]"}


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ({"error": {"message": "Ann"}}, ServiceError),
        ({"choices": "Ann"}, MaskingError),
        (make_event({"audio": {"transcript": "Ann"}}), MaskingError),
        (make_event({"content": [{"text": "Ann"}]}), MaskingError),
        ({"choices": [{"text": "Ann"}]}, MaskingError),
        ({"choices": ["Ann"]}, MaskingError),
        ({"choices": [{"delta": "Ann"}]}, MaskingError),
        ({"choices": [{"index": ["Ann"], "delta": {}}]}, MaskingError),
        (make_event({"tool_calls": "Ann"}), MaskingError),
        (make_event({"tool_calls": ["Ann"]}), MaskingError),
        (make_event({"tool_calls": [{"function": "Ann"}]}), MaskingError),
        (make_event({"tool_calls": [{"index": {"Ann": 1}, "function": {}}]}), MaskingError),
    ],
)
async def test_what_is_not_known_ends_the_stream(event: dict[str, Any], error: type[Exception]) -> None:
    chat = ChatMasker(make_masker())
    await chat.feed(make_event({"content": "Bob"}))
    with pytest.raises(error) as caught:
        await chat.feed(event)
    assert "Ann" not in str(caught.value)
    with pytest.raises(MaskingError, match="has failed"):
        await chat.finish()
