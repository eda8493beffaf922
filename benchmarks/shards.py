"""Work over shards: documents a CPU second, memory, efficiency of two processes, kills, deduplication as it grows.

    python benchmarks/shards.py [--steps annotate,pair,kills,engine,dedupe] [--documents 20000] [--rows 2500]
        [--workers 2] [--predictor regex] [--kills 3] [--small 20000] [--folder FOLDER]

`annotate` reads all documents with `--workers` processes. The first `--small` ones are read by `pair` (one process
beside two), `kills` (killed at random, results compared byte by byte with those of `annotate`) and `engine` (the local
executor of datatrove, compared likewise). `dedupe` makes samples of all documents and deduplicates them, and the first
`--small` ones, whose duplicates are compared with those that one machine finds in memory.

With `--folder`, texts and results stay there, and the same command goes on with what is unfinished.

The documents have about 128 tokens as the model of `random_model.py` reads them, and three values that patterns find;
a tenth of them repeats another, nearly.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from time import perf_counter, sleep

from random_model import SAMPLES, compose_samples

from goldspan.annotation.corpus.dedupe import TEXT_REASONS, Deduplication, find_duplicates
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.processes import measure_peak
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Sample
from goldspan.shards.corpus import dedupe_shards
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.plan import list_shards
from goldspan.shards.run import ShardWork

GOLDSPAN = [sys.executable, "-m", "goldspan"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run over all shards: wall and CPU seconds of its processes, the largest process, a digest of its results."""

    seconds: float
    cpu: float
    peak_mib: float
    results: str


def write_shards(folder: Path, documents: int, rows: int) -> None:
    """Texts of about 128 tokens, in shards; a shard is the same however many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    begins = [begin for begin in range(0, documents, rows) if not _name_shard(folder, begin, rows).exists()]
    with multiprocessing.Pool() as pool:
        pool.starmap(_write_shard, [(folder, begin, min(begin + rows, documents), rows) for begin in begins])


def _write_shard(folder: Path, begin: int, end: int, rows: int) -> None:
    words = _list_words()
    rng = Random(begin)
    text = ""
    with AtomicFile(_name_shard(folder, begin, rows)) as stream:
        for number in range(begin, end):
            if number % 10 == 9:
                text = text.replace(" ", " then ", 1)
            else:
                body = " ".join(rng.choices(words, k=90))
                born = f"12/03/19{number % 90 + 10}"
                text = f"{body} mail u{number}@example.org, card 4111 1111 1111 1111, born {born}."
            stream.write(json.dumps({"text": text, "language": "en"}).encode() + b"\n")


def _write_samples(source: Path, target: Path) -> None:
    with source.open("rb") as lines:
        samples = (Sample(json.loads(line)["text"], "en") for line in lines)
        write_samples(target, samples, load_labels())


def _name_shard(folder: Path, begin: int, rows: int) -> Path:
    return folder / f"shard-{begin // rows:05}.jsonl"


@cache
def _list_words() -> list[str]:
    """The words that the tokenizer of `random_model.py` is made from: another word is several tokens."""
    return sorted({word for one in compose_samples(SAMPLES) for word in re.findall(r"\b[a-z]{2,}\b", one.text)})


def annotate(shards: Path, output: Path, predictor: str, workers: int, engine: str = "local") -> Run:
    """`goldspan annotate` over the shards."""
    before, begun = _measure_cpu(), perf_counter()
    done = subprocess.run(_command(shards, output, predictor, workers, engine), capture_output=True, check=False)
    seconds = perf_counter() - begun
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return Run(
        seconds, _measure_cpu() - before, json.loads(done.stdout)["peak_mib"], digest_results(output.glob("*.jsonl"))
    )


def annotate_killed(shards: Path, output: Path, given: argparse.Namespace) -> str:
    """The digest of results whose run was killed at random moments and started again."""
    rng = Random(3)
    total = len(list(shards.iterdir()))
    for wanted in sorted(rng.randrange(total) for _ in range(given.kills)):
        process = subprocess.Popen(
            _command(shards, output, given.predictor, given.workers, "local"),
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
    return annotate(shards, output, given.predictor, given.workers).results


def digest_results(files: Iterable[Path]) -> str:
    """SHA-256 over names and contents of results."""
    found = sha256()
    for path in sorted(files):
        found.update(path.name.encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _command(shards: Path, output: Path, predictor: str, workers: int, engine: str) -> list[str]:
    options = ["-p", predictor, "--engine", engine, "--workers", str(workers), "--json"]
    return [*GOLDSPAN, "annotate", str(shards), "--output", str(output), *options]


def measure_dedupe(samples: list[Path], output: Path, workers: int) -> tuple[float, float, Deduplication]:
    """Wall and CPU seconds of a deduplication over shards, and what it found."""
    begun, before = perf_counter(), _measure_cpu()
    work = ShardWork(list_shards(map(str, samples)), str(output), options=EngineOptions(workers))
    found, _ = dedupe_shards(work, TEXT_REASONS, 0.7)
    return perf_counter() - begun, _measure_cpu() - before, found


class Benchmark:
    """The steps over one set of documents."""

    def __init__(self, root: Path, given: argparse.Namespace) -> None:
        self.given, self.texts, self.annotated, self._root = given, root / "texts", root / "annotated", root
        write_shards(self.texts, given.documents, given.rows)
        self.few = root / "few"
        self.few.mkdir(exist_ok=True)
        for path in self.list_few(self.texts):
            shutil.copyfile(path, self.few / path.name)

    def list_few(self, folder: Path) -> list[Path]:
        """The shards with the first documents."""
        return sorted(folder.glob("*.jsonl"))[: max(1, self.given.small // self.given.rows)]

    def annotate(self) -> None:
        """All documents."""
        given = self.given
        print(f"annotate, {given.predictor}, {multiprocessing.cpu_count()} cores", flush=True)
        print("| documents | processes | s | documents/s | documents a CPU second | largest process, MiB |")
        print("|---|---|---|---|---|---|")
        self._show(given.documents, given.workers, annotate(self.texts, self.annotated, given.predictor, given.workers))

    def pair(self) -> None:
        """One process beside two."""
        runs = [annotate(self.few, self._root / f"few-{n}", self.given.predictor, n) for n in (1, 2)]
        for number, run in enumerate(runs, start=1):
            self._show(self._count_few(), number, run)
        same = runs[0].results == runs[1].results
        efficiency = runs[0].seconds / runs[1].seconds / 2
        print(f"efficiency of two processes: {efficiency:.2f} (aim 0.9), same results {same}", flush=True)

    def kills(self) -> None:
        """Killed at random moments, then finished."""
        killed = annotate_killed(self.few, self._root / "killed", self.given)
        print(
            f"killed {self.given.kills} times, then finished: same results {killed == self._digest_few()}", flush=True
        )

    def engine(self) -> None:
        """Another engine."""
        run = annotate(self.few, self._root / "datatrove", self.given.predictor, self.given.workers, "datatrove")
        print(f"datatrove's local executor: same results {run.results == self._digest_few()}", flush=True)

    def dedupe(self) -> None:
        """The first documents and all of them."""
        samples, workers = self._root / "samples", self.given.workers
        for path in sorted(self.texts.iterdir()):
            if not (samples / path.name).exists():
                _write_samples(path, samples / path.name)
        few = self.list_few(samples)
        labels = load_labels()
        print("\n| documents | s | CPU s | stay | as in memory | resident, MiB |\n|---|---|---|---|---|---|")
        seconds, small, found = measure_dedupe(few, self._root / "unique-few", workers)
        outlines = outline_samples(read_samples(few, labels, unique=False), labels)
        equal = found == find_duplicates(outlines, reasons=TEXT_REASONS)
        del outlines
        found_few = f"{seconds:.1f} | {small:.1f} | {len(found.kept)} | {equal}"
        print(f"| {self._count_few()} | {found_few} | {measure_peak():.0f} |", flush=True)
        seconds, large, found = measure_dedupe(sorted(samples.glob("*.jsonl")), self._root / "unique", workers)
        print(f"| {self.given.documents} | {seconds:.1f} | {large:.1f} | {len(found.kept)} | | {measure_peak():.0f} |")
        print(f"{self.given.documents / self._count_few():.0f} times the documents: {large / small:.1f} times the CPU")

    def _show(self, documents: int, workers: int, run: Run) -> None:
        speed, by_cpu = documents / run.seconds, documents / run.cpu
        numbers = f"{run.seconds:.0f} | {speed:.0f} | {by_cpu:.0f} | {run.peak_mib:.0f}"
        print(f"| {documents} | {workers} | {numbers} |", flush=True)

    def _count_few(self) -> int:
        return min(int(self.given.documents), len(self.list_few(self.texts)) * int(self.given.rows))

    def _digest_few(self) -> str:
        return digest_results(self.list_few(self.annotated))


def _measure_cpu() -> float:
    """CPU seconds of this process and of those that it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return float(sum(one.ru_utime + one.ru_stime for one in used))


def main() -> None:
    """Run the steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", default="annotate,pair,kills,engine,dedupe")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=2_500)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--predictor", default="regex")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as folder:
        benchmark = Benchmark(Path(folder), given)
        for step in given.steps.split(","):
            getattr(benchmark, step)()


if __name__ == "__main__":
    main()
