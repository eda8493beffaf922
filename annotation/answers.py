"""How large an HTTP answer may be and how long it may take: one rule for every client, whatever its library.

The read timeout of a client bounds one silence; a server that sends a byte now and then would hold it for ever. An
answer may therefore take `PATIENCE` times the read timeout, and a second more for every `RATE` bytes sent or received.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
from collections.abc import Iterator
from time import monotonic
from typing import Any, TypeVar

PATIENCE = 2.0
RATE = 10_000
"""Bytes a second: a connection that is slower is given up."""

R = TypeVar("R")
FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that say how a body travelled; a body that was decoded has none."""


class AnswerLimitError(Exception):
    """An answer is too large or too slow; stays inside the client that reads it."""

    def __init__(self, message: str, *, is_late: bool = False) -> None:
        super().__init__(message)
        self.is_late = is_late


def compute_patience(request: Any) -> float:
    """Seconds until the answer to a request of httpx or httpx2 must have begun; infinite without a read timeout."""
    read = request.extensions.get("timeout", {}).get("read")
    sent = request.headers.get("content-length", "")
    return math.inf if read is None else compute_wait(float(read), int(sent) if sent.isdecimal() else 0)


def compute_wait(read_timeout: float, sent: int) -> float:
    """Seconds until the answer to a request of `sent` bytes must have begun."""
    return PATIENCE * read_timeout + sent / RATE


class AnswerMeter:
    """Counts the bytes of one answer while they arrive; `patience` is in seconds (`compute_patience`)."""

    def __init__(self, patience: float, max_bytes: float = math.inf) -> None:
        self._max_bytes, self._patience = max_bytes, patience
        self._start, self._total = monotonic(), 0

    def add(self, count: int) -> None:
        """Count bytes that were received.

        Raises:
            AnswerLimitError: the answer is too large or too slow.
        """
        self._total += count
        if self._total > self._max_bytes:
            raise AnswerLimitError(f"the answer is larger than {self._max_bytes:,} bytes")
        if monotonic() - self._start > self._patience + self._total / RATE:
            raise AnswerLimitError(
                f"the answer is too slow: {self._total:,} bytes in {monotonic() - self._start:,.0f} s", is_late=True
            )


def iter_limited(response: Any, max_bytes: float = math.inf) -> Iterator[bytes]:
    """The decoded chunks of a streamed response of httpx or httpx2.

    Raises:
        AnswerLimitError: the answer is too large or too slow.
    """
    meter = AnswerMeter(compute_patience(response.request), max_bytes)
    for chunk in response.iter_bytes():
        meter.add(len(chunk))
        yield chunk


def read_limited(response: R, max_bytes: float) -> R:
    """The streamed response with its decoded body; raises as `iter_limited`."""
    answer: Any = response
    body = b"".join(iter_limited(answer, max_bytes))
    headers = [pair for pair in answer.headers.multi_items() if pair[0] not in FRAMING]
    return type(response)(answer.status_code, headers=headers, content=body, request=answer.request)  # type: ignore[call-arg]


@contextlib.contextmanager
def limit_wait(request: Any) -> Iterator[None]:
    """Break the connection of a synchronous request whose answer has not begun in time, headers included.

    The block sends the request, over a connection of its own, and ends when the headers are there. Where the time is
    over, the client's own error for a connection that the server ended comes out of it.
    """
    streams: list[Any] = []
    is_over = threading.Event()

    def trace(event: str, info: dict[str, Any]) -> None:
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            streams.append(info["return_value"])
            if is_over.is_set():
                end()

    def end() -> None:
        is_over.set()
        if streams:
            with contextlib.suppress(OSError):
                streams[-1].get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    seconds = compute_patience(request)
    if math.isinf(seconds):
        yield
        return
    request.extensions = {**request.extensions, "trace": trace}
    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
