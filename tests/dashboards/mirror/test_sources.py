"""Unusual, growing and unreadable files, and damaged tables: everything else is still shown."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror import refresh, sources
from goldspan.dashboards.mirror.refresh import find_version, refresh_mirror
from goldspan.dashboards.mirror.sources import find_record, load_samples
from tests.dashboards.sample_data import fill_workspace, make_sample, write_tasks

MARK = b"\xef\xbb\xbf"


def write_lines(path: Path, labels: LabelSchema, numbers: range) -> list[bytes]:
    write_tasks(path, [make_sample(number, labels) for number in numbers], labels)
    return path.read_bytes().splitlines(keepends=True)


def count_refused(path: Path, labels: LabelSchema) -> int:
    refused: list[Any] = []
    list(read_samples([path], labels, refused.append, tolerant=True))
    return len(refused)


def test_a_name_that_is_no_utf8_is_shown_and_its_samples_are_found(workspace: Workspace, labels: LabelSchema) -> None:
    for letter, numbers in ((b"\xe9", range(3)), (b"\xe8", range(3, 5))):
        write_lines(workspace.training_samples / os.fsdecode(b"caf" + letter + b".jsonl"), labels, numbers)
    mirror = refresh_mirror(workspace, labels)
    assert mirror["samples"]["file"].cast(pl.String).unique().to_list() == ["training_samples/caf\ufffd.jsonl"]
    for row in mirror["samples"].iter_rows(named=True):
        record = find_record(workspace, row["file"], row["sample_id"], row["offset"])
        assert record is not None
        assert record["data"]["sample_id"] == row["sample_id"]
    assert len(list(load_samples(workspace, mirror["samples"], labels))) == 5
    assert sources.find_files(workspace.root / "gone", "\ufffd.jsonl") == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_byte_order_mark_hides_no_record(name: str, workspace: Workspace, labels: LabelSchema) -> None:
    path = workspace.annotation_samples / name
    lines = write_lines(path, labels, range(2))
    whole = b"[" + b",".join(lines) + b"]" if path.suffix == ".json" else b"".join(lines)
    path.write_bytes(MARK + whole)
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (2, 0)
    assert len(list(load_samples(workspace, mirror["samples"], labels))) == 2
    assert count_refused(path, labels) == 0


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b'[7, null, "text", [], {"data": {"text": "Lyon"}}, {"data": {}}]'),
        ("a.json", b"7"),
        ("a.json", b"null"),
        ("a.json", b"[{"),
        ("a.jsonl", b'null\n7\n{"data": {"text": "Lyon"}}\n' + MARK + b'{"data": {"text": "Metz"}}\nhalf'),
        ("a.jsonl", MARK + b'\n\n{"data": {"text": "Lyon"}}\n'),
    ],
)
def test_what_the_command_line_refuses_counts_as_unreadable(
    name: str, data: bytes, workspace: Workspace, labels: LabelSchema
) -> None:
    path = workspace.annotation_samples / name
    path.parent.mkdir()
    path.write_bytes(data)
    mirror = refresh_mirror(workspace, labels)
    assert mirror.unreadable == count_refused(path, labels)
    assert mirror["samples"].height == data.count(b'"text":') - (MARK + b"{" in data)


def test_a_line_too_long_is_skipped_as_the_command_line_does(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workspace.annotation_samples / "a.jsonl"
    lines = write_lines(path, labels, range(2))
    limit = max(len(line) for line in lines) + 1
    path.write_bytes(lines[0] + b'{"data": "' + b"x" * 3 * limit + b'"}\n' + lines[1])
    monkeypatch.setattr(sources, "MAX_LINE", limit)
    monkeypatch.setattr("goldspan.annotation.tasks.jsonl.MAX_LINE", limit)
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (2, 1) == (2, count_refused(path, labels))


@pytest.mark.parametrize("part_bytes", [200, 1 << 20])
def test_a_file_that_grows_all_the_time_is_shown_as_it_was_listed(
    part_bytes: int, workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workspace.annotation_samples / "grows.jsonl"
    lines = write_lines(path, labels, range(40))
    path.write_bytes(b"".join(lines[:3]))
    write_lines(workspace.annotation_samples / "rests.jsonl", labels, range(40, 44))
    coming = iter(b"".join(lines[3:]))
    monkeypatch.setattr(sources, "_PART_BYTES", part_bytes)
    original = refresh.cut_source

    def cut(source: sources.SampleFile) -> list[sources.Part]:
        parts = original(source)
        if source.name.endswith("grows.jsonl"):
            with path.open("ab") as stream:
                stream.write(bytes(next(coming) for _ in range(700)))
        return parts

    monkeypatch.setattr(refresh, "cut_source", cut)
    before = path.stat().st_size
    mirror = refresh_mirror(workspace, labels)
    assert path.stat().st_size > before
    assert mirror["samples"].height >= 7
    assert mirror.unreadable == 0
    assert mirror.version != find_version(workspace, labels)
    monkeypatch.setattr(refresh, "cut_source", original)
    path.write_bytes(b"".join(lines))
    assert refresh_mirror(workspace, labels)["samples"].height == 44


def test_a_file_that_is_replaced_all_the_time_keeps_no_other_out(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(workspace.annotation_samples / "a.jsonl", labels, range(2))
    write_lines(workspace.annotation_samples / "b.jsonl", labels, range(2, 5))
    original = refresh.cut_source

    def cut(source: sources.SampleFile) -> list[sources.Part]:
        if source.name.endswith("a.jsonl"):
            raise sources.FileChangedError
        return original(source)

    monkeypatch.setattr(refresh, "cut_source", cut)
    assert refresh_mirror(workspace, labels)["samples"].height == 3


@pytest.mark.parametrize("part_bytes", [200, 1 << 20])
def test_a_file_that_cannot_be_opened_counts_as_unreadable_until_it_can(
    part_bytes: int, workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_lines(workspace.annotation_samples / "shut.jsonl", labels, range(2))
    write_lines(workspace.annotation_samples / "open.jsonl", labels, range(2, 5))
    monkeypatch.setattr(sources, "_PART_BYTES", part_bytes)
    opened, asked = Path.open, os.access

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "shut.jsonl":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    with monkeypatch.context() as shut:
        shut.setattr(Path, "open", refuse)
        shut.setattr(os, "access", lambda path, mode: Path(path).name != "shut.jsonl" and asked(path, mode))
        mirror = refresh_mirror(workspace, labels)
        assert (mirror["samples"].height, mirror.unreadable) == (3, 1)
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (5, 0)


def test_a_folder_that_cannot_be_read_is_named(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: list[Path]) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(sources, "list_files", refuse)
    with pytest.raises(StateError, match=r"training_samples cannot be read: Permission denied\. Let your user"):
        refresh_mirror(workspace, labels)


@pytest.mark.parametrize("damage", ["cut", "empty", "gone", "count"])
def test_damaged_tables_are_made_anew(damage: str, workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 10)
    first = refresh_mirror(workspace, labels)
    table = next((workspace.root / ".dashboard").rglob("entities.parquet"))
    kept = {path: path.stat().st_mtime_ns for path in (workspace.root / ".dashboard").rglob("*.parquet")}
    if damage == "count":
        (table.parent / "unreadable").write_text("")
    elif damage == "gone":
        table.unlink()
    else:
        table.write_bytes(table.read_bytes()[: 300 if damage == "cut" else 0])
    again = refresh_mirror(workspace, labels)
    assert again.version == first.version
    assert all(again[name].equals(first[name]) for name in first.tables)
    other = {path: time for path, time in kept.items() if table.parent not in path.parents}
    assert {path: path.stat().st_mtime_ns for path in other} == other


def test_tables_that_stay_damaged_are_named(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 3)

    def fail(*_: Any) -> pl.DataFrame:
        raise pl.exceptions.ComputeError("file is damaged")

    monkeypatch.setattr(refresh, "_read_table", fail)
    with pytest.raises(StateError, match=r"are damaged\. Delete this folder"):
        refresh_mirror(workspace, labels)


def test_tables_that_cannot_be_written_say_what_to_do(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 3)
    (workspace.root / ".dashboard").write_text("in the way")
    with pytest.raises(StateError, match="Make it a writable folder, or copy the workspace"):
        refresh_mirror(workspace, labels)
