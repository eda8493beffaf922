"""How close the live pool comes to its bound N/L, and how far ahead of one `httpx.post` a request it is.

    python -m benchmarks.live_pool [--latency 0.5] [--workers 16 64 256] [--seconds 8]

The server runs in a process of its own and answers after `latency` seconds. The pool is the real thing: prompts,
journal, raw lines, judging. The baseline is a thread pool in which each request is one `httpx.post` (a connection and
a TLS context each), without journal or judging. Both run in one go on one machine; only the ratios mean anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import httpx

from annotation.labels import load_labels
from annotation.workspace import Workspace
from generators.budget import Budget, Prices
from generators.pipeline import draw_brief, drive
from generators.providers.base import Feed
from generators.providers.live import LiveExecutor, LiveLimits
from generators.runs import begin_run, open_run
from generators.settings import RunSettings
from generators.stages import Question
from tests.generators.servers import run_server

LABELS = load_labels()


class Measured(NamedTuple):
    """Requests, wall-clock seconds from the first to the last answer, CPU seconds of this process."""

    requests: int
    seconds: float
    cpu: float


def measure_pool(address: str, workers: int, samples: int) -> Measured:
    """Two stages of `samples` items through the live executor."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        settings = RunSettings("compatible", samples, model="m", api_url=address, mode="live")
        run = open_run(begin_run(workspace, settings, LABELS))
        with run.journal:
            executor = LiveExecutor(run.journal, f"{address}/v1", "none", LiveLimits(workers))
            began, cpu = time.perf_counter(), read_cpu()
            ended: list[float] = []

            async def go() -> None:
                await drive(
                    run, TimedExecutor(executor, ended), Path(folder) / "out.jsonl", Budget(Prices()), asyncio.Event()
                )

            asyncio.run(go())
            assert run.journal.sum_totals().tokens_in
            return Measured(2 * samples, ended[0] - began, read_cpu() - cpu)


class TimedExecutor:
    """Notes when the last answer was in; writing samples is not the pool's work."""

    def __init__(self, executor: LiveExecutor, ended: list[float]) -> None:
        self._executor, self._ended = executor, ended

    async def run(self, feed: Feed, stop: asyncio.Event) -> None:
        """Run."""
        await self._executor.run(feed, stop)
        self._ended.append(time.perf_counter())


def measure_threads(address: str, workers: int, requests: int) -> Measured:
    """One `httpx.post` a request, as generators often do it."""
    settings = RunSettings("compatible", requests, model="m", api_url=address)
    stage = settings.build_stages(LABELS)["draft"]
    bodies = [
        stage.build_request(Question("draft", n, 1, draw_brief(settings, LABELS, n))).body for n in range(requests)
    ]

    def ask(body: dict) -> str:
        reply = httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)
        return reply.json()["choices"][0]["message"]["content"]

    began, cpu = time.perf_counter(), read_cpu()
    with ThreadPoolExecutor(workers) as pool:
        assert all(pool.map(ask, bodies))
    return Measured(requests, time.perf_counter() - began, read_cpu() - cpu)


def read_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--workers", type=int, nargs="*", default=[16, 64, 256])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--repeat", type=int, default=1)
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()}")
    for item in range(50):
        draw_brief(RunSettings("compatible", 50), LABELS, item)
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        run_server(Path(folder), "--latency", str(options.latency)) as address,
    ):
        for workers in options.workers:
            bound = workers / options.latency
            samples = max(workers, round(bound * options.seconds / 2))
            pools = [measure_pool(address, workers, samples) for _ in range(options.repeat)]
            threads = measure_threads(address, workers, max(workers, round(22 * options.seconds)))
            rate = statistics.median(pool.requests / pool.seconds for pool in pools)
            rows.append(
                {
                    "workers": workers,
                    "bound": bound,
                    "pool": round(rate, 1),
                    "pool / bound": round(rate / bound, 3),
                    "threads": round(threads.requests / threads.seconds, 1),
                    "pool / threads": round(rate / (threads.requests / threads.seconds), 1),
                    "pool CPU ms": round(1000 * pools[0].cpu / pools[0].requests, 2),
                    "threads CPU ms": round(1000 * threads.cpu / threads.requests, 2),
                }
            )
            print(json.dumps(rows[-1]), flush=True)


if __name__ == "__main__":
    main()
