"""How fast a large journal resumes, how fast rows go through the feed, and whether memory stays flat.

    python -m benchmarks.journal [--rows 100000]

Of a run of `rows` rows nearly all are answered; a fresh process then opens it, releases what was in flight, counts,
and takes the first request. Memory is the peak of the process that drives 1/10 of the rows against that of all.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.progress import read_progress
from goldspan.generators.runs.queue import PipelineQueue, Workload
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.draw import SpecConstraints, draw_spec, spec_to_dict
from goldspan.generators.stages.prose import read_conversation

LABELS = load_labels()


def build_feed(journal: Journal, rows: int) -> PipelineQueue:
    """A feed of `rows` rows: two stages an item, all with briefs of the same few kinds."""
    settings = RunSettings("compatible", rows // 2, model="m")
    briefs = [
        spec_to_dict(draw_spec(1, n, ("en",), LABELS, wanted=SpecConstraints(labels=("CITY",)))) for n in range(64)
    ]
    work = Workload(
        settings.samples,
        settings.build_stages(LABELS),
        LABELS,
        lambda item, variant: {**briefs[item % 64], "index": item},
    )
    return PipelineQueue(journal, work, Budget(Prices()))


def answer(request: Request) -> Answer:
    """A good answer, quickly."""
    message = read_conversation(request.body["messages"])
    if message.stage == "draft":
        values = "\n".join(f"<{v['label']}>{v['value']}</{v['label']}>" for v in message.brief["values"])
        content = {"tagged_text": f"Note {request.item} {'and so on ' * 40}\n{values}"}
    else:
        content = {"chains": []}
    return Answer(request.custom_id, content=json.dumps(content), tokens_in=900, tokens_out=200)


def drive(folder: Path, rows: int, until: float) -> dict[str, float]:
    """Answer a share of the rows in this process, 500 at a time as a batch would bring them."""
    with Journal(folder, create=True, lock=True) as journal:
        queue = build_feed(journal, rows)
        began, done = time.process_time(), 0
        while done < rows * until and not queue.finished:
            requests = queue.take(500)
            queue.deliver([answer(request) for request in requests])
            done += len(requests)
        queue.take(400)
        cpu = time.process_time() - began
    return {"rows": done, "CPU s per 1,000 rows": round(1000 * cpu / done, 3), "peak MB": read_peak()}


def resume(folder: Path, rows: int) -> dict[str, float]:
    """Open the journal as `resume` does, up to the first request."""
    began = time.perf_counter()
    with Journal(folder, lock=True) as journal:
        queue = build_feed(journal, rows)
        feed_seconds = time.perf_counter() - began
        progress = read_progress(journal)
        first = queue.take(1)
        seconds = time.perf_counter() - began
    assert first
    return {
        "released": queue.released,
        "done": progress.done,
        "open s": round(feed_seconds, 3),
        "resume s": round(seconds, 3),
        "peak MB": read_peak(),
    }


def read_peak() -> float:
    """Peak resident memory of this process in MB."""
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", choices=["drive", "resume"])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.step:
        step = (
            resume(options.folder, options.rows)
            if options.step == "resume"
            else drive(options.folder, options.rows, 0.95)
        )
        print(json.dumps(step))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()}")
    with tempfile.TemporaryDirectory() as root:
        for rows, name in ((options.rows // 10, "tenth"), (options.rows, "whole")):
            for step in ("drive", "resume"):
                command = [sys.executable, "-m", "benchmarks.journal", "--rows", str(rows), "--step", step]
                result = subprocess.run([*command, "--folder", f"{root}/{name}"], check=True, capture_output=True)
                print(json.dumps({"step": step, "rows of the run": rows, **json.loads(result.stdout)}), flush=True)


if __name__ == "__main__":
    main()
