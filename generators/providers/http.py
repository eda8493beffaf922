"""HTTP clients for providers: no redirects, no proxy for this machine, answers bounded in size and time.

A redirect is an error, since it would resend prompts to another address. Answers are decompressed here, up to a limit,
so that a small compressed answer cannot fill the memory.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2

from goldspan.annotation.answers import AnswerLimitError, AnswerMeter, compute_patience
from goldspan.annotation.origins import choose_trust

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one completion after decompression."""
MAX_FILE = 4 * 1024 * 1024 * 1024
"""Bytes of one output file (an address that ends in `/content`) after decompression; it is read in pieces."""
COMPRESSIONS = frozenset({"gzip", "deflate", "x-gzip"})
NOT_TAKEN = frozenset({421, 425})
"""Misdirected Request and Too Early (RFC 9110, 8470): not processed, and to be sent again as it was."""
_PIECE = 1 << 20


class TooLargeError(httpx2.TransportError):
    """An answer is larger than the limit."""


class _BoundedStream(httpx2.AsyncByteStream):
    """A response's bytes, decompressed, up to the limits."""

    def __init__(self, stream: httpx2.AsyncByteStream, meter: AnswerMeter, *, is_compressed: bool) -> None:
        self._stream, self._meter, self._is_compressed = stream, meter, is_compressed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._decompress():
            try:
                self._meter.add(len(piece))
            except AnswerLimitError as error:
                raise (httpx2.ReadTimeout if error.is_late else TooLargeError)(str(error)) from None
            yield piece

    async def _decompress(self) -> AsyncIterator[bytes]:
        decoder = zlib.decompressobj(zlib.MAX_WBITS | 32) if self._is_compressed else None
        async for chunk in self._stream:
            if decoder is None:
                yield chunk
                continue
            rest = chunk
            while rest:
                try:
                    yield decoder.decompress(rest, _PIECE)
                except zlib.error as error:
                    raise httpx2.DecodingError(f"the compressed answer is damaged: {error}") from None
                rest = decoder.unconsumed_tail

    async def aclose(self) -> None:
        await self._stream.aclose()


class _PatientClient(httpx2.AsyncClient):
    """Gives up a request whose headers (or body, where it is read at once) do not come in time."""

    async def send(self, request: httpx2.Request, **settings: Any) -> httpx2.Response:
        seconds = compute_patience(request)
        try:
            async with asyncio.timeout(None if math.isinf(seconds) else seconds):
                return await super().send(request, **settings)
        except TimeoutError:
            raise httpx2.ReadTimeout(f"no whole answer in {seconds:,.0f} s", request=request) from None


def make_http_client(
    base_url: str, limits: httpx2.Limits, timeout: httpx2.Timeout, max_bytes: int = MAX_ANSWER
) -> httpx2.AsyncClient:
    """A client for one server."""

    async def bound(response: httpx2.Response) -> None:
        if response.status_code in NOT_TAKEN:
            response.headers["x-should-retry"] = "true"
        encoding = response.headers.get("content-encoding", "").strip().lower()
        is_compressed = encoding in COMPRESSIONS
        if is_compressed:
            del response.headers["content-encoding"]
        if isinstance(response.stream, httpx2.AsyncByteStream):
            is_file = response.request.url.path.endswith("/content")
            meter = AnswerMeter(compute_patience(response.request), MAX_FILE if is_file else max_bytes)
            response.stream = _BoundedStream(response.stream, meter, is_compressed=is_compressed)

    return _PatientClient(
        base_url=base_url,
        limits=limits,
        timeout=timeout,
        follow_redirects=False,
        **choose_trust(base_url),
        headers={"Accept-Encoding": "gzip, deflate"},
        event_hooks={"response": [bound]},
    )
