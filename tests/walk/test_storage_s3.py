"""An S3 server on loopback: `push --storage s3://…` against a real Label Studio, and shards in a bucket."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.report import PushOptions
from goldspan.annotation.labelstudio.push.storage import push_to_storage
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.shards.storage import open_storage
from tests.waiting import wait_until
from tests.walk.conftest import RunningStudio, skip_or_fail
from tests.walk.sync_samples import make_samples

pytestmark = pytest.mark.walk

FIELDS = "id,data,predictions,annotations,storage_filename"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket; the environment leads to it."""
    for name in ("pyarrow", "moto", "flask_cors"):
        if importlib.util.find_spec(name) is None:
            skip_or_fail(f"The tests with S3 need the package {name}.")
    address = f"http://127.0.0.1:{find_free_port()}"
    with (tmp_path / "moto.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", address.rpartition(":")[2]]
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until(lambda: _create(f"{address}/texts"))
        keys = {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_REGION": "us-east-1"}
        for name, value in {**keys, "AWS_ENDPOINT_URL": address}.items():
            monkeypatch.setenv(name, value)
        yield "s3://texts"
    finally:
        server.kill()
        server.wait()


def test_samples_come_through_a_bucket_and_annotations_back(studio: RunningStudio, bucket: str, tmp_path: Path) -> None:
    client, labels, title = StudioClient(studio.url, studio.token), load_labels(), f"bucket {uuid.uuid4().hex[:12]}"
    target = f"{bucket}/project/{title.replace(' ', '-')}"
    report = push(client, labels, title, 40, target)
    assert (report.written, report.arrived, len(report.files)) == (40, 40, 1)
    assert [file.size > 0 for file in open_storage(target).list_files()] == [True]
    again = push(client, labels, title, 55, target)
    assert (again.written, again.arrived, again.unchanged) == (15, 15, 40)
    assert push(client, labels, title, 55, target).written == 0
    assert len(client.list_storages("s3", report.project)) == 1
    tasks = list(client.iter_tasks(report.project, FIELDS))
    assert len({task["data"]["sample_id"] for task in tasks}) == len(tasks) == 55
    assert all(task["storage_filename"].startswith("project/") for task in tasks)
    workspace = Workspace(tmp_path)
    pulled = pull_annotations(client, workspace, labels, PullOptions(title))
    client.create_annotation(tasks[7]["id"], {"result": tasks[7]["predictions"][0]["result"], "lead_time": 3})
    later = pull_annotations(client, workspace, labels, PullOptions(title))
    assert (pulled.total, later.total, later.annotations) == (0, 1, 1)


def test_shards_of_a_bucket_are_annotated_into_it(bucket: str, tmp_path: Path) -> None:
    shards = open_storage(f"{bucket}/in")
    for number in range(3):
        shards.write(f"part-{number}.jsonl", b'{"text": "Write to anna%d@example.org."}\n' % number)
    command = [sys.executable, "-m", "goldspan", "annotate", f"{bucket}/in", "-p", "regex"]
    command += ["--engine", "local", "--workers", "2", "--output", f"{bucket}/out", "--json"]
    for skipped in (0, 3):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["finished"], report["skipped"], report["failed"]) == (3, skipped, {})
        assert report["tallies"]["entities"] == {"EMAIL": 3}
    names = [file.name for file in open_storage(f"{bucket}/out").list_files()]
    assert names == ["part-0.jsonl", "part-1.jsonl", "part-2.jsonl"]


def push(client: StudioClient, labels: LabelSchema, title: str, count: int, target: str):
    return push_to_storage(client, make_samples(count), labels, PushOptions(title), target, send_keys=True)


def _create(address: str) -> bool:
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="PUT"), timeout=60) as reply:
            return reply.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False
