"""Limits of answers; what clients make of them stands in `tests/test_hostile_servers.py`."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any

from goldspan.annotation.answers import limit_wait
from tests.waiting import wait_until


def test_a_connection_that_comes_when_the_time_is_over_is_ended() -> None:
    """On a machine so slow that the timer runs out first: the answer would be waited for without end."""
    request: Any = SimpleNamespace(extensions={"timeout": {"read": 0.0}}, headers={})
    ours, theirs = socket.socketpair()
    stream = SimpleNamespace(get_extra_info=lambda name: {"socket": ours}[name])
    before = set(threading.enumerate())
    with ours, theirs, limit_wait(request):
        wait_until(lambda: set(threading.enumerate()) <= before)
        request.extensions["trace"]("connection.connect_tcp.complete", {"return_value": stream})
        theirs.settimeout(30)
        assert theirs.recv(1) == b""
