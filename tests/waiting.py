"""Waiting for a condition, on machines of any speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

SECONDS = 180.0
_PAUSE = 0.02


def wait_until(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Return once `condition` holds; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds:.0f} s"
        time.sleep(_PAUSE)


async def wait_until_async(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    """Like `wait_until`, while other coroutines run."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not so after {seconds:.0f} s"
        await asyncio.sleep(_PAUSE)
