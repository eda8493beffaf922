"""A process of the local engine: takes shards as JSON lines on stdin, answers with their reports on stdout.

    python -m goldspan.shards.worker

The first line is the plan; every further line is a shard. It ends when stdin closes.
"""

from __future__ import annotations

import os
import signal
import sys

import orjson

from goldspan.annotation.errors import GoldspanError
from goldspan.shards.plan import Shard, read_plan
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard


def main() -> None:
    """Serve until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lines = sys.stdin.buffer
    try:
        plan = read_plan(lines.readline())
        task = open_task(plan)
    except GoldspanError as error:
        _answer(answers, {"error": str(error)})
        return
    _answer(answers, {"ready": True})
    for line in lines:
        try:
            report, skipped = run_shard(plan, task, Shard(**orjson.loads(line)))
        except GoldspanError as error:
            _answer(answers, {"error": str(error)})
        else:
            _answer(answers, {"report": orjson.loads(report.to_json()), "skipped": skipped})
    task.close()


def _answer(stream: object, value: object) -> None:
    stream.write(orjson.dumps(value) + b"\n")  # type: ignore[attr-defined]
    stream.flush()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
