"""The server under load: answers right, none lost, nothing blocked, while the model is reloaded.

    python benchmarks/serving.py [--predictor regex+rampart] [--users 32] [--seconds 30]

Documents of the offline author, one to eight joined, are masked by many users at the same time; every answer is held
against a masking of the same text without a server. The comparison line asks for the same texts one request after the
other. Both are measured in one run on one machine; a busy machine makes both slow.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import re
import subprocess
import sys
import time
from statistics import quantiles

import httpx

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.registry import open_predictor

LABELS = load_labels()


def write_texts(count: int) -> list[str]:
    """Texts of mixed lengths."""
    rng = random.Random(5)
    texts = [compose_document(draw_spec(5, n, ["en", "de"], LABELS), LABELS).text for n in range(count)]
    return ["\n\n".join(rng.choices(texts, k=rng.choice([1, 1, 1, 2, 4, 8]))) for _ in range(count)]


async def expect(predictor: str, texts: list[str]) -> dict[str, str]:
    """What each text has to become."""
    masker = Masker(open_predictor(predictor, LABELS), load_policy("pseudonymise"), LABELS)
    return {text: (await masker.mask(text)).text for text in texts}


def show(name: str, seconds: list[float]) -> None:
    """Count, median and 95th percentile."""
    cuts = quantiles(seconds, n=100)
    print(f"  {name:22} n = {len(seconds):5}   p50 {1000 * cuts[49]:7.1f} ms   p95 {1000 * cuts[94]:7.1f} ms")


async def load(url: str, expected: dict[str, str], users: int, seconds: float) -> None:
    """Users, a watcher of the health, and reloads, for a while."""
    took: list[float] = []
    health: list[float] = []
    wrong = 0
    refused = 0
    end = time.perf_counter() + seconds
    texts = itertools.cycle(expected)

    async def use(client: httpx.AsyncClient) -> None:
        nonlocal wrong, refused
        while time.perf_counter() < end:
            text = next(texts)
            begun = time.perf_counter()
            answer = await client.post("/v1/mask", json={"text": text})
            took.append(time.perf_counter() - begun)
            refused += answer.status_code == 503
            if answer.status_code != 503:
                wrong += answer.status_code != 200 or answer.json()["masked_text"] != expected[text]

    async def watch(client: httpx.AsyncClient) -> None:
        while time.perf_counter() < end:
            begun = time.perf_counter()
            (await client.get("/health")).raise_for_status()
            health.append(time.perf_counter() - begun)
            await asyncio.sleep(0.1)

    async def reload(client: httpx.AsyncClient) -> None:
        while time.perf_counter() < end - 1:
            await asyncio.sleep(seconds / 4)
            (await client.post("/v1/model/reload", json={})).raise_for_status()

    limits = httpx.Limits(max_connections=users + 4)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:
        begun = time.perf_counter()
        await asyncio.gather(watch(client), reload(client), *(use(client) for _ in range(users)))
        passed = time.perf_counter() - begun
        print(f"\n{users} users, {passed:.0f} s, 3 reloads: {len(took) / passed:.1f} texts/s, "
              f"{wrong} wrong or failed, {refused} refused with 503")  # fmt: skip
        show("mask", took)
        show("health", health)
        rate = len(took) / passed
        took = []
        begun = time.perf_counter()
        while time.perf_counter() < begun + seconds / 3:
            started = time.perf_counter()
            (await client.post("/v1/mask", json={"text": next(texts)})).raise_for_status()
            took.append(time.perf_counter() - started)
        alone = len(took) / (time.perf_counter() - begun)
        print(f"\none user: {alone:.1f} texts/s; {users} users do {rate / alone:.2f} times as much")
        show("mask", took)


async def main() -> None:
    """Serve, load, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictor", default="regex")
    parser.add_argument("--users", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    expected = await expect(arguments.predictor, write_texts(200))
    lengths = sorted(map(len, expected))
    print(f"{arguments.predictor}: {len(lengths)} texts of {lengths[0]} to {lengths[-1]} characters")
    command = [sys.executable, "-m", "goldspan.cli.main", "serve", "-p", arguments.predictor, "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://[\d.:]+", server.stderr.readline() if server.stderr else "")
        if url is None:
            raise SystemExit("The server did not start.")
        await load(url.group(), expected, arguments.users, arguments.seconds)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    asyncio.run(main())
