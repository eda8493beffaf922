"""Run coroutines from synchronous code, also where an event loop is already running (a notebook)."""

from __future__ import annotations

import asyncio
import contextvars
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_TAKE_SECONDS = 0.05


class Runner(Protocol):
    """Runs coroutines one after the other in one event loop."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result of the coroutine."""


@contextmanager
def open_runner() -> Iterator[Runner]:
    """An event loop for a block of synchronous code; in a thread of its own where this thread's loop is running."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        with asyncio.Runner() as runner:
            yield runner
        return
    with ThreadPoolExecutor(1, thread_name_prefix="goldspan-loop") as pool:
        threaded = _ThreadRunner(pool)
        try:
            yield threaded
        finally:
            threaded.close()


def run_sync(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, as `asyncio.run` gives it, also where an event loop is running."""
    with open_runner() as runner:
        return runner.run(coroutine)


def run_interruptible(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """The coroutine function as a function that waits, also where an event loop is running.

    A coroutine that cancels itself at the second Ctrl-C raises KeyboardInterrupt.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return run_sync(function(*args, **kwargs))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    run.__name__ = run.__qualname__ = function.__name__.removesuffix("_async")
    return run


def run_in_thread(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """The function as a coroutine function: it runs in a worker thread, and cancelling ends the wait, not the work."""

    @functools.wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(function, *args, **kwargs)

    return run


def iterate_sync(items: AsyncGenerator[T]) -> Iterator[T]:
    """The items of an asynchronous generator, which is closed at the end.

    The loop is entered once for all items that come within `_TAKE_SECONDS`.
    """
    with open_runner() as runner:
        try:
            while True:
                taken: list[T] = []
                try:
                    runner.run(_take_into(taken, items))
                except StopAsyncIteration:
                    yield from taken
                    return
                except BaseException:
                    yield from taken
                    raise
                yield from taken
        finally:
            runner.run(_close(items))


async def _take_into(taken: list[T], items: AsyncIterator[T]) -> None:
    until = monotonic() + _TAKE_SECONDS
    taken.append(await anext(items))
    while monotonic() < until:
        taken.append(await anext(items))


async def _close(items: AsyncGenerator[T]) -> None:
    await items.aclose()


class _ThreadRunner:
    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._runner: asyncio.Runner = pool.submit(asyncio.Runner).result()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        context = contextvars.copy_context()
        future = self._pool.submit(context.run, self._runner.run, coroutine)
        try:
            return future.result()
        except BaseException:
            loop = self._runner.get_loop()
            for task in asyncio.all_tasks(loop):
                loop.call_soon_threadsafe(task.cancel)
            raise

    def close(self) -> None:
        self._pool.submit(self._runner.close).result()
