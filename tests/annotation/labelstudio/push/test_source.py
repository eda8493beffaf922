"""What a target of `push --storage` becomes at Label Studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push import source, storage
from goldspan.annotation.labelstudio.push.report import PushOptions
from goldspan.annotation.labelstudio.push.source import StorageSource, find_source, import_source
from goldspan.annotation.labelstudio.push.storage import push_to_storage
from goldspan.annotation.types import Sample

LOCAL, REMOTE = "http://127.0.0.1:8080/", "http://studio.example.org/"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.setenv(name, name.lower())
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")


@pytest.mark.parametrize(
    ("address", "prefix"),
    [("s3://texts", ""), ("s3://texts/", ""), ("s3://texts/a/b", "a/b/"), ("s3://texts/a/", "a/")],
)
def test_a_bucket_is_told_by_its_name_and_a_folder(address: str, prefix: str) -> None:
    assert find_source(address, REMOTE) == StorageSource("s3", {"bucket": "texts", "prefix": prefix})


def test_keys_are_sent_only_when_asked_and_never_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = find_source("s3://texts", LOCAL, send_keys=True)
    assert sent
    assert sent.access == {
        "aws_access_key_id": "aws_access_key_id",
        "aws_secret_access_key": "aws_secret_access_key",
        "s3_endpoint": "http://127.0.0.1:9000",
        "region_name": "aws_region",
    }
    assert "secret" not in repr(sent)
    with pytest.raises(ConfigurationError, match="plain http"):
        find_source("s3://texts", REMOTE, send_keys=True)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(ConfigurationError, match="no keys to send"):
        find_source("s3://texts", LOCAL, send_keys=True)


def test_a_folder_is_read_from_disk_and_other_addresses_by_hand(tmp_path: Path) -> None:
    assert find_source(tmp_path, REMOTE) == StorageSource("localfiles", {"path": str(tmp_path.resolve())})
    assert find_source("gs://bucket/a", LOCAL) is None


class SlowStudio:
    """A server that answers a sync too late and goes on reading, a few tasks between two looks."""

    def __init__(self, reads: int) -> None:
        self.left, self.tasks, self.created = reads, 10, 0

    def list_storages(self, kind: str, project: int) -> list[dict[str, Any]]:
        return []

    def create_storage(self, kind: str, project: int, title: str, place: dict[str, str]) -> dict[str, Any]:
        self.created += 1
        return {"id": 1}

    def sync_storage(self, kind: str, storage: int) -> None:
        raise TransientServiceError("The server took too long.")

    def wait_until_up(self, patience: float) -> None:
        """It is up."""

    def count_tasks(self, project: int) -> int:
        step = min(4, self.left)
        self.left, self.tasks = self.left - step, self.tasks + step
        return self.tasks


def test_a_sync_that_takes_longer_than_its_request_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "_PAUSE", 0)
    studio: Any = SlowStudio(30)
    seen: list[int] = []
    place = StorageSource("s3", {"bucket": "texts", "prefix": ""})
    arrived = import_source(studio, 1, place, 20, lambda step, done, total: seen.append(done))
    assert arrived >= 20
    assert studio.created == 1
    assert seen == sorted(seen)
    assert seen[-1] >= 20
    monkeypatch.setattr(source, "_PATIENCE", 0)
    with pytest.raises(ServiceError, match="of 20 tasks from texts"):
        import_source(cast("Any", SlowStudio(8)), 1, place, 20, lambda *_: None)


class Storage:
    """A project in memory that reads a folder of task files, each file once."""

    url = LOCAL

    def __init__(self, folder: Path) -> None:
        self.folder, self.is_down = folder, True
        self.read: set[str] = set()
        self.tasks: list[dict[str, Any]] = []

    def list_storages(self, kind: str, project: int) -> list[dict[str, Any]]:
        return []

    def create_storage(self, kind: str, project: int, title: str, place: dict[str, str]) -> dict[str, Any]:
        if self.is_down:
            raise ServiceError("The server went away.")
        return {"id": 1}

    def sync_storage(self, kind: str, storage: int) -> None:
        for file in sorted(self.folder.iterdir()):
            for line in () if file.name in self.read else file.read_bytes().splitlines():
                counts = {"total_annotations": 0, "cancelled_annotations": 0, "draft_exists": False}
                self.tasks.append({"id": len(self.tasks) + 1, **orjson.loads(line), **counts})
            self.read.add(file.name)

    def count_tasks(self, project: int) -> int:
        return len(self.tasks)

    def iter_tasks(self, project: int, include: str, *, after: int = 0, **_: Any) -> list[dict[str, Any]]:
        return [task for task in self.tasks if task["id"] > after]

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [task for task in self.tasks if task["id"] in ids]

    def delete_tasks(self, project: int, ids: list[int]) -> None:
        self.tasks = [task for task in self.tasks if task["id"] not in ids]


def test_files_of_a_push_that_was_interrupted_bring_nothing_twice(
    tmp_path: Path, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "ensure_project", lambda *_: {"id": 1, "title": "t"})
    monkeypatch.setattr(storage, "ensure_views", lambda *_: [])
    client: Any = Storage(tmp_path)
    samples = [Sample(f"Letter {number}", "en", sample_id=f"s{number}") for number in range(5)]
    with pytest.raises(ServiceError):
        push_to_storage(client, samples[:3], labels, PushOptions(1), tmp_path)
    client.is_down = False
    report = push_to_storage(client, samples, labels, PushOptions(1), tmp_path)
    assert (report.written, report.arrived) == (5, 5)
    assert sorted(task["data"]["sample_id"] for task in client.tasks) == [sample.sample_id for sample in samples]
