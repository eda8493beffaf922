"""How fast the dashboard is on 100,000 samples: cold start, warm start, one filter change, and peak memory.

Cold is without any tables of an earlier look; warm is with them; both end when the figures of the overview are there.
Seconds are wall clock; ratios are to reading the same JSONL with `json.loads` on one core.

python benchmarks/dashboard.py [--samples 100000] [--workspace FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import multiprocessing
import os
import platform
import random
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.processes import measure_peak
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.tasks.record import pack_record
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.dashboards.serve import warm_up

LABELS = load_labels()
TEMPLATES = (
    'Dear <m c="1"><FIRSTNAME>{first}</FIRSTNAME> <SURNAME>{last}</SURNAME></m>, we got your letter {number} about '
    '<IBAN>GB82 WEST 1234 5698 7654 32</IBAN>. <m c="1" k="PRONOUN">You</m> moved to <STREET>High Street</STREET> '
    "<BUILDINGNUM>12</BUILDINGNUM>, <ZIP>SW1A 1AA</ZIP> <CITY>{city}</CITY>.",
    '<m c="1"><FIRSTNAME>{first}</FIRSTNAME> <SURNAME>{last}</SURNAME></m> of <COMPANYNAME>Rivers Ltd</COMPANYNAME> '
    'asked on day {number}. <m c="1" k="PRONOUN">She</m> lives in <CITY>{city}</CITY> and writes from '
    "<EMAIL>office@rivers.co.uk</EMAIL>.",
    "The meeting on day {number} was short. <FIRSTNAME>{first}</FIRSTNAME> was in <CITY>{city}</CITY>, and nobody "
    "else came. We wait for the next one.",
)
FIRST, LAST = ("Maria", "John", "Ann", "Piet", "Lars"), ("Santos", "Miller", "Jansen", "Weber")
CITIES, LANGUAGES, TYPES = ("London", "Leeds", "Lyon"), ("en", "de", "fr", "es"), ("letter", "chat", "invoice")
AIMS = {"cold start": 10.0, "warm start": 2.0, "filter change": 0.5}


def write_workspace(folder: Path, count: int) -> Path:
    """One file of samples: a third is reviewed, and half of the reviews change something."""
    path = folder / "annotation_samples" / "samples.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for sample in make_samples(count):
            stream.write(pack_record(encode_task(sample, LABELS)))
    return path


def make_samples(count: int) -> Iterator[Sample]:
    draw = random.Random(3)
    for number in range(count):
        tagged = parse_tagged(
            draw.choice(TEMPLATES).format(
                first=draw.choice(FIRST), last=draw.choice(LAST), city=draw.choice(CITIES), number=number
            ),
            LABELS,
        )
        entities = tuple(replace(span, id=f"e{at}") for at, span in enumerate(tagged.entities))
        mentions = tuple(replace(span, id=f"m{at}") for at, span in enumerate(tagged.mentions))
        annotations = [Annotation(Author.model("model-1"), entities, mentions, id=str(number + 1), score=0.9)]
        if number % 3 == 0:
            annotations.append(review(draw, number, entities, mentions))
        language = draw.choice(LANGUAGES)
        sample_id = make_sample_id(tagged.text, language)
        run = {"run": "benchmark"}
        yield Sample(tagged.text, language, "GB", draw.choice(TYPES), tuple(annotations), run, sample_id)


def review(draw: random.Random, number: int, entities: tuple[Entity, ...], mentions: tuple[Mention, ...]) -> Annotation:
    kept = entities[:-1] if draw.random() < 0.5 else entities
    return Annotation(
        Author.person("ann@firm.test"),
        kept,
        mentions,
        id=str(1_000_000 + number),
        updated_at="2026-11-21T10:00:00Z",
        lead_time=20.0,
        parent=str(number + 1),
    )


def look(root: str, task: str, results: multiprocessing.Queue[dict[str, float]]) -> None:
    """What the dashboard's process does at a first look, or at a change of the language filter."""
    started = time.perf_counter()
    os.environ["GOLDSPAN_DATA"] = root
    threading.Thread(target=warm_up, daemon=True).start()
    for module in ("navigation", "screens.overview"):
        importlib.import_module(f"goldspan.dashboards.{module}")
    from goldspan.dashboards.mirror.refresh import refresh_mirror
    from goldspan.dashboards.views import overview

    workspace = Workspace(Path(root))
    imported = time.perf_counter()
    mirror = refresh_mirror(workspace, LABELS)
    overview.measure_indicators(mirror)
    overview.count_days(mirror)
    overview.count_funnel(mirror, set(), 0)
    shown = time.perf_counter()
    found = {"seconds": shown - started, "imports": imported - started, "samples": mirror["samples"].height}
    if task == "filter":
        from goldspan.dashboards.views import coverage, quality

        begun = time.perf_counter()
        coverage.tabulate_coverage(mirror, LABELS, ["de"])
        coverage.tabulate_document_types(mirror, ["de"])
        coverage.tabulate_positions(mirror, "predicted", ["de"])
        coverage.tabulate_cells(mirror, LABELS, "annotated")
        found["coverage page"] = time.perf_counter() - begun
        begun = time.perf_counter()
        quality.tabulate_acceptance(mirror, ["label"], ["de"])
        quality.tabulate_confusion(mirror, ["de"])
        quality.tabulate_issues(mirror, ["de"])
        quality.list_repeated_skeletons(mirror, ["de"])
        found["quality page"] = time.perf_counter() - begun
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    found["memory"] = measure_peak()
    found["worker memory"] = workers.ru_maxrss / 1024
    found["cpu"] = own.ru_utime + own.ru_stime + workers.ru_utime + workers.ru_stime
    results.put(found)


def run(root: Path, task: str) -> dict[str, float]:
    """A look in a process of its own, so that memory is that of one look."""
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[dict[str, float]] = context.Queue()
    process = context.Process(target=look, args=(str(root), task, results))
    process.start()
    found = results.get()
    process.join()
    return found


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and seconds of CPU."""
    started, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - cpu


def parse_all(path: Path) -> None:
    with path.open("rb") as stream:
        for line in stream:
            json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--workspace", type=Path, help="Measure this workspace's first file instead of a made one")
    arguments = parser.parse_args()
    place = nullcontext(str(arguments.workspace)) if arguments.workspace else tempfile.TemporaryDirectory()
    with place as folder:
        root = Path(folder)
        made = next(root.glob("*_samples/*.jsonl"), None) or write_workspace(root, arguments.samples)
        parsing, parsing_cpu = min(measure(lambda: parse_all(made)) for _ in range(2))
        for tables in (root / ".dashboard").glob("*/done"):
            tables.unlink()
        cold, warm = run(root, "start"), run(root, "filter")
        filtering = max(warm["coverage page"], warm["quality page"])
        fingerprint = hashlib.sha256(made.read_bytes()).hexdigest()[:12]
        machine = f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores"
        print(f"{machine}, load {os.getloadavg()[0]:.1f}")
        print(f"{int(cold['samples']):,} samples, {made.stat().st_size >> 20} MiB, data {fingerprint}")
        print(f"{'json.loads of every line':<26}{parsing:8.2f} s{parsing_cpu:8.2f} s of CPU")
        for name, seconds in (
            ("cold start", cold["seconds"]),
            ("warm start", warm["seconds"]),
            ("filter change", filtering),
        ):
            print(f"{name:<26}{seconds:8.2f} s{seconds / parsing:8.2f} × json.loads   aim {AIMS[name]:g} s")
        print(f"{'of both starts, imports':<26}{warm['imports']:8.2f} s")
        print(f"{'CPU of the cold start':<26}{cold['cpu']:8.2f} s{cold['cpu'] / parsing_cpu:8.2f} × json.loads")
        print(f"peak memory: cold {cold['memory']:.0f} MiB and {cold['worker memory']:.0f} MiB in a worker,", end=" ")
        print(f"warm {warm['memory']:.0f} MiB")


if __name__ == "__main__":
    main()
