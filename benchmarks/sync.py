"""Push and pull as ratios to what one would write by hand, and the peak memory of our process.

    python benchmarks/sync.py [--samples 10000] [--url URL --token TOKEN]

Without an address a Label Studio of its own is started (SQLite). Each of our steps runs in a process of its own:
memory is that process's peak, taken at a quarter of the samples and at all of them, since the claim is that it
does not grow with the project. One POST per file would take an hour, so it is
measured on 100 tasks and scaled up. The incremental pulls come right after the push, within the time that a pull
looks back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.labelstudio.server.start import start_server, stop_server
from goldspan.annotation.processes import measure_peak
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample

LABELS = load_labels()
LETTER = (
    'Letter {n}. Dear <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m>, '
    '<m c="1" k="PRONOUN">you</m> moved to <CITY>Lyon</CITY> on '
    "<DATEOFBIRTH>7 March 1988</DATEOFBIRTH>. "
    '<m c="2"><FIRSTNAME>José</FIRSTNAME></m> says that <m c="2" k="PRONOUN">he</m> likes it there. '
    "Write to <EMAIL>maria@example.org</EMAIL>. Number {n} ends here, and nothing more is said of it in this letter."
)
SINGLE_POSTS = 100
BATCH = 500


def make_samples(count: int) -> Iterator[Sample]:
    for number in range(count):
        read = parse_tagged(LETTER.format(n=number), LABELS)
        prediction = Annotation(Author.model("bench/v1"), read.entities, read.mentions, score=0.9)
        yield Sample(read.text, "en", "GB", "letter", (prediction,), {"number": number})


@contextmanager
def find_studio(url: str | None, token: str) -> Iterator[tuple[str, str]]:
    if url:
        yield url, token
        return
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        try:
            info = start_server(workspace, find_free_port())
            yield info.url, info.token
        finally:
            stop_server(workspace)


def run_worker(step: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--worker", step, *arguments]
    reply = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(reply.stdout))


def work(step: str, url: str, token: str, title: str, folder: str, file: str = "") -> None:
    """One step of ours; prints its seconds and peak memory."""
    client = StudioClient(url, token)
    started = time.perf_counter()
    if step == "push":
        push_samples(client, read_samples([Path(file)], LABELS), LABELS, PushOptions(title))
    else:
        pull_annotations(client, Workspace(Path(folder)), LABELS, PullOptions(title, untouched=step == "pull"))
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "peak_mb": measure_peak()}))


def time_it(action: Any) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def import_by_hand(url: str, token: str, file: Path, size: int, limit: int) -> float:
    """The SDK's `import_tasks`, `size` tasks a request, nothing checked."""
    from label_studio_sdk import LabelStudio

    sdk = LabelStudio(base_url=url, api_key=token, max_retries=0, timeout=600)
    project = sdk.projects.create(title=f"by hand {size}", label_config=build_config(LABELS)).id
    with file.open("rb") as lines:
        tasks = [unpack_record(json.loads(line)) for _, line in zip(range(limit), lines, strict=False)]
    batches = [tasks[start : start + size] for start in range(0, len(tasks), size)]
    return time_it(lambda: [sdk.projects.import_tasks(id=project, request=batch) for batch in batches])


def list_by_hand(url: str, token: str, project: int) -> float:
    """The SDK's `tasks.list(fields="all")`, 1,000 tasks a page."""
    from label_studio_sdk import LabelStudio

    sdk = LabelStudio(base_url=url, api_key=token, timeout=600)
    return time_it(lambda: sum(1 for _ in sdk.tasks.list(project=project, fields="all", page_size=1000)))


def correct(client: StudioClient, project: int, count: int) -> None:
    fields = "id,predictions,result"
    for task, _ in zip(client.iter_tasks(project, fields, page_size=count), range(count), strict=False):
        prediction = task["predictions"][0]
        submit_review(client, task["id"], prediction["result"][1:], parent_prediction=prediction)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--url")
    parser.add_argument("--token", default=os.environ.get("LABEL_STUDIO_API_KEY", ""))
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker)
        return
    count = options.samples
    with tempfile.TemporaryDirectory() as folder, find_studio(options.url, options.token) as (url, token):
        all_file, quarter_file = Path(folder) / "all.jsonl", Path(folder) / "quarter.jsonl"
        write_samples(all_file, make_samples(count), LABELS)
        write_samples(quarter_file, make_samples(count // 4), LABELS)
        measure(url, token, folder, all_file, quarter_file, count)


def measure(url: str, token: str, folder: str, all_file: Path, quarter_file: Path, count: int) -> None:
    title, small = f"bench {time.time_ns()}", f"quarter {time.time_ns()}"
    client = StudioClient(url, token)
    digest = hashlib.sha256(all_file.read_bytes()).hexdigest()[:12]
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores; data {digest}")
    quarter_push = run_worker("push", url, token, small, folder, str(quarter_file))
    push = run_worker("push", url, token, title, folder, str(all_file))
    again = run_worker("push", url, token, title, folder, str(all_file))
    bulk = import_by_hand(url, token, all_file, BATCH, count)
    single = import_by_hand(url, token, all_file, 1, min(SINGLE_POSTS, count)) * count / min(SINGLE_POSTS, count)
    quarter_pull = run_worker("pull", url, token, small, folder)
    full = run_worker("pull", url, token, title, folder)
    nothing = run_worker("pull", url, token, title, folder)
    found = client.find_project(title)
    assert found is not None
    correct(client, found["id"], max(1, count // 100))
    incremental = run_worker("pull", url, token, title, folder)
    listing = list_by_hand(url, token, found["id"])
    rows = [
        (
            "push",
            push["seconds"],
            f"{bulk / push['seconds']:.2f} x bulk endpoint, {single / push['seconds']:.0f} x files",
        ),
        ("push again, nothing new", again["seconds"], f"{push['seconds'] / again['seconds']:.1f} x the first push"),
        ("bulk endpoint by hand", bulk, f"{BATCH} tasks a POST, nothing checked"),
        ("one POST per file", single, f"scaled up from {min(SINGLE_POSTS, count)}"),
        ("full pull", full["seconds"], f"{listing / full['seconds']:.2f} x tasks.list"),
        ("pull, nothing new", nothing["seconds"], f"{full['seconds'] / nothing['seconds']:.0f} x the full pull"),
        (
            "pull after 1 % corrected",
            incremental["seconds"],
            f"{full['seconds'] / incremental['seconds']:.0f} x the full pull",
        ),
        ('tasks.list(fields="all")', listing, "1,000 tasks a page"),
    ]
    for name, seconds, note in rows:
        print(f"{name:28} {seconds:9.2f} s   {note}")
    for name, part, whole in (("push", quarter_push, push), ("pull", quarter_pull, full)):
        sizes = f"{part['peak_mb']:.0f} MB at {count // 4}, {whole['peak_mb']:.0f} MB at {count}"
        print(f"memory of {name:18} {sizes}: {whole['peak_mb'] / part['peak_mb']:.2f}")


if __name__ == "__main__":
    main()
