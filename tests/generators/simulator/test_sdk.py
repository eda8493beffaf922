"""The openai client's other ways: streams, several choices, the Responses API at once and in the background."""

from __future__ import annotations

import time

import openai
import pytest

QUESTION = {"model": "any", "messages": [{"role": "user", "content": "Say something."}]}


def test_streams_give_the_same_words_and_the_usage(start):
    client = start("openai").client
    whole = client.chat.completions.create(**QUESTION)
    chunks = list(client.chat.completions.create(**QUESTION, stream=True, stream_options={"include_usage": True}))
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == whole.choices[0].message.content
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_several_choices_and_odd_numbers(start):
    client = start("openai").client
    assert [choice.index for choice in client.chat.completions.create(**QUESTION, n=2).choices] == [0, 1]
    for wrong in ({"max_tokens": -1}, {"n": 0}, {"max_completion_tokens": 0}):
        with pytest.raises(openai.BadRequestError, match="at least 1"):
            client.chat.completions.create(**QUESTION, **wrong)


def test_responses_at_once_and_in_the_background(start):
    provider = start("doubleword")
    client = provider.client
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    form = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    made = client.responses.create(model="any", input="Say something.", text=form)
    assert (made.status, made.output_text) == ("completed", '{"a":1}')
    assert made.usage.output_tokens > 0
    flex = client.responses.create(
        model="any", input=[{"role": "user", "content": "x"}], background=True, service_tier="flex"
    )
    deadline = time.monotonic() + 60
    while (found := client.responses.retrieve(flex.id)).status != "completed":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert found.output_text
    assert provider.simulate("ledger")["paid_rows"] == 2
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_none")
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="any", input="")


def test_purposes_are_kept_apart_and_batches_report_their_usage(start):
    provider = start("openai")
    client = provider.client
    tuning = client.files.create(file=("t.jsonl", b'{"a": 1}\n'), purpose="fine-tune")
    batch = provider.wait(provider.create(2).id)
    assert batch.usage.output_tokens > 0
    assert tuning.id in {file.id for file in client.files.list()}
    assert tuning.id not in {file.id for file in client.files.list(purpose="batch")}
    with pytest.raises(openai.BadRequestError, match="purpose"):
        client.batches.create(input_file_id=tuning.id, endpoint="/v1/chat/completions", completion_window="24h")


def test_prices_are_listed_on_request(start):
    provider = start("doubleword")
    listed = provider.client.get("/models", cast_to=object, options={"params": {"include": "pricing"}})
    assert set(listed["data"][0]["pricing"]) == {"live", "1h", "24h"}
