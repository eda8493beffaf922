"""Pushes that meet trouble: whatever happens, in the end each sample is there exactly once with its prediction."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.push.stream import FIRST_BATCH
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from tests.annotation.labelstudio.fault_proxy import Fault, FaultProxy
from tests.walk.conftest import RunningStudio
from tests.walk.sync_samples import make_samples

pytestmark = pytest.mark.walk
SAMPLES = 60
BATCH = 20


@pytest.fixture(params=["studio", pytest.param("postgres_studio", marks=pytest.mark.postgres)])
def own(request: pytest.FixtureRequest) -> RunningStudio:
    """A Label Studio that a test may kill if it starts it again, on either database."""
    studio: RunningStudio = request.getfixturevalue(request.param)
    return studio


@pytest.fixture
def proxy(own: RunningStudio) -> Iterator[FaultProxy]:
    with FaultProxy(own.info.url) as proxy:
        yield proxy


def push_through(proxy: FaultProxy, own: RunningStudio, labels: LabelSchema, title: str, **options: Any) -> Any:
    client = StudioClient(proxy.url, own.info.token)
    late = Fault.LATE_COMMIT in proxy.faults
    chosen = {"batch_size": BATCH, "grace": 300.0 if late else 0.0, "patience": 120.0} | options
    return push_samples(client, make_samples(SAMPLES), labels, PushOptions(title, **chosen))


def assert_each_once(own: RunningStudio, title: str, count: int = SAMPLES) -> None:
    client = StudioClient(own.info.url, own.info.token)
    project = client.find_project(title)
    assert project is not None
    tasks = list(client.iter_tasks(project["id"], "id,data,predictions,result,model_version"))
    expected = {make_sample_id(sample.text, sample.language): sample for sample in make_samples(count)}
    assert sorted(task["data"]["sample_id"] for task in tasks) == sorted(expected)
    for task in tasks:
        assert len(task["predictions"]) == 1
        sample = expected[task["data"]["sample_id"]]
        entities = [item for item in task["predictions"][0]["result"] if item.get("from_name") == "label"]
        assert len(entities) == len(sample.annotations[0].entities)


FAULTS: list[list[Fault | None]] = [
    *([fault] for fault in Fault),
    [None, Fault.LATE_COMMIT],
    [Fault.REPLY_LOST, Fault.DROPPED] * 2,
]
ON_SQLITE = pytest.mark.parametrize("own", ["studio"], indirect=True)
"""For what does not depend on how the database commits."""


@pytest.mark.parametrize(
    ("own", "faults"),
    [
        *(("studio", faults) for faults in FAULTS),
        *(pytest.param("postgres_studio", faults, marks=pytest.mark.postgres) for faults in FAULTS if len(faults) > 1),
    ],
    indirect=["own"],
    ids=str,
)
def test_import_with_a_fault(
    own: RunningStudio, proxy: FaultProxy, labels: LabelSchema, title: str, faults: list[Fault | None]
) -> None:
    proxy.faults = list(faults)
    report = push_through(proxy, own, labels, title)
    expected = [fault for fault in faults if fault is not None]
    assert proxy.met == expected
    assert report.doubtful == (0 if expected == [Fault.TOKEN_EXPIRED] else len(expected))
    assert report.copies_removed == 0
    assert_each_once(own, title)


@ON_SQLITE
@pytest.mark.parametrize("fault", [Fault.REPLY_LOST, Fault.TIMEOUT_AFTER, Fault.DROPPED], ids=str)
def test_predictions_with_a_fault(
    own: RunningStudio, proxy: FaultProxy, labels: LabelSchema, title: str, fault: Fault
) -> None:
    project = push_through(proxy, own, labels, title).project
    client = StudioClient(own.info.url, own.info.token)
    client.delete_task_predictions(project, [task["id"] for task in client.iter_tasks(project, "id")])
    proxy.matches = lambda method, path: path.endswith("/import/predictions")
    proxy.faults = [fault]
    assert push_through(proxy, own, labels, title).predicted == SAMPLES
    assert proxy.met == [fault]
    assert_each_once(own, title)


@ON_SQLITE
@pytest.mark.parametrize("fault", [Fault.DROPPED, Fault.ERROR_BEFORE, Fault.TOKEN_EXPIRED], ids=str)
def test_reading_with_a_fault(
    own: RunningStudio, proxy: FaultProxy, labels: LabelSchema, title: str, fault: Fault, tmp_path: Path
) -> None:
    push_through(proxy, own, labels, title)
    proxy.matches = lambda method, path: method == "GET"
    proxy.faults = [fault] if fault is Fault.TOKEN_EXPIRED else [fault, fault]
    client = StudioClient(proxy.url, own.info.token)
    report = pull_annotations(client, Workspace(tmp_path), labels, PullOptions(title, untouched=True))
    assert report.total == SAMPLES


@ON_SQLITE
def test_a_server_that_never_works_is_given_up(
    own: RunningStudio, proxy: FaultProxy, labels: LabelSchema, title: str
) -> None:
    proxy.faults = [Fault.ERROR_BEFORE] * 50
    with pytest.raises(TransientServiceError, match="status 500"):
        push_through(proxy, own, labels, title)
    assert len(proxy.met) <= 10


def start_push(own: RunningStudio, url: str, title: str, file: Path, locks: Path) -> subprocess.Popen[bytes]:
    locks.mkdir(exist_ok=True)
    arguments = ["studio", "push", str(file), "--project", title, "--data", str(file.parent)]
    environment = {**os.environ, "LABEL_STUDIO_URL": url, "LABEL_STUDIO_API_KEY": own.info.token, "TMPDIR": str(locks)}
    return subprocess.Popen([sys.executable, "-m", "goldspan", *arguments], env=environment)


@pytest.mark.parametrize("one_machine", [True, False], ids=["one machine", "two machines"])
def test_two_pushes_at_once(
    own: RunningStudio, labels: LabelSchema, title: str, tmp_path: Path, one_machine: bool
) -> None:
    file = tmp_path / "samples.jsonl"
    write_samples(file, make_samples(SAMPLES), labels)
    locks = [tmp_path / "a", tmp_path / ("a" if one_machine else "b")]
    pushes = [start_push(own, own.info.url, title, file, folder) for folder in locks]
    assert [push.wait(timeout=900) for push in pushes] == [0, 0]
    assert_each_once(own, title)


@pytest.mark.parametrize("moment", [1, 2])
def test_a_push_that_is_killed_and_run_again(
    own: RunningStudio, proxy: FaultProxy, labels: LabelSchema, title: str, tmp_path: Path, moment: int
) -> None:
    file, count = tmp_path / "samples.jsonl", (moment - 1) * FIRST_BATCH + 50
    write_samples(file, make_samples(count), labels)
    reached = threading.Event()

    def kill_here(method: str, path: str) -> bool:
        if sum(1 for seen in proxy.seen if "/import" in seen[1]) >= moment:
            reached.set()
        return False

    proxy.faults = [Fault.DROPPED]
    proxy.matches = kill_here
    push = start_push(own, proxy.url, title, file, tmp_path / "locks")
    assert reached.wait(timeout=600)
    push.kill()
    assert push.wait(timeout=120) == -signal.SIGKILL
    assert start_push(own, own.info.url, title, file, tmp_path / "locks").wait(timeout=900) == 0
    assert_each_once(own, title, count)


def test_a_server_that_is_killed_and_comes_back(own: RunningStudio, labels: LabelSchema, title: str) -> None:
    killed, count = threading.Event(), 3 * FIRST_BATCH + 100

    def kill_server(stage: str, done: int, total: int) -> None:
        if stage == "importing" and done >= FIRST_BATCH and not killed.is_set():
            killed.set()
            threading.Timer(0.3, own.kill).start()
            threading.Timer(2.0, own.restart).start()

    client = StudioClient(own.info.url, own.info.token)
    report = push_samples(
        client, make_samples(count), labels, PushOptions(title, batch_size=FIRST_BATCH, grace=2.0), kill_server
    )
    assert killed.is_set()
    assert (report.created, report.doubtful >= 1) == (count, True)
    assert_each_once(own, title, count)
