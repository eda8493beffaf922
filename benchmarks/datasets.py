"""Data sets at size: import, deduplication, split and export; time, growth, memory, and datasketch beside it.

python benchmarks/datasets.py [--samples 100000] [--datasketch 10000]

Each step runs in a process of its own. Seconds are CPU seconds; memory is the peak of the resident set, so a step
that streams shows the same figure at a tenth of the samples.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

WORDS = 20_000
NAMES = 4_000
STEPS = ("rows", "import", "dedupe", "split", "export")


def make_row(draw: random.Random, templates: list[list[str]], number: int) -> dict[str, object]:
    """A row in kiji's shape: one in four follows a template, the others are words drawn anew."""
    body = list(draw.choice(templates)) if number % 4 == 0 else [f"w{draw.randrange(WORDS)}" for _ in range(50)]
    first, last, city = f"Fn{draw.randrange(NAMES)}a", f"Ln{draw.randrange(NAMES)}b", f"Ct{draw.randrange(NAMES)}c"
    body[3], body[4], body[20] = first, last, city
    return {
        "text": " ".join(body) + ". She left.",
        "privacy_mask": [
            {"value": first, "label": "FIRSTNAME"},
            {"value": last, "label": "SURNAME"},
            {"value": city, "label": "CITY"},
        ],
        "coreferences": [{"mentions": [f"{first} {last}", "She"], "entity_type": "FIRSTNAME", "cluster_id": 0}],
        "language": ("English", "German", "French")[number % 3],
        "country": "France",
    }


def run_rows(folder: Path, samples: int) -> dict[str, object]:
    """Write the rows that the import reads."""
    import pyarrow
    import pyarrow.parquet

    draw = random.Random(11)
    templates = [[f"t{number}x{draw.randrange(WORDS)}" for _ in range(50)] for number in range(500)]
    writer = None
    for begin in range(0, samples, 1000):
        rows = [make_row(draw, templates, number) for number in range(begin, min(begin + 1000, samples))]
        table = pyarrow.Table.from_pylist(rows)
        writer = writer or pyarrow.parquet.ParquetWriter(folder / "train.parquet", table.schema)
        writer.write_table(table)
    if writer:
        writer.close()
    return {"sha256": hashlib.sha256((folder / "train.parquet").read_bytes()).hexdigest()[:16]}


def run_import(folder: Path, samples: int) -> dict[str, object]:
    """Parquet rows to checked, written samples."""
    from goldspan.annotation.formats.reading import ReadOptions
    from goldspan.annotation.formats.rows import get_shape
    from goldspan.annotation.formats.rows.convert import RowSource
    from goldspan.annotation.hub.client import Snapshot
    from goldspan.annotation.hub.download import RowReader, convert_shard
    from goldspan.annotation.hub.shards import HubShard, read_rows
    from goldspan.annotation.hub.state import DownloadState
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labels.taxonomy import load_taxonomy

    labels = load_labels()
    state = DownloadState(
        Snapshot("bench/rows", "0" * 40, ("train.parquet",)), folder / "samples", "jsonl", labels.fingerprint
    )
    source = RowSource("bench/rows", "0" * 40)
    started = time.process_time()
    rows = read_rows(folder / "train.parquet", "train.parquet")
    reader = RowReader(get_shape("kiji"), source, load_taxonomy("kiji"), ReadOptions(labels))
    result = convert_shard(state, HubShard("train.parquet", "train", "train"), rows, reader, set())
    return {"seconds": time.process_time() - started, "samples": result.samples, "rejected": result.rejected}


def list_outlines(folder: Path) -> tuple[list[object], float]:
    """Outlines of the imported samples, and the seconds it took to read them."""
    from goldspan.annotation.corpus.outline import outline_samples
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.store import read_samples

    started = time.process_time()
    outlines = outline_samples(read_samples([folder / "samples"], load_labels()))
    return list(outlines), time.process_time() - started


def run_dedupe(folder: Path, samples: int) -> dict[str, object]:
    """Exact and near duplicates, by text and by skeleton."""
    from goldspan.annotation.corpus.dedupe import ALL_REASONS, find_duplicates
    from goldspan.annotation.corpus.minhash import group_near_duplicates

    outlines, reading = list_outlines(folder)
    started = time.process_time()
    found = find_duplicates(outlines, reasons=ALL_REASONS)
    seconds = time.process_time() - started
    started = time.process_time()
    groups = group_near_duplicates([outline.text for outline in outlines])
    one = time.process_time() - started
    return {
        "seconds": seconds,
        "reading": reading,
        "kept": len(found.kept),
        "texts_only": one,
        "text_groups": len(set(groups.tolist())),
    }


def run_split(folder: Path, samples: int) -> dict[str, object]:
    """A grouped, stratified split with its report."""
    from goldspan.annotation.corpus.splits import report_split, split_samples

    outlines, _ = list_outlines(folder)
    started = time.process_time()
    split = split_samples(outlines, seed=1)
    report = report_split(outlines, split, seed=1)
    return {
        "seconds": time.process_time() - started,
        "groups": report.groups,
        "leakage": report.grouped.group,
        "random_leakage": report.random.group,
    }


def run_export(folder: Path, samples: int) -> dict[str, object]:
    """All samples to CoNLL."""
    from goldspan.annotation.formats.conll import write_conll
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.store import read_samples

    started = time.process_time()
    report = write_conll(folder / "out.conll", read_samples([folder / "samples"], load_labels()))
    return {"seconds": time.process_time() - started, "samples": report.samples}


def run_datasketch(folder: Path, samples: int) -> dict[str, object]:
    """Near duplicates of the texts with datasketch as its documentation shows it."""
    from datasketch import MinHash, MinHashLSH

    outlines, _ = list_outlines(folder)
    started = time.process_time()
    index = MinHashLSH(threshold=0.7, num_perm=128)
    parent = list(range(samples))
    for number, outline in enumerate(outlines[:samples]):
        words = outline.text.casefold().split()
        signature = MinHash(num_perm=128)
        for place in range(len(words) - 2):
            signature.update(" ".join(words[place : place + 3]).encode())
        for near in index.query(signature):
            union(parent, number, near)
        index.insert(number, signature)
    groups = len({find(parent, number) for number in range(min(samples, len(outlines)))})
    return {"seconds": time.process_time() - started, "text_groups": groups}


def find(parent: list[int], item: int) -> int:
    """Root of an item."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def union(parent: list[int], left: int, right: int) -> None:
    """Tie two items together."""
    parent[find(parent, left)] = find(parent, right)


def run_step(name: str, folder: Path, samples: int) -> dict[str, object]:
    """Run one step in a process of its own; its result with the peak of memory in MiB."""
    command = [sys.executable, __file__, "--step", name, "--folder", str(folder), "--samples", str(samples)]
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, object] = json.loads(finished.stdout.splitlines()[-1])
    return result


def run_all(samples: int) -> Iterator[tuple[str, dict[str, object]]]:
    """All steps at one size."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in STEPS:
            yield name, run_step(name, Path(temporary), samples)


def compare_datasketch(samples: int) -> None:
    """Near duplicates among the texts of `samples` samples: ours beside datasketch."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("rows", "import"):
            run_step(name, folder, samples)
        ours, theirs = run_step("dedupe", folder, samples), run_step("datasketch", folder, samples)
    ratio = float(str(theirs["seconds"])) / float(str(ours["texts_only"]))
    print(
        f"near-duplicate texts among {samples:,}: {ours['texts_only']:.2f} s, {ours['text_groups']:,} groups; "
        f"datasketch {theirs['seconds']:.2f} s, {theirs['text_groups']:,} groups; {ratio:.1f} times as long"
    )


def main() -> None:
    """Run the steps at a tenth and at full size, and print what changed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--datasketch", type=int, default=10_000)
    parser.add_argument("--step", choices=[*STEPS, "datasketch"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.step:
        from goldspan.annotation.processes import measure_peak

        result = globals()[f"run_{options.step}"](options.folder, options.samples)
        print(json.dumps(result | {"peak_mib": round(measure_peak())}))
        return
    small, full = dict(run_all(options.samples // 10)), dict(run_all(options.samples))
    print(f"{platform.machine()}, Python {platform.python_version()}, rows {full['rows']['sha256']}")
    print(
        f"{'step':8} {'samples':>9} {'CPU s':>8} {'per s':>8} {'growth':>7} {'peak MiB, a tenth':>18} {'peak MiB':>9}"
    )
    for name in STEPS[1:]:
        seconds, before = float(str(full[name]["seconds"])), float(str(small[name]["seconds"]))
        print(
            f"{name:8} {options.samples:9,} {seconds:8.2f} {options.samples / seconds:8,.0f} {seconds / before:6.1f}x "
            f"{small[name]['peak_mib']:18,} {full[name]['peak_mib']:9,}"
        )
    print(
        f"dedupe keeps {full['dedupe']['kept']:,}; split has {full['split']['groups']:,} groups, leaks "
        f"{full['split']['leakage']:.1%} where a random one leaks {full['split']['random_leakage']:.1%}"
    )
    compare_datasketch(options.datasketch)


if __name__ == "__main__":
    main()
