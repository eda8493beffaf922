"""A pull that is interrupted and goes on with other options, against a project held in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labelstudio.api.progress import ignore_progress
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.pull.project import pull_project
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy
from goldspan.annotation.labelstudio.pull.records import TaskSource
from goldspan.annotation.labelstudio.pull.report import PullOptions, PullReport
from goldspan.annotation.labelstudio.pull.run import pull_annotations
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.store import list_files
from goldspan.annotation.tasks.workspace import Workspace
from tests.annotation.labelstudio.pull.test_changes import Project
from tests.annotation.labelstudio.pull.test_records import MAPPING, make_annotation, make_task
from tests.strategies import LABELS

ABOUT = {"id": 3, "title": "P", "created_at": "2026-01-01T00:00:00.000000Z"}


class Studio(Project):
    """One task with a review by each of two people."""

    url = "http://127.0.0.1:9"

    def __init__(self) -> None:
        reviews = [make_annotation(number, completed_by=number, updated_at=f"2026-01-0{number}") for number in (1, 2)]
        counts = {"total_annotations": 2, "cancelled_annotations": 0, "draft_exists": False}
        super().__init__(make_task(annotations=reviews, predictions=[], drafts=[], **counts))

    def list_users(self) -> dict[int, str]:
        return {1: "ann@example.test", 2: "bea@example.test"}

    def fill_drafts(self, task: dict[str, Any]) -> dict[str, Any]:
        return task


def test_a_project_with_a_new_title_stays_in_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, titles = Workspace(tmp_path), iter(["First", "Second", "Second"])
    config = build_config(LABELS)

    def read_project(client: Any, project: int) -> dict[str, Any]:
        return {**ABOUT, "title": next(titles), "label_config": config}

    monkeypatch.setattr("goldspan.annotation.labelstudio.pull.run.require_project", read_project)
    client: Any = Studio()
    for _ in range(3):
        report = pull_annotations(client, workspace, LABELS, PullOptions(3))
    assert (report.file.name, report.total, report.unchanged) == ("first.jsonl", 1, 1)
    assert [file.name for file in list_files(workspace.training_samples)] == ["first.jsonl"]
    elsewhere = PullOptions(3, output=tmp_path / "other.jsonl")
    titles = iter(["Second"])
    assert pull_annotations(client, workspace, LABELS, elsewhere).file == elsewhere.output


def pull_file(client: Any, path: Path, **options: Any) -> PullReport:
    return pull_project(client, ABOUT, path, LABELS, PullOptions(3, **options), TaskSource(3, MAPPING), ignore_progress)


def pull_three(path: Path) -> Studio:
    client = Studio()
    [task] = client.tasks
    client.tasks = tuple({**task, "id": day, "updated_at": f"2026-01-0{day}T10:00:00.000000Z"} for day in (1, 2, 3))
    assert pull_file(client, path).total == 3
    return client


@pytest.mark.parametrize("left", [None, b"", b"\n", b" \r\n\n"])
def test_a_file_that_is_gone_or_empty_comes_back_whole(tmp_path: Path, left: bytes | None) -> None:
    path = tmp_path / "p.jsonl"
    client = pull_three(path)
    whole = path.read_bytes()
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)
    report = pull_file(client, path)
    assert (report.total, report.added, report.full) == (3, 3, True)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("gone", [1, 2, 10, 300])
def test_a_file_that_was_cut_in_a_line_comes_back_whole_with_its_edits(tmp_path: Path, gone: int) -> None:
    path = tmp_path / "p.jsonl"
    client = pull_three(path)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    edited = first.replace(b'"language":"en"', b'"language":"de"')
    assert edited != first
    path.write_bytes(edited + second + third[:-gone])
    report = pull_file(client, path)
    assert path.read_bytes() == edited + second + third
    assert (report.added, report.full) == (gone > 1, True)
    path.write_bytes(edited + second[:-gone])
    assert pull_file(client, path).total == 3
    assert sorted(path.read_bytes().splitlines()) == sorted((edited + second + third).splitlines())


@pytest.mark.parametrize("lost", [0, 2])
def test_a_file_that_lost_whole_lines_comes_back_whole_with_its_edits(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "p.jsonl"
    client = pull_three(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"language":"en"', b'"language":"de"')
    path.write_bytes(b"".join(line for number, line in enumerate(lines) if number != lost))
    report = pull_file(client, path)
    assert (report.added, report.total, report.full) == (1, 3, True)
    assert sorted(path.read_bytes().splitlines(keepends=True)) == sorted(lines)
    client.tasks = client.tasks[:2]
    assert pull_file(client, path, full=True).removed == 1
    assert not pull_file(client, path).full


def test_a_file_that_was_cut_and_whose_state_is_gone_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    client = pull_three(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    path.with_suffix(".state.json").unlink()
    assert pull_file(client, path).total == 3
    assert path.read_bytes() == whole


def test_what_is_left_of_a_task_that_label_studio_has_no_more_goes(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    client = pull_three(path)
    client.tasks = client.tasks[:2]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1] + lines[2][:50])
    assert pull_file(client, path).total == 2
    assert path.read_bytes() == lines[0] + lines[1]


@pytest.mark.parametrize("line", ["[1]", '"a"', '{"a":', '{"id": 9}', '{"id": 9, "data": {"provenance": "a"}}'])
def test_a_line_that_is_no_record_is_named_and_nothing_changed(tmp_path: Path, line: str) -> None:
    path = tmp_path / "p.jsonl"
    pull_file(Studio(), path)
    edited = path.read_bytes() + line.encode() + b"\n"
    path.write_bytes(edited)
    with pytest.raises(RecordError, match=r"p\.jsonl:2: .* Correct the line"):
        pull_file(Studio(), path)
    assert path.read_bytes() == edited


@pytest.mark.parametrize("left", [b"\0\0\n", b"[]\n", b'{"task":5,"sta'])
def test_what_a_crash_left_torn_is_fetched_again(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "p.jsonl"
    path.with_suffix(".part.jsonl").write_bytes(left)
    assert pull_file(Studio(), path).total == 1
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["p.jsonl", "p.state.json"]


def test_a_resumed_pull_ranks_by_the_reviewers_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.jsonl"

    def pull(*reviewers: str) -> None:
        client: Any = Studio()
        options = PullOptions(3, policy=RankingPolicy(reviewers=frozenset(reviewers)))
        pull_project(client, ABOUT, path, LABELS, options, TaskSource(3, MAPPING), ignore_progress)

    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("goldspan.annotation.labelstudio.pull.project.merge_records", stop)
        with pytest.raises(KeyboardInterrupt):
            pull("bea@example.test")
    assert path.with_suffix(".part.jsonl").stat().st_size
    pull("ann@example.test")
    record = unpack_record(orjson.loads(path.read_bytes()))
    assert [one["completed_by"]["email"] for one in record["annotations"]] == ["ann@example.test", "bea@example.test"]
