"""Worker processes that never outlive the work or the process that started them, and the memory that a process took."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from pathlib import Path

_WATCH_SECONDS = 0.5


def _do_nothing() -> None:
    """Prepare nothing."""


@contextmanager
def open_workers(count: int, prepare: Callable[[], object] = _do_nothing) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes; an error or Ctrl-C within the block ends them at once, whatever they are doing.

    Args:
        count: processes.
        prepare: a function of a module, called once in each process.
    """
    others = set(active_children())
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_prepare, initargs=(prepare,))
    try:
        yield pool
    except BaseException:
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end_with_parent() -> None:
    """From now on, end this process when the one that started it ends, be it killed."""
    threading.Thread(target=_exit_without, args=(os.getppid(),), daemon=True).start()


def measure_peak() -> float:
    """The largest resident set of this process, in MiB.

    Of this process alone: on Linux, `ru_maxrss` of a process that another one started is at least what that one held.
    """
    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        if line := next((line for line in status.splitlines() if line.startswith("VmHWM:")), ""):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def _prepare(prepare: Callable[[], object]) -> None:
    """Leave Ctrl-C to the parent, and end when it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if (parent := parent_process()) is not None:
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()
    prepare()


def _exit_without(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _exit_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
