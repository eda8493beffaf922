from __future__ import annotations

import json

import openai
import pytest

QUESTION = {"model": "any", "messages": [{"role": "user", "content": "Say something."}]}


def ask(provider, **more):
    return provider.client.chat.completions.create(**QUESTION, **more)


def test_a_key_is_needed(start):
    provider = start("openai")
    with pytest.raises(openai.AuthenticationError):
        provider.client.with_options(default_headers={"Authorization": "no"}).models.list()


@pytest.mark.parametrize("host", ["rebound.test", "127.0.0.1.evil.test:80", "rebound.localhost", "[", ""])
def test_a_name_that_was_rebound_to_this_machine_is_refused(start, host):
    provider = start("openai")
    with pytest.raises(openai.APIStatusError) as found:
        provider.client.with_options(default_headers={"Host": host}).models.list()
    assert found.value.status_code == 421


def test_accept_and_drop_has_done_the_work(start):
    provider = start("openai", [{"kind": "accept_and_drop", "call": "create", "count": 1}])
    with pytest.raises(openai.APIConnectionError):
        provider.create(1, {"intent": "i"})
    assert len(list(provider.client.batches.list())) == 1


def test_gateway_timeout_comes_after_the_work(start):
    provider = start("openai", [{"kind": "gateway_timeout", "call": "chat", "count": 1}])
    with pytest.raises(openai.InternalServerError):
        ask(provider)
    assert provider.simulate("ledger")["paid_rows"] == 1


@pytest.mark.parametrize(
    ("kind", "status"), [("payment_required", 402), ("server_error", 500), ("too_many_requests", 429)]
)
def test_refused_calls_do_nothing(start, kind, status):
    provider = start("doubleword", [{"kind": kind, "call": "create", "count": 1, "skip": 1}])
    provider.create(1)
    with pytest.raises(openai.APIStatusError) as caught:
        provider.create(1)
    assert caught.value.status_code == status
    if status == 429:
        assert caught.value.response.headers["retry-after"] == "1"
    assert len(list(provider.client.batches.list())) == 1


@pytest.mark.parametrize("kind", ["truncated", "malformed", "refusal", "empty_answer"])
def test_spoiled_answers(start, kind):
    provider = start("openai", [{"kind": kind, "count": 1}])
    schema = {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    choice = ask(provider, response_format=form).choices[0]
    if kind == "refusal":
        assert choice.message.refusal
        assert choice.message.content is None
    else:
        with pytest.raises(ValueError):
            json.loads(choice.message.content)
        assert choice.finish_reason == ("length" if kind == "truncated" else "stop")
    assert json.loads(ask(provider, response_format=form).choices[0].message.content)


def test_token_limit_cuts_the_answer(start):
    choice = ask(start("openai"), max_tokens=2).choices[0]
    assert (choice.finish_reason, len(choice.message.content)) == ("length", 8)


def test_repeated_key_is_free_only_where_it_is_honoured(start):
    for idempotent, paid in ((False, 2), (True, 1)):
        provider = start("openai", idempotent=idempotent, state=f"{idempotent}.db")
        replies = [ask(provider, extra_headers={"Idempotency-Key": "k"}).id for _ in range(2)]
        assert provider.simulate("ledger")["paid_rows"] == len(set(replies)) == paid


def test_state_survives_a_restart(start):
    first = start("openai")
    batch = first.wait(first.create(3).id)
    first.end()
    second = start("openai")
    assert len(second.read(second.client.batches.retrieve(batch.id).output_file_id)) == 3
    assert second.simulate("ledger")["paid_rows"] == 3
    assert second.simulate("stats")["calls"]["create"] == 1
