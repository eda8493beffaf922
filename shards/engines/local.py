"""The local engine: processes of this machine, each with one shard at a time.

A process that dies is replaced; a shard that ends two processes is set aside. Nothing but JSON passes between them.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import orjson

from goldspan.annotation.errors import ConfigurationError, GoldspanError, StateError
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.plan import Shard, ShardPlan, open_output
from goldspan.shards.report import ShardReport, read_report, set_aside
from goldspan.shards.work import clear_scratch

MAX_DEATHS = 2
"""A shard is set aside when so many processes ended while they worked on it."""


def run_local(plan: ShardPlan, options: EngineOptions) -> Iterator[tuple[ShardReport, bool]]:
    """Run a plan in `workers` processes; the largest shards first, so that none is left alone at the end.

    Raises:
        ConfigurationError: the task cannot be opened, or there are options, of which this engine has none.
        StateError: the folder of the results cannot be written.
    """
    if options.extra:
        raise ConfigurationError(f"The local engine takes no option {options.extra[0].partition('=')[0]!r}.")
    waiting: queue.SimpleQueue[Shard] = queue.SimpleQueue()
    for shard in sorted(plan.shards, key=lambda one: (-one.size, one.name)):
        waiting.put(shard)
    answers: queue.Queue[tuple[ShardReport, bool] | GoldspanError | None] = queue.Queue(options.workers * 2)
    workers = [_Worker(plan, waiting, answers) for _ in range(max(1, min(options.workers, len(plan.shards))))]
    output = open_output(plan)
    clear_scratch(output)
    try:
        for worker in workers:
            worker.start()
        running = len(workers)
        while running:
            answer = answers.get()
            if answer is None:
                running -= 1
            elif isinstance(answer, GoldspanError):
                raise answer
            else:
                yield answer
    finally:
        for worker in workers:
            worker.stop()
        clear_scratch(output)


class _Worker(threading.Thread):
    """Feeds one process, and replaces it when it dies."""

    def __init__(self, plan: ShardPlan, waiting: queue.SimpleQueue[Shard], answers: queue.Queue[Any]) -> None:
        super().__init__(name="goldspan-shards", daemon=True)
        self._plan, self._waiting, self._answers = plan, waiting, answers
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self) -> None:
        """Work until no shard waits."""
        try:
            while not self._stopped:
                try:
                    shard = self._waiting.get_nowait()
                except queue.Empty:
                    break
                self._answers.put(self._work(shard))
        except GoldspanError as error:
            self._answers.put(error)
        except (OSError, ValueError):
            if not self._stopped:
                self._answers.put(StateError("A process of the local engine could not be started."))
        finally:
            self._close()
            self._answers.put(None)

    def stop(self) -> None:
        """End the process at once; what it had not finished is done again by the next run."""
        self._stopped = True
        if self._process:
            with suppress(OSError):
                self._process.kill()
                self._process.wait()

    def _work(self, shard: Shard) -> tuple[ShardReport, bool]:
        for _ in range(MAX_DEATHS):
            answer = self._ask(asdict(shard))
            if answer is None:
                if self._stopped:
                    break
                continue
            report = read_report(orjson.dumps(answer["report"]))
            if report is None:
                raise StateError(f"A process gave no valid report for {shard.name}.")
            return report, bool(answer["skipped"])
        reason = f"{MAX_DEATHS} processes ended while they worked on it ({self._explain_end()})"
        failed = ShardReport(shard.name, self._plan.task, self._plan.fingerprint, error=reason)
        if not self._stopped:
            set_aside(open_output(self._plan), failed)
        return failed, False

    def _ask(self, value: Any) -> dict[str, Any] | None:
        """The answer of the process, which is started if there is none; None if it died."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            return None
        with suppress(BrokenPipeError):
            process.stdin.write(orjson.dumps(value) + b"\n")
            process.stdin.flush()
            if line := process.stdout.readline():
                answer: dict[str, Any] = orjson.loads(line)
                if "error" in answer:
                    raise StateError(answer["error"])
                return answer
        process.wait()
        return None

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "goldspan.shards.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"TOKENIZERS_PARALLELISM": "false"},
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise StateError("A process of the local engine has no pipes.")
        with suppress(BrokenPipeError):
            self._process.stdin.write(self._plan.to_json())
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = orjson.loads(line) if line else {"error": "A process of the local engine ended as it started."}
        if "error" in answer:
            raise ConfigurationError(answer["error"])

    def _explain_end(self) -> str:
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code and code < 0 else f"exit code {code}"

    def _close(self) -> None:
        """Let the process end; kill it if it does not."""
        if self._process is None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
