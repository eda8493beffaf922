"""How fast methods read: over text lengths, and with many texts in flight; any predictor, and a served HTTP API.

    python benchmarks/latency.py regex rampart models/v1 --lengths 100,400,1500,3000,6000 --in-flight 1,2,4,8,16,32
    python benchmarks/latency.py --url http://127.0.0.1:8765 --token-env GOLDSPAN_SERVE_TOKEN

Texts are whole documents of the offline author, joined; the first of each is cut so that the length is exact. "end"
is the share of texts in whose last 400 characters something was found: a method that truncates long texts, and would
be timed for what it does not read, shows 0 % there. Each text is read once: it begins with a number that counts on,
so that no cache answers. Every condition is warmed up before it is timed, and the order of the conditions turns
around from round to round, so that none always meets a warmer machine. Each condition's throughput stands beside that
of the same texts one at a time, from the same run. Figures are medians over rounds; other work on the machine makes
all of them worse: compare figures of one run only.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import httpx

from goldspan.annotation.labels.schema import load_labels
from goldspan.evaluation.results.timing import count_cores
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.predictors.registry import open_predictor

LABELS = load_labels()
END = 400
COUNTER = itertools.count()
Read = Callable[[str], Awaitable[set[tuple[int, int]]]]
"""Reads a text and returns its spans."""


@dataclass
class Timings:
    """What was measured of one condition: seconds of single texts, and texts a second of each round."""

    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    ends: int = 0


def write_text(number: int, length: int) -> str:
    """A text of exactly `length` code points that ends where a document ends."""
    text = ""
    while len(text) < length:
        spec = draw_spec(11, 1000 * number + len(text), ["en"], LABELS)
        text = f"{compose_document(spec, LABELS).text}\n\n{text}".strip()
    return text[-length:]


async def run_round(read: Read, texts: Sequence[str], in_flight: int, timings: Timings | None) -> None:
    """Read the texts, so many at a time; without timings only to warm up."""
    slots = asyncio.Semaphore(in_flight)

    async def one(text: str) -> tuple[float, bool]:
        async with slots:
            text = f"{next(COUNTER):06d} {text[7:]}"
            begun = perf_counter()
            spans = await read(text)
            return perf_counter() - begun, any(end > len(text) - END for _, end in spans)

    begun = perf_counter()
    found = await asyncio.gather(*map(one, texts))
    passed = perf_counter() - begun
    if timings is not None:
        timings.seconds += [seconds for seconds, _ in found]
        timings.rates.append(len(texts) / passed)
        timings.ends += sum(read_end for _, read_end in found)


async def measure(
    read: Read, texts: Sequence[Sequence[str]], in_flight: Sequence[int], rounds: int
) -> dict[tuple[int, int], Timings]:
    """Every length with every number in flight, by (place of the length, in flight)."""
    conditions = [(place, many) for place in range(len(texts)) for many in in_flight]
    timings = {condition: Timings() for condition in conditions}
    for place in range(len(texts)):
        await run_round(read, texts[place], max(in_flight), None)
    for number in range(rounds):
        for place, many in conditions if number % 2 == 0 else reversed(conditions):
            await run_round(read, texts[place], many, timings[place, many])
    return timings


def show(
    name: str, lengths: Sequence[int], count: int, timings: dict[tuple[int, int], Timings]
) -> list[dict[str, object]]:
    """Print a table, and return its rows."""
    print(f"\n{name}\n{'characters':>10} {'in flight':>9} {'p50 ms':>9} {'p95 ms':>9} {'texts/s':>9} {'to 1':>6}   end")
    rows = []
    for (place, many), one in timings.items():
        alone = timings.get((place, 1))
        cuts = quantiles(one.seconds, n=20)
        ratio = median(one.rates) / median(alone.rates) if alone else None
        rows.append(
            {
                "system": name,
                "characters": lengths[place],
                "in_flight": many,
                "p50_ms": 1000 * cuts[9],
                "p95_ms": 1000 * cuts[18],
                "texts_per_second": median(one.rates),
                "ratio_to_sequential": ratio,
                "ends_found": one.ends / (count * len(one.rates)),
            }
        )
        last = rows[-1]
        print(
            f"{lengths[place]:>10} {many:>9} {last['p50_ms']:>9.2f} {last['p95_ms']:>9.2f} "
            f"{last['texts_per_second']:>9.1f} {'–' if ratio is None else f'{ratio:.2f}':>6} {last['ends_found']:>5.0%}"
        )
    return rows


async def measure_predictor(name: str, options: argparse.Namespace, texts: list[list[str]]) -> list[dict[str, object]]:
    predictor = open_predictor(name, LABELS, defaults={"workers": max(options.in_flight)})

    async def read(text: str) -> set[tuple[int, int]]:
        prediction = await predictor.predict(text, "en", "US")
        return {(entity.start, entity.end) for entity in prediction.annotation.entities}

    try:
        timings = await measure(read, texts, options.in_flight, options.rounds)
    finally:
        await predictor.aclose()
    return show(name, options.lengths, options.texts, timings)


async def measure_server(options: argparse.Namespace, texts: list[list[str]]) -> list[dict[str, object]]:
    token = os.environ.get(options.token_env, "") if options.token_env else ""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    limits = httpx.Limits(max_connections=max(options.in_flight))
    async with httpx.AsyncClient(base_url=options.url, timeout=300, limits=limits, headers=headers) as client:

        async def read(text: str) -> set[tuple[int, int]]:
            answer = await client.post("/v1/detect", json={"text": text, "language": "en", "country": "US"})
            answer.raise_for_status()
            return {(entity["start"], entity["end"]) for entity in answer.json()["entities"]}

        timings = await measure(read, texts, options.in_flight, options.rounds)
    return show(options.url, options.lengths, options.texts, timings)


def read_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("predictors", nargs="*", help="names, model directories, artifacts, joined with +")
    parser.add_argument("--url", default="", help="a server that `goldspan serve` runs")
    parser.add_argument("--token-env", default="", help="the environment variable that holds the server's token")
    parser.add_argument("--lengths", type=read_numbers, default=read_numbers("100,400,1500,3000,6000"))
    parser.add_argument("--in-flight", type=read_numbers, default=read_numbers("1,2,4,8,16,32"))
    parser.add_argument("--texts", type=int, default=32, help="texts of each length")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the rows here")
    options = parser.parse_args()
    texts = [[write_text(number, length) for number in range(options.texts)] for length in options.lengths]
    print(
        f"{platform.processor() or platform.machine()}, {count_cores()} cores, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}; {options.texts} texts a length, {options.rounds} rounds"
    )
    rows: list[dict[str, object]] = []
    for name in options.predictors or ([] if options.url else ["regex"]):
        rows += asyncio.run(measure_predictor(name, options, texts))
    if options.url:
        rows += asyncio.run(measure_server(options, texts))
    if options.json:
        options.json.write_text(json.dumps({"cores": count_cores(), "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
