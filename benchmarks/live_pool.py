"""How close the live pool comes to its bound N/L, and how far ahead of one `httpx.post` a request it is.

    python -m benchmarks.live_pool [--latency 0.5] [--workers 16 64 256] [--seconds 8] [--parts]

The server runs in a process of its own and answers after `latency` seconds. `pool` is the real thing: briefs, prompts,
journal, raw lines, judging, novelty, output. `warm` is a second run of it: the examples for briefs, which a run draws
once for each language and document type, are there by then. `transport` is the executor alone: it sends ready requests,
stores raw lines and reads completions. The baselines have neither journal nor judging: `raw` is bare aiohttp, `threads`
a thread pool in which each request is one `httpx.post` (a connection and a TLS context each).
`--parts` also says where the pool's CPU time goes, by a sampling profile of another run of it.
All run in one go on one machine; only the ratios mean anything. No client is further ahead of the threads than
`bound / threads`: with few workers the server's latency is the limit, with many the client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import signal
import statistics
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import aiohttp
import httpx

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits
from goldspan.generators.providers.live.request_queue import CompletionQueue
from goldspan.generators.providers.protocol import Request
from goldspan.generators.runs.folder import begin_run, open_run
from goldspan.generators.runs.pipeline import draw_brief, run_pipeline
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.stages.stage import StageInput
from tests.generators.servers import run_server

LABELS = load_labels()
PARTS = {
    "HTTP": ("providers/client.py", "providers/json_post.py", "providers/parsing.py", "aiohttp/"),
    "journal and raw lines": ("generators/journal/",),
    "briefs and prompts": ("generators/specs/", "runs/content.py", "stages/prose.py", "stages/stage.py", "surrogates/"),
    "judging": ("generators/stages/", "annotation/text/", "annotation/checks.py", "annotation/labels/"),
    "novelty": ("novelty.py", "minhash.py"),
    "samples": ("runs/output.py", "annotation/tasks/"),
    "queue and pool": ("runs/", "providers/live/"),
    "event loop": ("asyncio/",),
}
"""Parts of the pool's work by where their code stands; a function counts for the innermost part that called it."""


class Measured(NamedTuple):
    """Requests a second in the middle four fifths of the run, and CPU milliseconds of this process a request."""

    rate: float
    cpu: float


def measure(times: list[float], cpu: float) -> Measured:
    """From the moments at which answers were in. Ramp and tail are left out: they shrink with the length of a run."""
    times = sorted(times)
    low, high = len(times) // 10, len(times) - len(times) // 10 - 1
    return Measured((high - low) / (times[high] - times[low]), 1000 * cpu / len(times))


def measure_pool(address: str, workers: int, samples: int) -> Measured:
    """Two stages of `samples` items through the live executor."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        settings = RunSettings("compatible", samples, model="m", api_url=address, mode="live")
        run = open_run(begin_run(workspace, settings, LABELS))
        with run.journal:
            executor = LiveExecutor(run.journal, f"{address}/v1", "none", LiveLimits(workers))
            budget, output = Budget(Prices()), Path(folder) / "out.jsonl"
            cpu = read_cpu()
            asyncio.run(run_pipeline(run, executor, output, budget, asyncio.Event()))
            cpu = read_cpu() - cpu
            times = [moment for (moment,) in run.journal.query("SELECT updated FROM row WHERE state = 'ok'")]
            assert len(times) == 2 * samples
            return measure(times, cpu)


def profile_pool(address: str, workers: int, samples: int) -> dict[str, float]:
    """CPU milliseconds a request of each part, by samples of the running code."""
    counts: Counter[str] = Counter()

    def take_sample(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            name = frame.f_code.co_filename
            part = next((part for part, places in PARTS.items() if any(place in name for place in places)), "")
            if part:
                counts[part] += 1
                return
            frame = frame.f_back
        counts["rest"] += 1

    signal.signal(signal.SIGPROF, take_sample)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    measured = measure_pool(address, workers, samples)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return {part: round(measured.cpu * count / counts.total(), 3) for part, count in counts.most_common()}


def measure_transport(address: str, workers: int, requests: int) -> Measured:
    """The live executor alone, without a run's pipeline."""
    asked = [
        Request(f"r{number}", "draft", number, 1, body) for number, body in enumerate(make_bodies(address, requests))
    ]
    times: list[float] = []

    async def ask(queue: CompletionQueue, request: Request) -> None:
        answer = await queue.ask(request)
        assert answer.content
        times.append(time.time())

    async def go(journal: Journal) -> None:
        queue = CompletionQueue()
        executor = LiveExecutor(journal, f"{address}/v1", "none", LiveLimits(workers))
        running = asyncio.create_task(executor.run(queue, asyncio.Event()))
        await asyncio.gather(*(ask(queue, request) for request in asked))
        queue.close()
        await running

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "run", create=True) as journal:
        cpu = read_cpu()
        asyncio.run(go(journal))
        return measure(times, read_cpu() - cpu)


def measure_raw(address: str, workers: int, requests: int) -> Measured:
    """What the machine gives just now: bare aiohttp, no SDK, no journal, no judging."""
    bodies = make_bodies(address, requests)
    times: list[float] = []

    async def go() -> None:
        waiting = iter(bodies)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=workers)) as session:

            async def work() -> None:
                for body in waiting:
                    async with session.post(f"{address}/v1/chat/completions", json=body) as reply:
                        await reply.json()
                    times.append(time.time())

            await asyncio.gather(*(work() for _ in range(workers)))

    cpu = read_cpu()
    asyncio.run(go())
    return measure(times, read_cpu() - cpu)


def make_bodies(address: str, requests: int) -> list[dict[str, Any]]:
    """Bodies as the pool sends them."""
    settings = RunSettings("compatible", requests, model="m", api_url=address)
    stage = settings.build_stages(LABELS)["draft"]
    briefs = [draw_brief(settings, LABELS, item) for item in range(min(requests, 100))]
    return [dict(stage.build_request(StageInput("draft", n, 1, briefs[n % len(briefs)])).body) for n in range(requests)]


def measure_threads(address: str, workers: int, requests: int) -> Measured:
    """One `httpx.post` a request, as generators often do it."""
    bodies = make_bodies(address, requests)

    def ask(body: dict[str, Any]) -> float:
        reply = httpx.post(f"{address}/v1/chat/completions", json=body, timeout=60)
        assert reply.json()["choices"][0]["message"]["content"]
        return time.time()

    cpu = read_cpu()
    with ThreadPoolExecutor(workers) as pool:
        times = list(pool.map(ask, bodies))
    return measure(times, read_cpu() - cpu)


def read_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--workers", type=int, nargs="*", default=[16, 64, 256])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--parts", action="store_true")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()}")
    for item in range(50):
        draw_brief(RunSettings("compatible", 50), LABELS, item)
    with (
        tempfile.TemporaryDirectory() as folder,
        run_server(Path(folder), "--latency", str(options.latency)) as address,
    ):
        for workers in options.workers:
            bound = workers / options.latency
            samples = max(workers, round(bound * options.seconds / 2))
            pools = [measure_pool(address, workers, samples) for _ in range(options.repeat)]
            pool = statistics.median_high(pools)
            warm = measure_pool(address, workers, samples)
            transport = measure_transport(address, workers, 2 * samples)
            raw = measure_raw(address, workers, 2 * samples)
            threads = measure_threads(address, workers, max(workers, round(22 * options.seconds)))
            row = {
                "workers": workers,
                "bound": bound,
                "pool": round(pool.rate, 1),
                "pool / bound": round(pool.rate / bound, 3),
                "pool, warm / bound": round(warm.rate / bound, 3),
                "transport / bound": round(transport.rate / bound, 3),
                "raw / bound": round(raw.rate / bound, 3),
                "threads": round(threads.rate, 1),
                "pool / threads": round(pool.rate / threads.rate, 1),
                "bound / threads": round(bound / threads.rate, 1),
                "CPU ms: pool, warm, transport, raw, threads": [
                    round(each.cpu, 2) for each in (pool, warm, transport, raw, threads)
                ],
                "CPU / raw: pool, warm, transport": [round(each.cpu / raw.cpu, 1) for each in (pool, warm, transport)],
            }
            print(json.dumps(row), flush=True)
            if options.parts:
                print(json.dumps({"CPU ms by part": profile_pool(address, workers, samples)}), flush=True)


if __name__ == "__main__":
    main()
