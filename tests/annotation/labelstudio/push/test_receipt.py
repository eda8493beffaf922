"""What was pushed is on record, and the record survives whatever stands in its place."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.receipt import PushedIds, read_pushed, record_pushed
from goldspan.annotation.labelstudio.push.spool import open_spool
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample

URL = "http://127.0.0.1:8080/"


def test_pushes_add_up(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert read_pushed(workspace) == set()
    record_pushed(workspace, URL, 1, "One", ["a", "b"])
    path = record_pushed(workspace, URL, 1, "One", ["b", "c"])
    record_pushed(workspace, URL, 2, "Two", ["d"])
    assert path.parent == tmp_path / "pushed"
    assert read_pushed(workspace) == {"a", "b", "c", "d"}


def test_another_server_begins_anew(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record_pushed(workspace, URL, 1, "One", ["a"])
    record_pushed(workspace, "http://127.0.0.1:9090/", 1, "One", ["b"])
    assert read_pushed(workspace) == {"b"}


def test_broken_records_are_passed_over(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    record_pushed(workspace, URL, 1, "One", ["a"])
    for name, content in (("2", b"{"), ("3", b"[]"), ("4", b'{"sample_ids": [1]}'), ("5", b'{"sample_ids": "x"}')):
        (tmp_path / "pushed" / f"{name}.json").write_bytes(content)
    assert read_pushed(workspace) == {"a"}


def test_ids_are_noted_as_samples_pass() -> None:
    samples = PushedIds([Sample("one", "en", sample_id="1"), Sample("two", "en", sample_id="2"), Sample("three", "en")])
    assert samples.without(()) == []
    assert len(list(samples)) == 3
    assert samples.without(["2"])[0] == "1"
    assert len(samples.without(["2"])) == 2


def test_of_a_sample_that_came_twice_the_first_has_arrived_and_one_without_id_can_be_refused(
    labels: LabelSchema,
) -> None:
    twice = Sample("one", "en", sample_id="1")
    samples = PushedIds([twice, twice, Sample("\x00", "en")])
    with open_spool() as spool:
        refused = fill_spool(spool, samples, TaskValidator(labels))
    assert samples.without(one.sample_id for one in refused) == ["1"]
