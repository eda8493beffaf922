"""Changes of labels are whole after any interruption."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import goldspan.annotation.files as files
from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, build_rules
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.labelstudio.rename import LabelChange, apply_change, plan_change
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.record import pack_record, unpack_record
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample

SCHEMA = """\
# Our labels.
version = 1

[labels.CITY]
name = "City"

# The order, as printed.
[labels.ORDER_ID]
name = "Order number"   # not the customer number
right = ["order <ORDER_ID>ORD-1</ORDER_ID>"]

[labels.PERSON]
name = "Person"
"""
RENAME = LabelChange(
    "rename ORDER_ID ORDER_NUMBER", RelabelRules({"ORDER_ID": "ORDER_NUMBER"}), {"ORDER_NUMBER": "ORDER_ID"}
)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "data")
    file = tmp_path / "labels.toml"
    file.write_text(SCHEMA)
    labels = load_labels(file)
    for folder, count in ((workspace.annotation_samples, 3), (workspace.training_samples, 2)):
        for number in range(count):
            text = f"Ann {number} wrote of ORD-1 from Bonn."
            spans = (Entity(15, 20, "ORDER_ID"), Entity(26, 30, "CITY"))
            author = Author.person("p") if folder == workspace.training_samples else Author.model("m")
            sample = Sample(text, "en", annotations=(Annotation(author, spans),))
            write_samples(folder / f"{number}.jsonl", [sample, Sample(f"Nothing {number} here.", "en")], labels)
    return workspace


def read_labels_used(workspace: Workspace) -> list[str]:
    labels = load_labels(workspace.root.parent / "labels.toml")
    samples = read_samples([workspace.annotation_samples, workspace.training_samples], labels)
    return sorted({entity.label for sample in samples if sample.best for entity in sample.best.entities})


def count_replacements(monkeypatch: pytest.MonkeyPatch, kill_at: int) -> Callable[[], int]:
    """Every file that appears by renaming is counted; the process dies instead of, or right after, one of them."""
    done = 0
    replace = files.os.replace

    def counted(source: Any, target: Any) -> None:
        nonlocal done
        done += 1
        if done == kill_at:
            raise Killed
        replace(source, target)
        if done == -kill_at:
            raise Killed

    monkeypatch.setattr(files.os, "replace", counted)
    return lambda: done


def snapshot(workspace: Workspace) -> dict[str, bytes]:
    root = workspace.root.parent
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*"))
            if p.is_file() and "backups" not in p.parts}  # fmt: skip


def test_a_rename_reaches_schema_samples_and_gold(workspace: Workspace) -> None:
    schema = workspace.root.parent / "labels.toml"
    plan = plan_change(workspace, RENAME)
    assert (len(plan.files), plan.uses, plan.pending) == (5, {"ORDER_ID": 5}, False)
    backup = apply_change(workspace, schema, RENAME)
    expected = SCHEMA.replace("ORDER_ID", "ORDER_NUMBER")
    assert schema.read_text() == expected
    assert read_labels_used(workspace) == ["CITY", "ORDER_NUMBER"]
    assert (backup / "labels.toml").read_text() == SCHEMA
    assert len(list(backup.rglob("*.jsonl"))) == 5
    before = snapshot(workspace)
    apply_change(workspace, schema, RENAME)
    assert snapshot(workspace) == before


def test_a_rename_killed_at_every_write_ends_the_same(workspace: Workspace, tmp_path: Path) -> None:
    import shutil

    schema = workspace.root.parent / "labels.toml"
    pristine = tmp_path / "pristine"
    shutil.copytree(workspace.root.parent, pristine, ignore=shutil.ignore_patterns("pristine"))
    with pytest.MonkeyPatch.context() as patch:
        count = count_replacements(patch, 0)
        apply_change(workspace, schema, RENAME)
        writes = count()
    finished = {name: content for name, content in snapshot(workspace).items() if not name.startswith("pristine")}
    assert writes >= 8
    for kill_at in (*range(1, writes + 1), -writes):
        copy = Workspace(tmp_path / "again" / "data")
        shutil.rmtree(copy.root.parent, ignore_errors=True)
        shutil.copytree(pristine, copy.root.parent)
        with pytest.MonkeyPatch.context() as patch:
            count_replacements(patch, kill_at)
            with pytest.raises(Killed):
                apply_change(copy, copy.root.parent / "labels.toml", RENAME)
        assert set(read_labels_used(copy)) <= {"CITY", "ORDER_ID", "ORDER_NUMBER"}
        assert list(read_samples([copy.annotation_samples, copy.training_samples],
                                 load_labels(copy.root.parent / "labels.toml")))  # fmt: skip
        apply_change(copy, copy.root.parent / "labels.toml", RENAME)
        assert snapshot(copy) == finished, kill_at


def test_another_change_waits_until_an_interrupted_one_is_finished(workspace: Workspace) -> None:
    schema = workspace.root.parent / "labels.toml"
    with pytest.MonkeyPatch.context() as patch:
        count_replacements(patch, 3)
        with pytest.raises(Killed):
            apply_change(workspace, schema, RENAME)
    assert plan_change(workspace, RENAME).pending
    other = LabelChange("remove CITY", RelabelRules(remove=frozenset({"CITY"})))
    with pytest.raises(StateError, match="rename ORDER_ID ORDER_NUMBER"):
        apply_change(workspace, schema, other)


def test_a_failing_migration_leaves_the_change_to_be_finished(workspace: Workspace) -> None:
    schema = workspace.root.parent / "labels.toml"

    def fail() -> None:
        assert {"ORDER_ID", "ORDER_NUMBER"} <= load_labels(schema).entity_codes
        raise StateError("Label Studio went away")

    with pytest.raises(StateError, match="went away"):
        apply_change(workspace, schema, RENAME, fail)
    assert plan_change(workspace, RENAME).pending
    calls: list[int] = []
    apply_change(workspace, schema, RENAME, lambda: calls.append(1))
    assert calls == [1]
    assert "ORDER_ID" not in load_labels(schema)


def test_merge_split_and_remove(workspace: Workspace) -> None:
    schema = workspace.root.parent / "labels.toml"
    apply_change(workspace, schema, LabelChange("rename CITY PERSON", RelabelRules({"CITY": "PERSON"})))
    assert read_labels_used(workspace) == ["ORDER_ID", "PERSON"]
    rules = build_rules({}, {"PERSON": {"ORDER_ID": "^B"}}, (), load_labels(schema))
    apply_change(workspace, schema, LabelChange("split", rules))
    assert read_labels_used(workspace) == ["ORDER_ID"]
    assert [label.code for label in load_labels(schema).entities] == ["ORDER_ID"]


@pytest.mark.parametrize("packed", [True, False])
def test_a_pulled_record_that_nobody_edited_counts_as_not_edited_afterwards(workspace: Workspace, packed: bool) -> None:
    file = workspace.training_samples / "0.jsonl"
    first, second = (record.value for record in read_records(file))
    for record in (first, second):
        record["data"]["provenance"] = {"pull": {"stamp": "x"}}
        record["data"]["provenance"]["pull"]["sha256"] = digest_record(record)
    edited = {**first, "data": {**first["data"], "provenance": {"pull": {"sha256": "of before the edit"}}}}
    lines = [pack_record(one).decode() if packed else json.dumps(one) + "\n" for one in (first, edited, second)]
    file.write_text("".join(lines))
    untouched = file.read_text().splitlines()[2]
    apply_change(workspace, workspace.root.parent / "labels.toml", RENAME)
    lines = file.read_text().splitlines()
    renamed, still_edited = (unpack_record(json.loads(line)) for line in lines[:2])
    assert renamed["data"]["provenance"]["pull"]["sha256"] == digest_record(renamed)
    assert still_edited["data"]["provenance"]["pull"]["sha256"] == "of before the edit"
    assert lines[2] == untouched


@pytest.mark.parametrize(("name", "is_list"), [("own.json", False), ("own.json", True), ("own.jsonl", True)])
def test_a_file_is_rewritten_in_whatever_form_it_is_read(workspace: Workspace, name: str, is_list: bool) -> None:
    lines = [(workspace.annotation_samples / f"{number}.jsonl").read_bytes().splitlines() for number in range(2)]
    rows = [line for part in lines for line in part]
    content = b"[" + b",".join(rows) + b"]" if is_list else b"\n".join(rows)
    (workspace.annotation_samples / name).write_bytes(content)
    file = workspace.root.parent / "labels.toml"
    apply_change(workspace, file, RENAME)
    samples = list(read_samples([workspace.annotation_samples / name], load_labels(file)))
    assert [[entity.label for entity in one.best.entities] for one in samples if one.best] == [
        ["ORDER_NUMBER", "CITY"], ["ORDER_NUMBER", "CITY"]
    ]  # fmt: skip
