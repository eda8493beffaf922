"""SIGTERM ends a command as Ctrl-C does, whoever handles that."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest

from goldspan.cli.shared.signals import stop_on_sigterm


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    stop_on_sigterm()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL, signal.default_int_handler])
def test_without_a_handler_of_its_own_a_command_is_interrupted(handler: signal.Handlers) -> None:
    signal.signal(signal.SIGINT, handler)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)


def test_an_event_loop_that_handles_ctrl_c_is_told() -> None:
    async def work() -> None:
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, stopped.set)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopped.wait(), 60)
        loop.remove_signal_handler(signal.SIGINT)

    asyncio.run(work())


def test_a_running_coroutine_is_cancelled() -> None:
    cancelled: list[bool] = []

    async def work() -> None:
        signal.raise_signal(signal.SIGTERM)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(work())
    assert cancelled
