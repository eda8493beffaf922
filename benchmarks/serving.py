"""The server under load: answers right, none lost, nothing blocked, while the model is reloaded and a process killed.

    python benchmarks/serving.py [--predictor regex] [--users 32] [--seconds 30] [--model MODEL_DIR] [--cores 0,1]

Documents of the offline author, one to eight joined, are masked by many users at the same time; every answer is held
against a masking of the same text without a server. With `--model`, the same model is also served as most servers do
it (`benchmarks/seed_server.py`): torch inside the web process, sequential and in threads, texts cut at 512 tokens, and
the rounds alternate; `benchmarks/random_model.py` writes a model of BERT's size for that. With `--baseline`, the torch
servers take another model: what is served here in practice beside what such servers serve. `--cores` pins the servers
to these cores, so that users and watcher run elsewhere. A process of its own watches the health, so that its figures
are the server's and not those of the users' program. Everything is measured in one run on one machine; a busy machine
makes all of it slow.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

import httpx

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.registry import open_predictor

LABELS = load_labels()
OURS = [sys.executable, "-m", "goldspan", "serve", "--port", "0", "-p"]
SEED = [sys.executable, str(Path(__file__).parent / "seed_server.py")]


@dataclass(slots=True)
class Figures:
    """Seconds of every answer and of every look at the health; answers that were wrong, and those refused."""

    took: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    wrong: int = 0
    refused: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Texts masked a second; what was refused or failed is none."""
        return len(self.took) / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds a text."""
        return self.cpu / max(len(self.took), 1)

    def show(self, name: str) -> None:
        """Print them."""
        print(f"\n{name}: {self.rate:.1f} texts/s in {self.seconds:.0f} s, "
              f"{1000 * self.cost:.1f} CPU ms a text, "
              f"{self.wrong} wrong or failed, {self.refused} refused with 503")  # fmt: skip
        for what, seconds in (("mask", self.took), ("health", self.health)):
            cuts = quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
            print(f"  {what:8} n = {len(seconds):5}   p50 {1000 * cuts[49]:7.1f} ms   p95 {1000 * cuts[94]:7.1f} ms   "
                  f"longest {1000 * max(seconds, default=0):7.1f} ms")  # fmt: skip


def write_texts(count: int) -> list[str]:
    """Texts of mixed lengths."""
    rng = random.Random(5)
    texts = [compose_document(draw_spec(5, n, ["en", "de"], LABELS), LABELS).text for n in range(count)]
    return ["\n\n".join(rng.choices(texts, k=rng.choice([1, 1, 1, 2, 4, 8]))) for _ in range(count)]


async def expect(predictor: str, texts: Sequence[str]) -> dict[str, str]:
    """What each text has to become."""
    masker = Masker(open_predictor(predictor, LABELS), load_policy("pseudonymise"), LABELS)
    return {text: (await masker.mask(text)).text for text in texts}


@asynccontextmanager
async def start(command: Sequence[str], cores: str = "") -> AsyncIterator[tuple[str, int]]:
    """A server's address and process id, while the block runs."""
    pinned = ["taskset", "-c", cores, *command] if cores else command
    server = subprocess.Popen(pinned, stderr=subprocess.PIPE, text=True)
    try:
        url = None
        while url is None and server.poll() is None and server.stderr:
            url = re.search(r"http://[\d.:]+", server.stderr.readline())
        if url is None:
            raise SystemExit("The server did not start.")
        yield url.group(), server.pid
    finally:
        server.terminate()
        server.wait()


async def load(
    url: str, expected: dict[str, str] | Sequence[str], users: int, seconds: float, pid: int, disturbed: bool = False
) -> Figures:
    """Users and a watcher of the health for a while; `disturbed`: with reloads, and a predictor's process killed."""
    figures = Figures()
    texts = itertools.cycle(expected)
    end = 0.0

    async def use(client: httpx.AsyncClient) -> None:
        while time.perf_counter() < end:
            text = next(texts)
            started = time.perf_counter()
            answer = await client.post("/v1/mask", json={"text": text})
            took = time.perf_counter() - started
            if answer.status_code == 503:
                figures.refused += 1
            elif answer.status_code != 200 or (
                isinstance(expected, dict) and answer.json()["masked_text"] != expected[text]
            ):
                figures.wrong += 1
            else:
                figures.took.append(took)

    async def disturb(client: httpx.AsyncClient) -> None:
        for round_number in range(4):
            await asyncio.sleep(seconds / 5)
            if round_number % 2:
                (await client.post("/v1/model/reload", json={})).raise_for_status()
            else:
                for child in find_workers(pid)[:1]:
                    os.kill(child, signal.SIGKILL)

    limits = httpx.Limits(max_connections=users + 4)
    async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits) as client:
        others = [disturb(client)] if disturbed else []
        context = multiprocessing.get_context("spawn")
        seen, theirs = context.Pipe(duplex=False)
        watcher = context.Process(target=watch_health, args=(url, seconds, theirs))
        watcher.start()
        theirs.close()
        await asyncio.to_thread(seen.recv)
        spent, begun = read_cpu_seconds(pid), time.perf_counter()
        end = begun + seconds
        await asyncio.gather(*(use(client) for _ in range(users)), *others)
        figures.seconds = time.perf_counter() - begun
        figures.cpu = read_cpu_seconds(pid) - spent
        figures.health = await asyncio.to_thread(seen.recv)
        watcher.join()
    return figures


def watch_health(url: str, seconds: float, pipe: Connection) -> None:
    """Send None once it can begin, then the seconds of every answer of `/health`, ten a second, over a pipe."""
    took: list[float] = []
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    pipe.send(None)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        connection.request("GET", "/health")
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"/health answered {answer.status}.")
        took.append(time.perf_counter() - begun)
        time.sleep(0.1)
    pipe.send(took)


def read_cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its children, those that ended too (proc(5), fields 14 to 17 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
    return own + sum(read_cpu_seconds(child) for child in list_children(pid))


def list_children(pid: int) -> list[int]:
    """Processes that a process started, in any of its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def find_workers(pid: int) -> list[int]:
    """Child processes that hold a predictor."""
    return [child for child in list_children(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def compare(predictor: str, baseline: str, texts: Sequence[str], users: int, seconds: float, cores: str) -> None:
    """A predictor served by us, and a model as most servers serve it, in alternating rounds."""
    rates: dict[str, list[float]] = {"ours": [], "sequential": [], "to_thread": []}
    costs: dict[str, list[float]] = {name: [] for name in rates}
    async with (
        start([*OURS, predictor], cores) as ours,
        start([*SEED, f"{baseline}/trained", "sequential"], cores) as sequential,
        start([*SEED, f"{baseline}/trained", "to_thread"], cores) as to_thread,
    ):
        servers = {"ours": ours, "sequential": sequential, "to_thread": to_thread}
        for url, pid in servers.values():
            await load(url, texts, 2, 1, pid)
        for name in ("ours", "sequential", "to_thread", "to_thread", "sequential", "ours"):
            figures = await load(servers[name][0], texts, users, seconds, servers[name][1])
            figures.show(name)
            if figures.refused or figures.wrong:
                raise SystemExit(f"{name} did not answer every text: there is nothing to compare.")
            rates[name].append(figures.rate)
            costs[name].append(figures.cost)
    for name in ("sequential", "to_thread"):
        print(f"\nours / {name}: {median(rates['ours']) / median(rates[name]):.2f} times the texts a second, "
              f"{median(costs[name]) / median(costs['ours']):.2f} times the texts a CPU second")  # fmt: skip


async def main() -> None:
    """Serve, load, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictor", default="regex")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--model", default="", help="a model directory, or another predictor with --baseline")
    parser.add_argument("--baseline", default="", help="model directory of the torch servers; empty: that of --model")
    parser.add_argument("--cores", default="", help="cores of the servers, such as 0,1; empty: all")
    parser.add_argument("--processes", default="2,0", help="processes of a predictor, one round each; empty: no round")
    arguments = parser.parse_args()
    texts = write_texts(200)
    lengths = sorted(map(len, texts))
    print(f"{arguments.predictor}: {len(lengths)} texts of {lengths[0]} to {lengths[-1]} characters")
    for processes in filter(None, arguments.processes.split(",")):
        await disturb_and_check(arguments, texts, processes)
    if arguments.model:
        cut = [text[:1500] for text in texts]
        baseline = arguments.baseline or arguments.model
        print(f"\n{arguments.model} beside {baseline}/trained in torch")
        await compare(arguments.model, baseline, cut, arguments.users, arguments.seconds / 3, arguments.cores)


async def disturb_and_check(arguments: argparse.Namespace, texts: Sequence[str], processes: str) -> None:
    """Load a server, reload its model and kill its processes, hold every answer against a masking without a server."""
    expected = await expect(arguments.predictor, texts)
    command = [*OURS, arguments.predictor, "--processes", processes]
    async with start(command, arguments.cores) as (url, pid):
        await load(url, expected, 2, 1, pid)
        where = f"{processes} processes" if processes != "0" else "threads of the server"
        figures = await load(url, expected, arguments.users, arguments.seconds, pid, disturbed=True)
        figures.show(f"{arguments.users} users, predictor in {where}, with reloads"
                     + ("" if processes == "0" else " and kills"))  # fmt: skip
        alone = await load(url, expected, 1, min(5, arguments.seconds / 3), pid)
        alone.show("one user")
        print(f"\n{arguments.users} users do {figures.rate / alone.rate:.2f} times as much as one")


if __name__ == "__main__":
    asyncio.run(main())
