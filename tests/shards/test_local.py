"""The local engine: processes that die, tasks that cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.locks import try_lock
from goldspan.shards.engines.base import EngineOptions
from goldspan.shards.engines.local import run_local
from goldspan.shards.plan import list_shards, make_plan
from goldspan.shards.report import LOCK
from goldspan.shards.run import ShardWork
from tests.waiting import wait_until

_TASK = """
import os
import time
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask

class Fragile(ShardTask):
    def name_output(self, name):
        return name

    def process(self, source, target, name):
        tried = os.path.join(self.settings["folder"], name + ".tried")
        if name in self.settings["deadly"] or (name in self.settings["once"] and not os.path.exists(tried)):
            open(tried, "w").close()
            os.kill(os.getpid(), 9)
        if name in self.settings.get("endless", ()):
            open(tried, "w").close()
            time.sleep(600)
        target.write_bytes(source.read_bytes())
        counts = ShardCounts()
        counts.counts["samples"] = 1
        return counts
"""


@pytest.fixture
def fragile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in task that kills its process on some shards, for the processes of the engine."""
    site = tmp_path / "site"
    (site / "fragile-1.dist-info").mkdir(parents=True)
    (site / "fragile_task.py").write_text(_TASK)
    (site / "fragile-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: fragile\nVersion: 1\n")
    (site / "fragile-1.dist-info" / "entry_points.txt").write_text(
        "[goldspan.shard_tasks]\nfragile = fragile_task:Fragile\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site), prepend=":")


@pytest.mark.usefixtures("fragile")
def test_a_process_that_dies_is_replaced_and_a_deadly_shard_set_aside(texts: Path, tmp_path: Path) -> None:
    settings = {"folder": str(tmp_path), "once": ["part-0.jsonl"], "deadly": ["part-1.jsonl"]}
    plan = make_plan("fragile", settings, list_shards([str(texts)]), str(tmp_path / "out"))
    found = {report.name: report for report, _ in run_local(plan, EngineOptions(1))}
    assert found["part-0.jsonl"].error == ""
    assert found["part-2.jsonl"].error == ""
    assert found["part-1.jsonl"].error == "2 processes ended while they worked on it (signal 9)"
    assert (tmp_path / "out" / "part-0.jsonl").read_bytes() == (texts / "part-0.jsonl").read_bytes()
    assert not (tmp_path / "out" / "part-1.jsonl").exists()
    assert (tmp_path / "out" / "_run" / "failed" / "part-1.jsonl.json").is_file()


def test_a_task_that_cannot_be_opened_is_an_error_before_any_shard(texts: Path, tmp_path: Path) -> None:
    plan = make_plan("annotate", {"predictor": "no-such"}, list_shards([str(texts)]), str(tmp_path / "out"))
    with pytest.raises(ConfigurationError, match="no-such"):
        list(run_local(plan, EngineOptions(1)))


@pytest.mark.usefixtures("fragile")
def test_what_killed_processes_left_is_removed(texts: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    (output / ".shard-before").mkdir(parents=True)
    settings = {"folder": str(tmp_path), "once": [], "deadly": ["part-1.jsonl"]}
    list(run_local(make_plan("fragile", settings, list_shards([str(texts)]), str(output)), EngineOptions(2)))
    assert not list(output.glob(".*"))


@pytest.mark.usefixtures("fragile")
def test_a_process_at_work_ends_with_the_one_that_started_it(texts: Path, tmp_path: Path) -> None:
    settings = {"folder": str(tmp_path), "once": [], "deadly": [], "endless": ["part-0.jsonl"]}
    plan = make_plan("fragile", settings, list_shards([str(texts)]), str(tmp_path / "out"))
    process = subprocess.Popen(
        [sys.executable, "-m", "goldspan.shards.worker"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert process.stdin is not None
    process.stdin.write(plan.to_json() + orjson.dumps(asdict(plan.shards[0])) + b"\n")
    process.stdin.flush()
    wait_until((tmp_path / "part-0.jsonl.tried").exists)
    process.stdin.close()
    assert process.wait(30) == 1


def test_two_runs_do_not_write_to_one_folder(texts: Path, tmp_path: Path) -> None:
    work = ShardWork(list_shards([str(texts)]), str(tmp_path / "out"))
    (tmp_path / "out" / "_run").mkdir(parents=True)
    held = try_lock(tmp_path / "out" / LOCK)
    assert held is not None
    with pytest.raises(StateError, match="Another run writes to"):
        work.run("annotate", {"predictor": "regex"})
    held.release()
    assert work.run("annotate", {"predictor": "regex"}).finished == 3


def test_an_option_that_the_engine_does_not_know_is_refused(texts: Path, tmp_path: Path) -> None:
    plan = make_plan("annotate", {"predictor": "regex"}, list_shards([str(texts)]), str(tmp_path / "out"))
    with pytest.raises(ConfigurationError, match="takes no option 'partition'"):
        list(run_local(plan, EngineOptions(1, ("partition=cpu",))))
