"""The mirror follows its files: only changed files are read again, and errors do not stop it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.dashboards.mirror import refresh, sources
from goldspan.dashboards.mirror.refresh import Mirror, find_version, refresh_mirror
from goldspan.dashboards.mirror.sources import find_record, load_samples
from goldspan.dashboards.mirror.tables import TABLES
from tests.dashboards.sample_data import fill_workspace, make_sample, write_tasks


def list_tables(workspace: Workspace) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (workspace.root / ".dashboard").rglob("*.parquet")}


def test_an_empty_workspace_is_no_error(workspace: Workspace, labels: LabelSchema) -> None:
    mirror = refresh_mirror(workspace, labels)
    assert all(mirror[table].is_empty() for table in TABLES)
    assert not (workspace.root / ".dashboard").exists()


def test_what_did_not_change_is_not_read_again(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 20)
    first = refresh_mirror(workspace, labels)
    assert first.version == find_version(workspace, labels)
    before = list_tables(workspace)
    again = refresh_mirror(workspace, labels)
    assert list_tables(workspace) == before
    assert again.version == first.version
    for table in TABLES:
        assert again[table].equals(first[table])
    write_tasks(workspace.annotation_samples / "more.jsonl", [make_sample(99, labels)], labels)
    more = refresh_mirror(workspace, labels)
    assert more["samples"].height == first["samples"].height + 1
    assert more.version != first.version
    assert before.items() <= list_tables(workspace).items()
    (workspace.annotation_samples / "more.jsonl").unlink()
    assert refresh_mirror(workspace, labels)["samples"].height == first["samples"].height
    assert list_tables(workspace) == before


def test_parts_and_processes_change_nothing(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 40)
    whole = refresh_mirror(workspace, labels)
    for path in (workspace.root / ".dashboard").rglob("done"):
        path.unlink()
    monkeypatch.setattr(sources, "_PART_BYTES", 20_000)
    monkeypatch.setattr(refresh, "_MIN_PARALLEL_BYTES", 0)
    told: list[tuple[int, int]] = []
    parted = refresh_mirror(workspace, labels, lambda done, total: told.append((done, total)))
    assert len(told) > 4
    assert told[-1][0] == told[-1][1]
    for table in TABLES:
        assert parted[table].equals(whole[table])


def test_a_sample_in_both_layers_counts_once(workspace: Workspace, labels: LabelSchema) -> None:
    samples = [make_sample(number, labels) for number in range(10)]
    write_tasks(workspace.annotation_samples / "a.jsonl", [*samples, *samples[:3]], labels)
    write_tasks(workspace.annotation_samples / "b.jsonl", samples[:5], labels)
    write_tasks(workspace.training_samples / "c.jsonl", samples[:4], labels)
    mirror = refresh_mirror(workspace, labels)
    assert mirror["samples"]["sample_id"].to_list() == [sample.sample_id for sample in samples]
    assert mirror["samples"]["file"].cast(pl.String).to_list().count("training_samples/c.jsonl") == 4
    predicted = mirror["entities"].filter(pl.col("side") == "predicted")
    assert predicted.height == sum(len(sample.predictions[-1].entities) for sample in samples)
    languages = dict(mirror["samples"].select("sample", "language").iter_rows())
    for row in mirror["entities"].iter_rows(named=True):
        assert row["language"] == languages[row["sample"]]


def test_half_broken_files_give_what_they_hold(workspace: Workspace, labels: LabelSchema) -> None:
    path = workspace.annotation_samples / "a.jsonl"
    write_tasks(path, [make_sample(number, labels) for number in range(3)], labels)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    rubbish = b'not json\n\n[1, 2]\n"text"\n{"data": {}}\n{"data": {"text": 7}}\n\xff\xfe\n'
    path.write_bytes(lines[0] + rubbish + lines[1] + lines[2][: len(lines[2]) // 2])
    mirror = refresh_mirror(workspace, labels)
    assert mirror["samples"].height == 2
    assert mirror.unreadable == 7
    path.write_bytes(whole)
    mended = refresh_mirror(workspace, labels)
    assert (mended["samples"].height, mended.unreadable) == (3, 0)


def test_files_with_one_task_or_a_list(workspace: Workspace, labels: LabelSchema) -> None:
    samples = [make_sample(number, labels) for number in range(3)]
    write_tasks(workspace.annotation_samples / "one.json", samples[:1], labels)
    write_tasks(workspace.annotation_samples / "lines.jsonl", samples[1:], labels)
    lines = (workspace.annotation_samples / "lines.jsonl").read_bytes().splitlines()
    (workspace.annotation_samples / "lines.jsonl").unlink()
    (workspace.annotation_samples / "many.json").write_bytes(b"[" + b",".join(lines) + b"]")
    (workspace.annotation_samples / "broken.json").write_bytes(b"[{")
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (3, 1)
    read = list(load_samples(workspace, mirror["samples"], labels))
    assert {sample.text for sample in read} == {sample.text for sample in samples}


def test_what_a_pull_keeps_beside_its_samples_is_no_sample(workspace: Workspace, labels: LabelSchema) -> None:
    write_tasks(workspace.training_samples / "a.jsonl", [make_sample(1, labels)], labels)
    for name in ("a.state.json", "a.conflicts.jsonl", "a.part.jsonl", ".hidden.jsonl"):
        (workspace.training_samples / name).write_text('{"task": 1, "record": {}}\n')
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (1, 0)


def test_a_file_replaced_while_it_is_read_is_read_again(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workspace.annotation_samples / "run.jsonl"
    write_tasks(path, [make_sample(number, labels) for number in range(3)], labels)
    original = sources.cut_source
    calls: list[sources.SampleFile] = []

    def cut(source: sources.SampleFile) -> list[sources.Part]:
        parts = original(source)
        if not calls:
            calls.append(source)
            fresh = path.with_suffix(".new")
            write_tasks(fresh, [make_sample(number, labels) for number in range(8)], labels)
            fresh.replace(path)
        return parts

    monkeypatch.setattr(refresh, "cut_source", cut)
    mirror = refresh_mirror(workspace, labels)
    assert calls
    assert (mirror["samples"].height, mirror.unreadable) == (8, 0)
    assert mirror.version == find_version(workspace, labels)


def test_a_file_that_never_rests_is_left_out(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tasks(workspace.annotation_samples / "a.jsonl", [make_sample(1, labels)], labels)

    def change(*_: Any) -> None:
        raise sources.FileChangedError

    monkeypatch.setattr(refresh, "cut_source", change)
    assert refresh_mirror(workspace, labels)["samples"].is_empty()


def test_a_file_that_grew_since_it_was_listed_is_listed_again(workspace: Workspace, labels: LabelSchema) -> None:
    path = workspace.annotation_samples / "a.jsonl"
    write_tasks(path, [make_sample(1, labels)], labels)
    (source,) = sources.list_sources(workspace, labels)
    with path.open("ab") as stream:
        stream.write(b'{"data": {"text": "hal')
    with pytest.raises(sources.FileChangedError):
        list(sources.read_part(sources.Part(source, 0, source.size), labels, []))
    mirror = refresh_mirror(workspace, labels)
    assert (mirror["samples"].height, mirror.unreadable) == (1, 1)


def test_the_record_behind_a_row(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 10)
    mirror = refresh_mirror(workspace, labels)
    for row in mirror["samples"].iter_rows(named=True):
        record = find_record(workspace, row["file"], row["sample_id"], row["offset"])
        assert record is not None
        assert record["data"]["sample_id"] == row["sample_id"]
        assert find_record(workspace, row["file"], "another", row["offset"]) is None
        assert find_record(workspace, row["file"], row["sample_id"], row["offset"] + 1) is None
    assert find_record(workspace, "annotation_samples/../../etc/passwd", "x", 0) is None
    assert find_record(workspace, "runs/x", "x", 0) is None
    assert find_record(workspace, "annotation_samples/gone.jsonl", "x", 0) is None


def test_another_label_schema_reads_anew(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 5)
    other = LabelSchema(tuple(label for label in labels.labels if label.code != "IBAN"))
    assert find_version(workspace, other) != find_version(workspace, labels)
    codes = refresh_mirror(workspace, other)["issues"]["code"].cast(pl.String)
    assert "unknown_label" in codes.to_list()
    assert "unknown_label" not in refresh_mirror(workspace, labels)["issues"]["code"].cast(pl.String).to_list()


def test_a_file_in_the_place_of_the_tables(workspace: Workspace, labels: LabelSchema) -> None:
    fill_workspace(workspace, labels, 2)
    (workspace.root / ".dashboard").write_text("in the way")
    with pytest.raises(StateError, match=r"\.dashboard"):
        refresh_mirror(workspace, labels)


def test_strange_values_are_kept_as_text(workspace: Workspace, labels: LabelSchema) -> None:
    path = workspace.annotation_samples / "a.jsonl"
    path.parent.mkdir()
    path.write_bytes(
        b'{"data": {"text": "A b", "language": 7, "country": null, "document_type": ["x"], "sample_id": 12,'
        b' "provenance": "no"}, "predictions": [{"score": "high", "result": {}}, 4],'
        b' "annotations": [{"completed_by": {}, "lead_time": "long", "updated_at": 5, "result": [{"value": 1}]}]}\n'
    )
    mirror = refresh_mirror(workspace, labels)
    assert isinstance(mirror, Mirror)
    row = mirror["samples"].row(0, named=True)
    assert (row["language"], row["document_type"], row["sample_id"]) == ("7", "['x']", "12")
    assert mirror["reviews"]["lead_time"].to_list() == [None]
    assert "broken_region" in mirror["issues"]["code"].cast(pl.String).to_list()


def test_looks_while_a_run_writes_see_whole_files_only(workspace: Workspace, labels: LabelSchema) -> None:
    path = workspace.annotation_samples / "run.jsonl"
    samples = [make_sample(number, labels) for number in range(30)]
    write_tasks(path, samples[:1], labels)
    done = threading.Event()

    def write() -> None:
        for size in range(2, 31):
            fresh = path.with_suffix(".new")
            write_tasks(fresh, samples[:size], labels)
            fresh.replace(path)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    seen = []
    while not done.is_set():
        mirror = refresh_mirror(workspace, labels)
        assert mirror.unreadable == 0
        seen.append(mirror["samples"].height)
        assert mirror["entities"].filter(pl.col("side") == "predicted").height == 10 * seen[-1]
    writer.join()
    assert refresh_mirror(workspace, labels)["samples"].height == 30


def test_who_waits_for_another_reader_sees_how_far_it_is(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 40)
    monkeypatch.setattr(sources, "_PART_BYTES", 20_000)
    monkeypatch.setattr(refresh, "_POLL_SECONDS", 0.02)
    halfway, seen = threading.Event(), threading.Event()
    shown: list[tuple[int, int]] = []
    write = refresh._write_part

    def write_and_wait(root: Path, part: sources.Part, schema: LabelSchema) -> None:
        write(root, part, schema)
        if part.start:
            halfway.set()
            assert seen.wait(60)

    def show(done: int, total: int) -> None:
        shown.append((done, total))
        seen.set()

    monkeypatch.setattr(refresh, "_write_part", write_and_wait)
    reader = threading.Thread(target=refresh.update_tables, args=(workspace, labels))
    reader.start()
    assert halfway.wait(60)
    waited = refresh_mirror(workspace, labels, show)
    reader.join()
    assert waited["samples"].height == 40
    size = sum(source.size for source in sources.list_sources(workspace, labels))
    assert 0 < shown[0][0] <= shown[0][1] == size


def test_of_too_many_samples_a_share_is_drawn(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_PART_BYTES", 20_000)
    fill_workspace(workspace, labels, 200)
    reviewed = [make_sample(number, labels) for number in range(1000, 1010)]
    write_tasks(workspace.training_samples / "reviewed.jsonl", reviewed, labels)
    whole = refresh_mirror(workspace, labels)
    size = sum(path.stat().st_size for path in workspace.annotation_samples.glob("*.jsonl"))
    monkeypatch.setattr(sources, "MAX_BYTES", size // 3)
    mirror = refresh_mirror(workspace, labels)
    shown, every = (set(one["samples"]["sample_id"]) for one in (mirror, whole))
    assert (whole.share, mirror.share) == (1.0, 0.25)
    assert shown < every
    assert {sample.sample_id for sample in reviewed} < shown
    assert refresh_mirror(workspace, labels)["samples"].equals(mirror["samples"])
    (workspace.annotation_samples / "more.jsonl").write_bytes(b"")
    assert set(refresh_mirror(workspace, labels)["samples"]["sample_id"]) == shown
