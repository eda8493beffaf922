from __future__ import annotations

import shutil
import stat
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.errors import InputError, RecordError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.stores.base import Hit
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.bundle.withdrawal import open_for_training
from goldspan.training.runs import list_runs
from tests.privacy.canary import NAME, fill_workspace, grep, list_samples, make_sample, read_costs


@pytest.fixture
def workspace(tmp_path: Path, labels: LabelSchema) -> Workspace:
    return fill_workspace(tmp_path / "data", labels)


def read_ids(path: Path, labels: LabelSchema) -> list[str]:
    return [sample.sample_id for sample in read_samples(path, labels)]


def test_an_erased_person_is_in_no_byte_of_the_workspace(workspace: Workspace, labels: LabelSchema) -> None:
    assert len(grep(workspace.root)) >= 15
    report = erase_person(NAME, data=workspace.root)
    assert grep(workspace.root) == []
    assert report.remains == ()
    assert find_person(NAME, data=workspace.root).hits == ()
    erased = {list_samples()[number].sample_id for number in (3, 8, 15)}
    kept = [sample.sample_id for sample in list_samples() if sample.sample_id not in erased]
    assert read_ids(workspace.annotation_samples, labels) == kept
    assert not any(
        name.encode() in path.read_bytes() for name in erased for path in workspace.root.rglob("*") if path.is_file()
    )
    assert read_costs(workspace.runs / "paid") == (4, 1.5)
    assert [path.name for path in (workspace.root / "models").iterdir()] == ["other"]


def test_bundles_are_withdrawn_and_get_a_successor(workspace: Workspace, labels: LabelSchema, tmp_path: Path) -> None:
    before = open_bundle(workspace.bundles / "v1", labels)
    splits = {name: part for part, name, _ in before.iter_texts()}
    copy = Path(shutil.copytree(before.folder, tmp_path / "copy"))
    erase_person(NAME, data=workspace.root)
    successor = open_bundle(workspace.bundles / "v1-r1", labels)
    assert successor.manifest["replaces"] == {
        "name": "v1", "fingerprint": before.manifest["fingerprint"], "erased": 3
    }  # fmt: skip
    assert successor.manifest["data"]["samples"] == 21
    assert all(splits[name] == part for part, name, _ in successor.iter_texts())
    with pytest.raises(StateError, match=r"withdrawn, with 3 samples erased\. Use its successor v1-r1"):
        open_bundle(workspace.bundles / "v1", labels)
    with pytest.raises(StateError, match="copy of the bundle v1"):
        open_for_training(copy, labels, workspace.root)
    assert [run.read_state()["status"] for run in list_runs(workspace)] == ["withdrawn"]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("step", range(0, 23, 3))
def test_an_erasure_that_is_killed_is_finished_by_the_next(workspace: Workspace, step: int) -> None:
    steps: list[Hit] = []

    def kill(hit: Hit) -> None:
        steps.append(hit)
        if len(steps) > step:
            raise Killed

    try:
        erase_person(NAME, data=workspace.root, on_step=kill)
    except Killed:
        erase_person(NAME, data=workspace.root)
    assert grep(workspace.root) == []
    assert sorted(path.name for path in workspace.bundles.iterdir()) == ["v1", "v1-r1"]
    erased = [sample.sample_id for sample in list_samples() if sample.text[:5].lower() == "zanzi"]
    left = b"".join(path.read_bytes() for path in workspace.root.rglob("*.json*") if path.is_file())
    assert not [name for name in erased if name.encode() in left]


def test_what_was_erased_is_refused_where_records_enter(
    workspace: Workspace, labels: LabelSchema, tmp_path: Path
) -> None:
    erase_person(NAME, data=workspace.root)
    returning = [make_sample(3, NAME), make_sample(99, f"Dr. {NAME.replace(' ', chr(10))}"), make_sample(50)]
    errors: list[RecordError] = []
    assert write_samples(workspace.annotation_samples / "again.jsonl", returning, labels, errors.append) == 1
    assert [error.reason.partition(":")[0] for error in errors] == ["erased", "erased"]
    write_samples(tmp_path / "outside.jsonl", returning, labels)
    (tmp_path / "outside.jsonl").rename(workspace.annotation_samples / "moved.jsonl")
    errors.clear()
    assert len(list(read_samples(workspace.annotation_samples / "moved.jsonl", labels, errors.append))) == 1
    assert len(errors) == 2


def test_a_sample_is_erased_by_its_id_without_its_neighbours(workspace: Workspace, labels: LabelSchema) -> None:
    target = list_samples()[5]
    plan = find_person(target.sample_id, data=workspace.root)
    assert plan.is_sample
    assert plan.samples == 1
    erase_person(target.sample_id, data=workspace.root)
    left = read_ids(workspace.annotation_samples, labels)
    assert len(left) == 23
    assert target.sample_id not in left
    assert open_bundle(workspace.bundles / "v1-r1").manifest["data"]["samples"] == 23
    with pytest.raises(RecordError, match="erased"):
        write_samples(workspace.annotation_samples / "again.jsonl", [target], labels)


def test_finding_changes_nothing(workspace: Workspace) -> None:
    before = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    plan = find_person(NAME.lower().replace("ü", "u"), data=workspace.root)
    assert plan.samples >= 3
    assert {hit.store for hit in plan.hits} >= {"samples", "gold", "runs", "bundles", "training runs", "releases"}
    after = {path: path.read_bytes() for path in workspace.root.rglob("*") if path.is_file()}
    assert {path for path in after if before.get(path) != after[path]} <= {
        workspace.runs / "paid" / f"journal.db-{end}" for end in ("shm", "wal")
    }


def test_files_of_the_user_are_named_and_left_alone(workspace: Workspace) -> None:
    notes = workspace.root.parent / "notes.txt"
    notes.write_text(f"call {NAME}")
    (workspace.root.parent / "goldspan.toml").write_text('name = "p"\ndata = "data"\n')
    (workspace.root / "mine").mkdir()
    (workspace.root / "mine" / "list.csv").write_text(NAME)
    report = erase_person(NAME, data=workspace.root)
    assert sorted(Path(hit.place).name for hit in report.remains) == ["list.csv", "notes.txt"]
    assert NAME in notes.read_text()


def test_tombstones_hold_no_text_and_are_private(workspace: Workspace) -> None:
    erase_person(NAME, data=workspace.root)
    folder = workspace.root / "privacy"
    assert grep(folder) == []
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    history = [orjson.loads(line) for line in (folder / "erasures.jsonl").read_bytes().splitlines()]
    assert [entry["kind"] for entry in history] == ["term"]


@pytest.mark.parametrize("text", ["", "a", "!!", "  x "])
def test_a_text_that_tells_nobody_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="too short"):
        erase_person(text, data=tmp_path)


def test_a_bundle_of_another_label_schema_is_withdrawn_without_a_successor(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[labels.FIRSTNAME]\nname = "First name"\n')
    report = erase_person(NAME, data=workspace.root, labels_file=other)
    assert [hit.action for hit in report.done if hit.store == "bundles"] == [
        "withdrawn; no successor: the label schema has changed since, freeze a new version"
    ]
    assert [path.name for path in workspace.bundles.iterdir()] == ["v1"]
    assert grep(workspace.root) == []


def test_a_bundle_that_was_changed_by_hand_is_withdrawn_too(workspace: Workspace) -> None:
    train = workspace.bundles / "v1" / "train.jsonl"
    train.write_bytes(train.read_bytes() + b"\n")
    erase_person(NAME, data=workspace.root)
    assert grep(workspace.root) == []


def test_a_file_named_after_the_person_is_named_and_an_empty_one_goes(
    workspace: Workspace, labels: LabelSchema
) -> None:
    samples = list_samples()
    write_samples(workspace.annotation_samples / f"{NAME}-regex.jsonl", samples[3:4], labels)
    write_samples(workspace.annotation_samples / f"{NAME} and others.jsonl", samples[2:4], labels)
    report = erase_person(NAME, data=workspace.root)
    assert [hit.place for hit in report.remains] == [f"annotation_samples/{NAME} and others.jsonl"]
    assert not (workspace.annotation_samples / f"{NAME}-regex.jsonl").exists()
