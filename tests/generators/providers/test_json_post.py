"""The connections of live requests: compression, proxies, certificates, limits."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.answers import AnswerLimitError
from goldspan.annotation.errors import ConfigurationError
from goldspan.generators.providers.http import Decompressor
from goldspan.generators.providers.json_post import (
    JsonPoster,
    PostDamagedError,
    PostError,
    PostReply,
    find_proxy,
)
from tests.generators.providers.test_http import serve

BODY = b'{"choices": []}'


def post(url: str, content: bytes = b"{}") -> PostReply:
    async def go() -> PostReply:
        poster = JsonPoster(f"{url}/chat/completions", {"Authorization": "Bearer k"}, 2)
        try:
            return await poster.post(content, {"Idempotency-Key": "i"})
        finally:
            await poster.close()

    return asyncio.run(go())


def deflate_raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", deflate_raw),
        ("gzip", bytes),
        ("deflate", bytes),
        ("gzip", lambda data: gzip.compress(data)[:-8]),
        ("gzip", lambda data: gzip.compress(data) + b"\0\0"),
        ("gzip", lambda data: gzip.compress(data[:3]) + gzip.compress(data[3:])),
        ("identity", bytes),
    ],
)
def test_bodies_are_read_whatever_the_header_says(encoding: str, pack: Callable[[bytes], bytes]) -> None:
    headers = {"Content_Encoding": encoding} if encoding else {}
    with serve(lambda handler, _: handler.send(200, pack(BODY), **headers)) as (url, asked):
        reply = post(url)
    assert (reply.status, reply.body) == (200, BODY)
    _, sent, body = asked[0]
    assert (sent["Authorization"], sent["Idempotency-Key"], sent["Content-Type"]) == (
        "Bearer k", "i", "application/json"
    )  # fmt: skip
    assert body == b"{}"


@given(
    st.binary(max_size=60).map(lambda data: b'{"content": "' + data + b'"}'),
    st.lists(st.integers(0, 120), max_size=6),
    st.sampled_from([gzip.compress, zlib.compress, deflate_raw, bytes]),
)
def test_decompression_does_not_depend_on_how_an_answer_is_cut(
    data: bytes, cuts: list[int], pack: Callable[[bytes], bytes]
) -> None:
    packed, places = pack(data), sorted(cuts)
    chunks = [packed[a:b] for a, b in zip([0, *places], [*places, len(packed)], strict=True)]
    decompressor = Decompressor("deflate")
    assert b"".join(piece for chunk in chunks for piece in decompressor.feed(chunk)) == data


def test_damaged_bodies_and_those_over_the_limit_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serve(lambda handler, _: handler.send(200, b"\x00\xffnothing", Content_Encoding="gzip")) as (url, _),
        pytest.raises(PostDamagedError),
    ):
        post(url)
    monkeypatch.setattr("goldspan.generators.providers.json_post.MAX_ANSWER", 100)
    for pack in (bytes, gzip.compress):
        with (
            serve(lambda handler, _, pack=pack: handler.send(200, pack(b"a" * 200))) as (url, _),
            pytest.raises(AnswerLimitError, match="larger than 100 bytes"),
        ):
            post(url)


def test_redirects_and_errors_are_answers_and_cookies_are_not_kept() -> None:
    def reply(handler, body):
        handler.send(307, b"", Location="http://127.0.0.1:9/", Set_Cookie="a=b")

    async def ask_twice(url: str) -> list[int]:
        poster = JsonPoster(f"{url}/chat/completions", {}, 1)
        try:
            return [(await poster.post(b"{}", {})).status for _ in range(2)]
        finally:
            await poster.close()

    with serve(reply) as (url, asked):
        assert asyncio.run(ask_twice(url)) == [307, 307]
    assert all("Cookie" not in headers for _, headers, _ in asked)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/v1", "https://127.0.0.1:9/v1"])
def test_a_server_that_is_not_there_is_an_error_of_ours(url: str) -> None:
    with pytest.raises(PostError):
        post(url)


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "p:3128"}, "http://p:3128"),
        ({"all_proxy": "http://a:1"}, "http://a:1"),
        ({"http_proxy": "http://p:3128"}, None),
        ({"all_proxy": "socks5://a:1", "https_proxy": "http://p:3128"}, "http://p:3128"),
        ({"https_proxy": "http://p:3128", "no_proxy": "models.example"}, None),
        ({"all_proxy": "socks5://a:1", "no_proxy": ".example"}, None),
    ],
)
def test_proxies_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], proxy: str | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert find_proxy("https://models.example/v1") == proxy


def test_a_proxy_of_another_kind_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks5://joe:s3cret@p:1080")
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ConfigurationError, match=r"socks5.*HTTPS_PROXY") as caught:
        find_proxy("https://models.example/v1")
    assert "s3cret" not in str(caught.value)
