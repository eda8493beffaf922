"""A batch run of many rows: our CPU seconds per 1,000 rows, peak memory, and how long its journal takes to resume.

    python benchmarks/batch_rows.py [ROWS …]        default: 10000 100000

The provider is the simulated one in a process of its own, with a model that answers at once, so that what is measured
is the way of a row through us: drawn, sent in a shard, read back, judged, committed. Memory is the peak of the run's
process; constant in the number of rows is the claim, so two sizes are compared.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TEXT = "Letter {number}: <FIRSTNAME>Maria</FIRSTNAME> of <CITY>Lyon</CITY> wrote again in spring and again in autumn."


def answer_quickly(body: Mapping[str, Any]) -> str:
    from goldspan.generators.stages.prose import read_conversation

    return json.dumps({"tagged_text": TEXT.format(number=read_conversation(body["messages"]).brief["index"])})


def serve(state: str) -> None:
    """Serve until killed; prints the base URL."""
    from goldspan.generators.providers.profiles import find_profile
    from goldspan.generators.simulator.server import serving
    from goldspan.generators.simulator.state import SimulatorSettings

    with serving(SimulatorSettings(find_profile("doubleword"), Path(state)), writer=answer_quickly) as url:
        print(url, flush=True)
        sys.stdin.read()


def run(folder: str, url: str, rows: str) -> None:
    """Drive one run of the draft stage; prints its figures."""
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.processes import measure_peak
    from goldspan.generators.journal.journal import Journal
    from goldspan.generators.providers.batch.executor import BatchExecutor
    from goldspan.generators.providers.budget import Budget, Prices
    from goldspan.generators.providers.profiles import find_profile
    from goldspan.generators.runs.queue import PipelineQueue, Workload
    from goldspan.generators.stages.stage import ModelSettings, build_stages

    labels = load_labels()
    stages = build_stages(("draft",), ModelSettings("small", max_tokens=400), labels, seed=1)
    work = Workload(
        int(rows), stages, labels, lambda number, variant: {"language": "en", "index": number, "values": []}
    )
    idle = resource.getrusage(resource.RUSAGE_SELF)
    begun = time.perf_counter()
    with Journal(Path(folder), create=True, lock=True) as journal:
        queue = PipelineQueue(journal, work, Budget(Prices()))
        executor = BatchExecutor(journal, find_profile("doubleword"), url, "any", "24h", poll_interval=1.0)
        asyncio.run(executor.run(queue, asyncio.Event()))
        done = journal.count_items()
    used, peak = resource.getrusage(resource.RUSAGE_SELF), measure_peak()
    seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    with Journal(Path(folder), lock=True) as journal:
        finished = PipelineQueue(journal, work, Budget(Prices())).finished
        journal.count_rows()
    json.dump(
        {
            "rows": int(rows),
            "done": done.get("done", 0),
            "seconds": round(seconds, 1),
            "cpu_per_1000": round(
                (used.ru_utime + used.ru_stime - idle.ru_utime - idle.ru_stime) * 1000 / int(rows), 2
            ),
            "peak_mb": round(peak),
            "resume_seconds": round(time.perf_counter() - begun, 2),
            "resume_finished": finished,
        },
        sys.stdout,
    )


def call(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, __file__, *arguments], text=True, env=environment, **options)


def measure(rows: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        server = call("--serve", f"{folder}/provider.db", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            url = server.stdout.readline().strip()
            worker = call("--run", f"{folder}/run", url, str(rows), stdout=subprocess.PIPE)
            return json.loads(worker.communicate()[0])
        finally:
            server.communicate("")


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{'rows':>8}{'done':>8}{'seconds':>9}{'CPU s / 1,000 rows':>20}{'peak MB':>9}{'resume s':>10}")
    results = [measure(size) for size in sizes]
    for one in results:
        print(
            f"{one['rows']:>8}{one['done']:>8}{one['seconds']:>9}{one['cpu_per_1000']:>20}"
            f"{one['peak_mb']:>9}{one['resume_seconds']:>10}"
        )
    first, last = results[0], results[-1]
    if last["rows"] > first["rows"]:
        grown = last["rows"] / first["rows"]
        print(f"memory grew by {last['peak_mb'] - first['peak_mb']} MB while rows grew {grown:.0f} times")


if __name__ == "__main__":
    match sys.argv[1:2]:
        case ["--serve"]:
            serve(sys.argv[2])
        case ["--run"]:
            run(*sys.argv[2:])
        case _:
            main()
