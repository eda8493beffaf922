"""Worker processes end with the work, with an error in it, and with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from pathlib import Path

import pytest

from goldspan.annotation.processes import measure_peak, open_workers
from tests.waiting import wait_until

_PARENT = """
import os, sys, time
from goldspan.annotation.processes import open_workers
if __name__ == "__main__":
    with open_workers(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 600).result()
"""
_CHILD = """
import time
from goldspan.annotation.processes import end_with_parent
end_with_parent()
print("ready", flush=True)
time.sleep(600)
"""
_STARTER = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_CHILD!r}], stdout=subprocess.PIPE, text=True)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


def test_workers_work_and_are_gone_afterwards() -> None:
    before = set(active_children())
    with open_workers(2) as pool:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
    assert set(active_children()) <= before


def test_the_peak_is_that_of_this_process_alone() -> None:
    before = measure_peak()
    held = b"a" * (200 << 20)
    assert measure_peak() > max(before, len(held) >> 20)
    with open_workers(1) as pool:
        assert pool.submit(measure_peak).result() < len(held) >> 20


def test_a_system_that_states_no_peak_has_one_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "read_text", lambda _: "Name:\tpython\n")
    assert measure_peak() > 10


def test_an_interrupt_does_not_wait_for_work_in_progress() -> None:
    workers: list[int] = []
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        _interrupt_work(workers)
    assert time.monotonic() - begun < 60
    assert not _is_alive(*workers)


def _interrupt_work(workers: list[int]) -> None:
    with open_workers(1) as pool:
        workers.append(pool.submit(os.getpid).result())
        pool.submit(time.sleep, 600)
        raise KeyboardInterrupt


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("program", [_PARENT, _STARTER])
def test_a_killed_parent_leaves_no_worker(number: signal.Signals, program: str) -> None:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.send_signal(number)
        parent.wait(30)
        wait_until(lambda: not _is_alive(worker))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
