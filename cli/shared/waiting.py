"""Long waits where nobody sees a progress bar: a line a minute on stderr, as a log wants it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

EVERY = 60.0
"""Seconds between two lines."""


@contextmanager
def report_waits(console: Console, describe: Callable[[], str], every: float | None = None) -> Iterator[None]:
    """Print what is going on once a minute while the block runs; nothing on a terminal, which shows a bar."""
    if console.is_terminal:
        yield
        return
    done = threading.Event()
    begun = time.monotonic()
    interval = EVERY if every is None else every

    def report() -> None:
        while not done.wait(interval):
            minutes = (time.monotonic() - begun) / 60
            console.print(f"… {describe()} ({minutes:.0f} min)")

    thread = threading.Thread(target=report, daemon=True, name="goldspan-waits")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join(timeout=1)


class LoggedStatus:
    """A status line for logs, used like rich's `Status`."""

    def __init__(self, console: Console, message: str) -> None:
        self._message = message
        self._waits = report_waits(console, lambda: self._message)

    def __enter__(self) -> LoggedStatus:
        self._waits.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.__exit__(kind, error, trace)

    def update(self, message: str) -> None:
        """Change what the next line says."""
        self._message = message
