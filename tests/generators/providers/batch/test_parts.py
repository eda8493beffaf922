from __future__ import annotations

import asyncio
import dataclasses
import json
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.generators.journal.submissions import Submission
from goldspan.generators.providers.batch.api import INTENT_KEY
from goldspan.generators.providers.batch.lines import join_lines, read_line
from goldspan.generators.providers.batch.reconcile import is_ours, list_waits
from goldspan.generators.providers.batch.replies import RemoteBatch, translate_error
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.batch.shards import BatchShard, encode_line, read_custom_id
from goldspan.generators.providers.profiles import PROFILES, find_profile
from goldspan.generators.providers.protocol import AnswerState, Request


def make_request(number: int, size: int = 10) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * size}]}
    return Request(f"draft-{number}-1-00000000", "draft", number, 1, body)


@pytest.mark.parametrize(
    ("line", "state", "error"),
    [
        ({"response": {"status_code": 200, "body": {"choices": [{"message": {"content": "hi"}}]}}}, "answered", ""),
        ({"response": {"status_code": 200, "body": {"choices": []}}}, "failed", "no_choices"),
        ({"response": {"status_code": 400, "body": {"error": {"message": "no"}}}}, "failed", "http_400"),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, "failed", "batch_expired"),
        ({"response": None, "error": "text"}, "failed", "no_response"),
        ({}, "failed", "no_response"),
    ],
)
def test_lines(line, state, error):
    answer = read_line(json.dumps({"custom_id": "a", **line}).encode())
    assert (answer.custom_id, answer.state, answer.error) == ("a", AnswerState(state), error)


@given(st.binary(max_size=40) | st.sampled_from([b"[]", b"{}", b'{"custom_id": 3}', b'{"custom_id": "a']))
def test_lines_that_tell_nothing_are_no_answers(line):
    assert read_line(line) is None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.integers(1, 20), st.integers(200, 2000))
def test_shards_keep_rows_and_bytes_within_the_margin(sizes, rows, room):
    profile = dataclasses.replace(find_profile("openai"), max_requests=rows, max_bytes=room)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        shards = [BatchShard(folder / "0.jsonl", profile, 50)]
        for number, size in enumerate(sizes):
            request = make_request(number, size)
            line = encode_line(request)
            if not shards[-1].add(request, line):
                shards[-1].close()
                shards.append(BatchShard(folder / f"{len(shards)}.jsonl", profile, 50))
                assert shards[-1].add(request, line)
        shards[-1].close()
        for shard in shards:
            lines = shard.path.read_bytes().splitlines(keepends=True)
            assert len(lines) == len(shard.custom_ids) <= max(1, int(rows * 0.9))
            assert len(lines) == 1 or sum(map(len, lines)) <= room * 0.9
        written = [custom_id for shard in shards for custom_id in shard.custom_ids]
        assert written == [make_request(number).custom_id for number in range(len(sizes))]
        assert read_custom_id(shards[0].path, 1) == written[0]
        assert read_custom_id(shards[0].path, 99) == ""


def test_ours_is_what_carries_the_intent_or_else_the_file():
    submission = Submission("i1", "creating", 1, input_file="f1")
    batch = RemoteBatch("b", "in_progress", input_file="f1")
    assert is_ours(batch, submission)
    assert is_ours(dataclasses.replace(batch, input_file="f2", metadata={INTENT_KEY: "i1"}), submission)
    assert not is_ours(dataclasses.replace(batch, metadata={INTENT_KEY: "i2"}), submission)
    assert not is_ours(dataclasses.replace(batch, input_file=""), dataclasses.replace(submission, input_file=""))


def test_an_old_intent_needs_no_grace():
    now = time.time()
    assert list_waits(Submission("i", "creating", 1, updated=now), (5.0, 15.0)) == pytest.approx([5, 15], abs=0.5)
    assert list_waits(Submission("i", "creating", 1, updated=now - 12), (5.0, 15.0)) == pytest.approx([8], abs=0.5)
    assert list_waits(Submission("i", "creating", 1, updated=now - 60), (5.0, 15.0)) == []


def test_pace_grows_to_its_limit_and_can_be_fixed():
    pace, pauses = PollSchedule(), [0.0]
    for _ in range(15):
        pauses.append(pace.next_poll(pauses[-1]))
    assert pauses[1] == 1.0
    assert pauses[-1] == 60.0
    assert pauses == sorted(pauses)
    assert pace.with_interval(3).next_poll(3) == 3
    assert pace.with_interval(0) == pace


def test_profiles_differ_as_documented():
    doubleword, openai = find_profile("doubleword"), find_profile("openai")
    assert doubleword.partial_streaming
    assert doubleword.list_supports_search
    assert not openai.server_retry
    assert openai.emits_expired
    assert set(PROFILES) == {"doubleword", "openai", "mistral", "together", "compatible"}
    assert [name for name, profile in PROFILES.items() if not profile.windows] == ["mistral", "together"]
    assert doubleword.find_price("24h").prompt < doubleword.find_price("live").prompt
    assert doubleword.find_price("unknown") == doubleword.find_price("live")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, TerminalServiceError), (402, TerminalServiceError), (404, TerminalServiceError)]
    + [(status, TransientServiceError) for status in (408, 409, 429, 500, 503)],
)
def test_errors_are_sorted_and_never_show_the_key(status, kind):
    request = httpx2.Request("GET", "http://127.0.0.1/v1/batches")
    response = httpx2.Response(status, headers={"Retry-After": "7"}, request=request)
    body = {"message": "wrong key sk-secret"}
    error = translate_error(openai.APIStatusError("", response=response, body=body), "look", "sk-secret")
    assert type(error) is kind
    assert "sk-secret" not in str(error)
    assert f"HTTP {status}" in str(error)
    if isinstance(error, TransientServiceError):
        assert error.retry_after == 7


@given(st.lists(st.lists(st.sampled_from([b"\n", b"a", b"\xc3", b"{}"])).map(b"".join)))
def test_lines_do_not_depend_on_how_a_file_is_cut(chunks: list[bytes]) -> None:
    async def send() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    async def read() -> list[bytes]:
        return [line async for line in join_lines(send())]

    *whole, rest = b"".join(chunks).split(b"\n")
    assert asyncio.run(read()) == [*whole, *([rest] if rest else [])]
