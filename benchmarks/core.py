"""How fast the core is: samples a second on one core, and as ratios to parsing the same bytes with `json.loads`.

python benchmarks/core.py [--samples 2000]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from goldspan.annotation.checks import check_sample
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.codec import encode_task, load_task_validator
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.text.alignment import align_values
from goldspan.annotation.text.tagged import parse_tagged, render_tagged
from goldspan.annotation.types import Annotation, Author, Sample

LABELS = load_labels()
DOCUMENT = (
    'Dear <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m>, we got your letter about '
    '<IBAN>GB82 WEST 1234 5698 7654 32</IBAN>. <m c="1" k="PRONOUN">You</m> moved to '
    "<STREET>High Street</STREET> <BUILDINGNUM>12</BUILDINGNUM>, <ZIP>SW1A 1AA</ZIP> <CITY>London</CITY>. Write to "
    '<EMAIL>m.santos@firm.co.uk</EMAIL> or ask <m c="2"><FIRSTNAME>John</FIRSTNAME></m>; '
    '<m c="2" k="PRONOUN">he</m> knows the case. Reference {number}.'
)
AIM, READ_AIM = 5_000, 20_000


def measure(work: Callable[[], object], samples: int, repeats: int = 3) -> float:
    """Samples a second of CPU time, the best of three."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return samples / best


def measure_start(repeats: int = 5) -> float:
    """Seconds that `goldspan --help` takes, the best of five."""
    best = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "goldspan", "--help"], check=True, stdout=subprocess.DEVNULL)
        best = min(best, time.perf_counter() - started)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2000)
    count = parser.parse_args().samples
    tagged = [DOCUMENT.format(number=number) for number in range(count)]
    read = [parse_tagged(text, LABELS) for text in tagged]
    samples = [
        Sample(one.text, "en", "GB", "letter", (Annotation(Author.model("m-1"), one.entities, one.mentions),))
        for one in read
    ]
    tasks = [encode_task(sample, LABELS) for sample in samples]
    values = [[(one.text[e.start : e.end], e.label) for e in one.entities] for one in read]
    validator = load_task_validator(LABELS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "samples.jsonl"
        write = measure(lambda: write_samples(file, samples, LABELS), count)
        lines = file.read_bytes().splitlines()
        rates = {
            "json.loads of the same lines": measure(lambda: [json.loads(line) for line in lines], count),
            "tagged text, parse": measure(lambda: [parse_tagged(text, LABELS) for text in tagged], count),
            "tagged text, render": measure(
                lambda: [render_tagged(one.text, one.entities, one.mentions) for one in read], count
            ),
            "alignment": measure(
                lambda: [align_values(one.text, pairs) for one, pairs in zip(read, values, strict=True)], count
            ),
            "checks": measure(lambda: [check_sample(sample, LABELS) for sample in samples], count),
            "schema validation": measure(lambda: [validator.accepts(task) for task in tasks], count),
            "store, write": write,
            "store, read records": measure(lambda: sum(1 for _ in read_records(file)), count),
            "store, read samples": measure(lambda: sum(1 for _ in read_samples([file], LABELS)), count),
        }
    plain = rates["json.loads of the same lines"]
    fingerprint = hashlib.sha256(DOCUMENT.encode()).hexdigest()[:12]
    print(f"{platform.machine()}, Python {platform.python_version()}, {count} samples, data {fingerprint}")
    print(f"{len(read[0].text)} characters, {len(read[0].entities)} entities, {len(read[0].mentions)} mentions each\n")
    print(f"{'':30}{'samples/s':>12}{'x json.loads time':>20}{'aim':>10}")
    for name, rate in rates.items():
        aim = READ_AIM if name == "store, read records" else AIM
        print(f"{name:30}{rate:12,.0f}{plain / rate:20.2f}{aim:10,}")
    print(f"\ngoldspan --help: {measure_start():.2f} s (aim 0.50)")


if __name__ == "__main__":
    main()
