"""Signals in commands that run until they are stopped."""

from __future__ import annotations

import signal
from types import FrameType


def stop_on_sigterm() -> None:
    """Treat SIGTERM like Ctrl-C, so that a command stops what it started before it ends."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
