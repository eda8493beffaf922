"""HTTP clients for providers: no redirects, no proxy for this machine, answers bounded in size and time.

A redirect is an error, since it would resend prompts to another address. Answers are decompressed here, up to a limit,
so that a small compressed answer cannot fill the memory.
"""

from __future__ import annotations

import asyncio
import math
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2

from goldspan.annotation.answers import AnswerLimitError, AnswerMeter, compute_patience
from goldspan.annotation.origins import choose_trust

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one completion after decompression."""
MAX_FILE = 4 * 1024 * 1024 * 1024
"""Bytes of one output file (an address that ends in `/content`) after decompression; it is read in pieces."""
_COMPRESSIONS = frozenset({"gzip", "deflate", "x-gzip"})
_GZIP = b"\x1f\x8b"
NOT_TAKEN = frozenset({421, 425})
"""Misdirected Request and Too Early (RFC 9110, 8470): not processed, and to be sent again as it was."""
_PIECE = 1 << 20


class TooLargeError(httpx2.TransportError):
    """An answer is larger than the limit."""


class Decompressor:
    """Decompresses an answer, whatever its Content-Encoding: some servers compress unannounced, others announce only.

    What follows the compressed data is ignored, unless it is another part (RFC 1952, 2.2).
    """

    def __init__(self, encoding: str) -> None:
        self._is_announced = encoding.strip().lower() in _COMPRESSIONS
        self._has_begun = False
        self._decoder: zlib._Decompress | None = None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What the next bytes of the answer give, in pieces.

        Raises:
            zlib.error: they are damaged.
        """
        if chunk and not self._has_begun:
            self._has_begun = True
            self._decoder = self._choose_decoder(chunk)
        if self._decoder is None:
            yield chunk
            return
        while chunk:
            yield self._decoder.decompress(chunk, _PIECE)
            chunk = self._decoder.unconsumed_tail
            if self._decoder.eof and self._decoder.unused_data.startswith(_GZIP):
                chunk = self._decoder.unused_data
                self._decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def _choose_decoder(self, first: bytes) -> zlib._Decompress | None:
        if _GZIP.startswith(first[:2]):
            return zlib.decompressobj(zlib.MAX_WBITS | 16)
        if not self._is_announced or first.lstrip()[:1] in {b"", b"{", b"["}:
            return None
        # The first byte may come alone. 8 is zlib's method (RFC 1950); encoders begin no raw stream with it, as the
        # bits after a stored block's type are written as 0 (RFC 1951, 3.2.4).
        has_header = first[0] & 0x0F == 8
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


class _BoundedStream(httpx2.AsyncByteStream):
    """A response's bytes, decompressed, up to the limits."""

    def __init__(self, stream: httpx2.AsyncByteStream, meter: AnswerMeter, encoding: str) -> None:
        self._stream, self._meter, self._decompressor = stream, meter, Decompressor(encoding)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            try:
                for piece in self._decompressor.feed(chunk):
                    self._meter.add(len(piece))
                    yield piece
            except AnswerLimitError as error:
                raise (httpx2.ReadTimeout if error.is_late else TooLargeError)(str(error)) from None
            except zlib.error as error:
                raise httpx2.DecodingError(f"the compressed answer is damaged: {error}") from None

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
        encoding = response.headers.get("content-encoding", "")
        if encoding.strip().lower() in _COMPRESSIONS:
            del response.headers["content-encoding"]
        if isinstance(response.stream, httpx2.AsyncByteStream):
            is_file = response.request.url.path.endswith("/content")
            meter = AnswerMeter(compute_patience(response.request), MAX_FILE if is_file else max_bytes)
            response.stream = _BoundedStream(response.stream, meter, encoding)

    return _PatientClient(
        base_url=base_url,
        limits=limits,
        timeout=timeout,
        follow_redirects=False,
        **choose_trust(base_url),
        headers={"Accept-Encoding": "gzip, deflate"},
        event_hooks={"response": [bound]},
    )
