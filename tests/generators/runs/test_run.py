"""Signals of a run."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from goldspan.generators.runs.run import handle_signals
from tests.waiting import wait_until_async


@contextmanager
def set_handler(number: int, handler: signal.Handlers) -> Iterator[None]:
    """Whatever this process was started with, as `nohup` ignores SIGHUP."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_stops_a_run_and_a_second_one_cancels_it(number: int) -> None:
    stop = asyncio.Event()
    with set_handler(number, signal.SIG_DFL), handle_signals(stop):
        os.kill(os.getpid(), number)
        await wait_until_async(stop.is_set)
        os.kill(os.getpid(), number)
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)


async def test_a_run_that_was_told_to_outlive_its_terminal_does() -> None:
    stop = asyncio.Event()
    with set_handler(signal.SIGHUP, signal.SIG_IGN), handle_signals(stop):
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        await wait_until_async(stop.is_set)
        await asyncio.sleep(0)
