"""A process of the local engine: takes shards as JSON lines on stdin, answers with their reports on stdout.

    python -m goldspan.shards.worker

The first line is the plan; every further line is a shard. It ends when stdin closes; at once if it is at work,
since the process that would read the answer is gone.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading

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
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    try:
        plan = read_plan(lines.get())
        task = open_task(plan)
        answer: dict[str, object] = {"ready": True}
    except GoldspanError as error:
        _answer(answers, {"error": str(error)})
        return
    while True:
        lines.task_done()
        _answer(answers, answer)
        line = lines.get()
        if not line:
            break
        try:
            report, skipped = run_shard(plan, task, Shard(**orjson.loads(line)))
            answer = {"report": orjson.loads(report.to_json()), "skipped": skipped}
        except GoldspanError as error:
            answer = {"error": str(error)}
    task.close()


def _read_lines(lines: queue.Queue[bytes]) -> None:
    """Pass lines on; at their end, let an idle process end, and end a busy one."""
    while line := sys.stdin.buffer.readline():
        lines.put(line)
    if lines.unfinished_tasks:
        os._exit(1)
    lines.put(b"")


def _answer(stream: object, value: object) -> None:
    stream.write(orjson.dumps(value) + b"\n")  # type: ignore[attr-defined]
    stream.flush()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
