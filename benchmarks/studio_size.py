"""Push and pull as a project grows: processor time of Label Studio's servers and of Goldspan, and its memory.

    python benchmarks/studio_size.py --database-url postgresql://… --postmaster PID [--sizes 5000,20000,100000]

A Label Studio is started on the empty database; `--postmaster` is the process of the PostgreSQL server. Each step of
Goldspan runs in a process of its own. The first pull comes right after the push, within the time that a pull looks
back, so it lists what was pushed; the next finds nothing new; the last comes after `--corrected` of the tasks were
corrected over the API, the same number at every size.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sync import LABELS, correct, make_samples, run_worker

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import ServerInfo, start_server, stop_server
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace

TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """Processor seconds of server processes, with what they start, and of the steps that were waited for."""

    def __init__(self, roots: list[int]) -> None:
        self._roots = roots
        self._last = self._measure()

    def read(self) -> tuple[float, float, float]:
        """Wall seconds, seconds of the servers and seconds of Goldspan since it was read before."""
        now = self._measure()
        spent = tuple(after - before for after, before in zip(now, self._last, strict=True))
        self._last = now
        return spent[0], spent[1], spent[2]

    def _measure(self) -> tuple[float, float, float]:
        own = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.perf_counter(), sum(_measure_process(pid) for pid in self._list()), own.ru_utime + own.ru_stime

    def _list(self) -> Iterator[int]:
        waiting = list(self._roots)
        while waiting:
            pid = waiting.pop()
            yield pid
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _measure_process(pid: int) -> float:
    """Seconds of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


def measure(info: ServerInfo, meter: Meter, size: int, corrected: int) -> None:
    """One project of a size."""
    title = f"size {size}"
    client = StudioClient(info.url, info.token)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples.jsonl"
        write_samples(file, make_samples(size), LABELS)

        def run(name: str, step: str, *more: str) -> None:
            meter.read()
            done = run_worker(step, info.url, info.token, title, folder, *more)
            wall, servers, ours = meter.read()
            print(f"| {size} | {name} | {wall:.1f} | {servers:.1f} | {ours:.1f} | {done['peak_mb']:.0f} |", flush=True)

        run("push", "push", str(file))
        run("first pull", "pull-reviewed")
        run("pull with nothing new", "pull-reviewed")
        project = client.find_project(title)
        assert project is not None
        correct(client, project["id"], corrected)
        run(f"pull of {corrected} new annotations", "pull-reviewed")


def main() -> None:
    """Start Label Studio and measure project by project."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="5000,20000,100000")
    parser.add_argument("--corrected", type=int, default=1000)
    parser.add_argument("--database-url", required=True)
    parser.add_argument("--postmaster", type=int, required=True)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        try:
            info = start_server(workspace, find_free_port(), given.database_url)
            meter = Meter([info.pid, given.postmaster])
            print("| tasks | step | s | servers, CPU s | Goldspan, CPU s | peak, MB |\n|---|---|---|---|---|---|")
            for size in map(int, given.sizes.split(",")):
                measure(info, meter, size, given.corrected)
        finally:
            stop_server(workspace)


if __name__ == "__main__":
    main()
