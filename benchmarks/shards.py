"""Work over shards: documents a CPU second, memory, efficiency of two processes, kills, deduplication as it grows.

    python benchmarks/shards.py [--documents 20000] [--rows 5000] [--predictor regex] [--kills 3] [--dedupe 20000]

The documents have about 128 tokens, three of them values that patterns find; a tenth of them repeats another, nearly.
Every run writes new results; those of two processes, of a run that is killed at random, and of datatrove's local
executor (where it is installed) are compared byte by byte with those of one process. The duplicates over shards are
compared with those that one machine finds in memory, for a tenth of the documents.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from goldspan.annotation.corpus.dedupe import TEXT_REASONS, find_duplicates
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Sample
from goldspan.shards.corpus import ShardWork, dedupe_shards
from goldspan.shards.engines.base import EngineOptions

GOLDSPAN = [sys.executable, "-m", "goldspan.cli.main"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run over all shards: wall and CPU seconds of its processes, the largest process, a digest of its results."""

    seconds: float
    cpu: float
    peak_mib: float
    results: str


def write_shards(folder: Path, documents: int, rows: int, seed: int = 1) -> None:
    """Texts of about 100 words, in shards."""
    rng = Random(seed)
    words = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randrange(3, 10))) for _ in range(20_000)]
    folder.mkdir(parents=True)
    text = ""
    for begin in range(0, documents, rows):
        with (folder / f"shard-{begin // rows:05}.jsonl").open("w", encoding="utf-8") as stream:
            for number in range(begin, min(begin + rows, documents)):
                if number % 10 == 9:
                    text = text.replace(" ", " then ", 1)
                else:
                    body = " ".join(rng.choices(words, k=90))
                    born = f"12/03/19{number % 90 + 10}"
                    text = f"{body} mail u{number}@example.org, card 4111 1111 1111 1111, born {born}."
                stream.write(json.dumps({"text": text, "language": "en"}) + "\n")


def annotate(shards: Path, output: Path, predictor: str, workers: int, engine: str = "local") -> Run:
    """`goldspan annotate` over the shards."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = perf_counter()
    done = subprocess.run(_command(shards, output, predictor, workers, engine), capture_output=True, check=False)
    seconds = perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, cpu, json.loads(done.stdout)["peak_mib"], digest_results(output))


def annotate_killed(shards: Path, output: Path, predictor: str, kills: int) -> str:
    """The digest of results whose run was killed at random moments and started again."""
    rng = Random(3)
    total = len(list(shards.iterdir()))
    for _ in range(kills):
        wanted = rng.randrange(total)
        process = subprocess.Popen(
            _command(shards, output, predictor, 2, "local"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while process.poll() is None and len(list(output.glob("_run/done/*"))) < wanted:
            sleep(0.01)
        sleep(rng.random())
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return annotate(shards, output, predictor, 2).results


def digest_results(output: Path) -> str:
    """SHA-256 over names and contents of the results."""
    found = sha256()
    for path in sorted(output.glob("*.jsonl")):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _command(shards: Path, output: Path, predictor: str, workers: int, engine: str) -> list[str]:
    options = ["-p", predictor, "--engine", engine, "--workers", str(workers), "--json"]
    return [*GOLDSPAN, "annotate", str(shards), "--output", str(output), *options]


def measure_dedupe(folder: Path, documents: int, rows: int) -> tuple[float, int, bool | None]:
    """Seconds of a deduplication over shards, what it keeps, and (for small sets) whether that is what memory gives."""
    labels = load_labels()
    samples = folder / "samples"
    write_shards(folder / "texts", documents, rows, seed=5)
    for path in sorted((folder / "texts").iterdir()):
        texts = (json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines())
        write_samples(samples / path.name, (Sample(t, "en", sample_id=make_sample_id(t, "en")) for t in texts), labels)
    begun = perf_counter()
    work = ShardWork((str(samples),), str(folder / "unique"), options=EngineOptions(os.cpu_count() or 1))
    found, _ = dedupe_shards(work, TEXT_REASONS, 0.7)
    seconds = perf_counter() - begun
    if documents > 100_000:
        return seconds, len(found.kept), None
    outlines = outline_samples(read_samples(samples, labels, unique=False), labels)
    return seconds, len(found.kept), found == find_duplicates(outlines, reasons=TEXT_REASONS)


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--predictor", default="regex")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--dedupe", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_shards(root / "texts", given.documents, given.rows)
        one = annotate(root / "texts", root / "one", given.predictor, 1)
        two = annotate(root / "texts", root / "two", given.predictor, 2)
        print(f"annotate, {given.predictor}, {given.documents} documents, {multiprocessing.cpu_count()} cores")
        print("| processes | documents/s | documents a CPU second | largest process, MiB | same results |")
        print("|---|---|---|---|---|")
        for name, run in (("1", one), ("2", two)):
            speed, by_cpu = given.documents / run.seconds, given.documents / run.cpu
            print(f"| {name} | {speed:.0f} | {by_cpu:.0f} | {run.peak_mib:.0f} | {run.results == one.results} |")
        print(f"\nefficiency of two processes: {one.seconds / two.seconds / 2:.2f} (aim 0.9)", flush=True)
        killed = annotate_killed(root / "texts", root / "killed", given.predictor, given.kills)
        print(f"killed {given.kills} times, then finished: same results {killed == one.results}", flush=True)
        if importlib.util.find_spec("datatrove"):
            other = annotate(root / "texts", root / "datatrove", given.predictor, 2, "datatrove")
            print(f"datatrove's local executor: same results {other.results == one.results}")
        if given.dedupe:
            small, large = given.dedupe // 10, given.dedupe
            times = {}
            print("\n| documents | deduplicated in s | kept | as in memory |\n|---|---|---|---|")
            for size in (small, large):
                times[size], kept, equal = measure_dedupe(root / f"dedupe-{size}", size, min(given.rows, size // 4))
                shown = "not compared" if equal is None else equal
                print(f"| {size} | {times[size]:.1f} | {kept} | {shown} |", flush=True)
            print(f"\nten times the documents take {times[large] / times[small]:.1f} times as long")


if __name__ == "__main__":
    main()
