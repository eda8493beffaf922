"""A change of labels reaches bundles, results, runs and the audit ledger, and is whole after any interruption."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import goldspan.annotation.files as files
from goldspan.annotation.errors import StateError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, build_rules
from goldspan.annotation.labelstudio.rename import LabelChange
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.audit.ledger import AuditLedger, find_audit_ledger, read_audit_ledger, write_audit_ledger
from goldspan.evaluation.matching.documents import pair_samples
from goldspan.evaluation.results.evaluate import evaluate_pairing
from goldspan.evaluation.results.result import read_result, write_result
from goldspan.generators.journal.journal import Journal
from goldspan.generators.runs.folder import begin_run, open_run
from goldspan.generators.runs.output import iter_samples
from goldspan.generators.runs.run import run_generation
from goldspan.generators.runs.settings import RunSettings
from goldspan.training.bundle.lineage import open_lineage
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.signature import sign_bundle, verify_signature
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.bundle.withdrawal import open_for_training
from goldspan.training.bundle.write import write_bundle
from goldspan.training.relabel.public import change_labels, plan_label_change

SCHEMA = """\
version = 1

[labels.CITY]
name = "City"
chance = 0.9

[labels.ORDER_ID]
name = "Order number"
values = "pattern"
pattern = "ORD-[0-9]{3}"
chance = 0.9

[labels.PERSON]
name = "Person"
values = "list"
terms = ["Ann", "Ben"]
"""
RENAME = LabelChange("rename ORDER_ID TICKET", RelabelRules({"ORDER_ID": "TICKET"}), {"TICKET": "ORDER_ID"})
MERGE = LabelChange("rename CITY PERSON --merge", RelabelRules({"CITY": "PERSON"}))


class Killed(BaseException):
    """The process ends here."""


def make_sample(number: int, author: Author) -> Sample:
    text = f"Ann wrote of ORD-{number:03} from Bonn {number}, twice."
    entities = (Entity(13, 20, "ORDER_ID"), Entity(26, 30, "CITY"))
    annotations = (Annotation(author, entities),)
    return Sample(text, "en", annotations=annotations, sample_id=make_sample_id(text, "en"))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with gold, a signed bundle, a result, a finished run and an audit ledger."""
    root = tmp_path_factory.mktemp("pristine")
    (root / "labels.toml").write_text(SCHEMA)
    workspace, labels = Workspace(root / "data"), load_labels(root / "labels.toml")
    gold = [make_sample(number, Author.person("p")) for number in range(12)]
    write_samples(workspace.training_samples / "gold.jsonl", gold, labels)
    with open_lineage(workspace) as lineage:
        write_bundle(workspace.bundles / "v1", gold, labels, BundleSettings("v1", reviewed_only=True), lineage)
    sign_bundle(workspace.bundles / "v1", workspace.root)
    predicted = [replace(one, annotations=(Annotation(Author.model("m"), _guess(number, one)),))
                 for number, one in enumerate(gold)]  # fmt: skip
    write_result(workspace.results / "m.json", evaluate_pairing(pair_samples(gold, predicted), labels))
    write_audit_ledger(find_audit_ledger(workspace), AuditLedger().record_audit(gold, [], "a"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GOLDSPAN_LABELS", str(root / "labels.toml"))
        run_generation(workspace, begin_run(workspace, RunSettings("offline", 6, 3), labels, "r"))
    return root


def _guess(number: int, sample: Sample) -> tuple[Entity, ...]:
    order, city = sample.annotations[0].entities
    return (order,) if number % 3 else (Entity(order.start, order.end, "PERSON"), city)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture
def project(pristine: Path, tmp_path: Path) -> Workspace:
    return copy_project(pristine, tmp_path / "project")


def copy_project(pristine: Path, target: Path) -> Workspace:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pristine, target)
    return Workspace(target / "data")


def change(workspace: Workspace, what: LabelChange) -> Any:
    return change_labels(workspace, schema_of(workspace), what)


def schema_of(workspace: Workspace) -> Path:
    return workspace.root.parent / "labels.toml"


def snapshot(workspace: Workspace) -> dict[str, Any]:
    """Every file but backups and locks; of a journal what its tables hold, of a signature that it is there."""
    found: dict[str, Any] = {}
    for path in sorted(workspace.root.parent.rglob("*")):
        name = str(path.relative_to(workspace.root.parent))
        if path.is_file() and "backups" not in path.parts and not path.name.startswith(("journal.db-", "lock")):
            found[name] = dump_journal(path) if path.name == "journal.db" else path.read_bytes()
            if path.suffix == ".sig":
                found[name] = "signed"
    return found


def dump_journal(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def assert_nothing_is_lost(workspace: Workspace, labels: LabelSchema) -> None:
    assert len(list(read_samples(workspace.training_samples, labels))) == 12
    open_bundle(workspace.bundles / "v1")
    assert verify_signature(workspace.bundles / "v1").signed
    with Journal(workspace.runs / "r") as journal:
        assert journal.count_items()["done"] == 6
    read_result(workspace.results / "m.json")


def test_the_successor_of_a_bundle_with_parquet_files_has_them_too(project: Workspace) -> None:
    pytest.importorskip("pyarrow")
    labels = load_labels(schema_of(project))
    gold = list(read_samples([project.training_samples], labels))
    write_bundle(project.bundles / "v2", gold, labels, BundleSettings("v2", parquet=True))
    change(project, RENAME)
    names = {path.name for path in (project.bundles / "v2").iterdir()}
    assert "train.parquet" in names
    assert {path.name for path in (project.bundles / "v2-r1").iterdir()} == names


def test_a_rename_reaches_everything_and_the_frozen_bundle_stays(project: Workspace) -> None:
    before = snapshot(project)
    plan = plan_label_change(project, schema_of(project), RENAME)
    assert snapshot(project) == before
    assert {effect.path.name for effect in plan.effects} == {"v1", "m.json", "r", "audit_ledger.jsonl"}
    ledger, gold = before["data/split_ledger.jsonl"], read_result(project.results / "m.json")
    done = change(project, RENAME)
    after, labels = snapshot(project), load_labels(schema_of(project))
    assert {name: after[name] for name in before if name.startswith("data/bundles/")} == {
        name: content for name, content in before.items() if name.startswith("data/bundles/")
    }
    assert after["data/split_ledger.jsonl"] == ledger
    assert "superseded by v1-r1, signed" in done.bundles[0].effect

    old, new = open_bundle(project.bundles / "v1"), open_for_training(project.bundles / "v1-r1", labels, project.root)
    assert verify_signature(project.bundles / "v1-r1").signed
    assert new.manifest["replaces"] == {
        "name": "v1", "fingerprint": old.manifest["fingerprint"], "change": "rename ORDER_ID TICKET"
    }  # fmt: skip
    assert new.manifest["split"]["sizes"] == old.manifest["split"]["sizes"]
    assert sorted(new.iter_texts()) == sorted(old.iter_texts())
    assert new.manifest["data"]["labels"] == {"CITY": 12, "TICKET": 12}
    with pytest.raises(StateError, match="use its successor v1-r1"):
        open_for_training(project.bundles / "v1", labels, project.root)

    result = read_result(project.results / "m.json")
    assert result.labels["fingerprint"] == labels.fingerprint
    assert result.per_class_metrics["TICKET"] == gold.per_class_metrics["ORDER_ID"]
    assert result.metrics == gold.metrics
    assert {span.label for error in result.errors for span in (error.gold, error.predicted) if span} == {
        "TICKET", "CITY", "PERSON"
    }  # fmt: skip
    samples = {sample.sample_id: sample for sample in read_samples(project.training_samples, labels)}
    assert all(read_audit_ledger(find_audit_ledger(project)).is_settled(sample) for sample in samples.values())
    with open_run(project.runs / "r", schema_of(project), may_differ=True).journal as journal:
        settings = RunSettings.from_dict(journal.read_settings()["settings"])
        written = {e.label for s in iter_samples(journal, settings, labels) for e in s.annotations[0].entities}
        assert "TICKET" in written
        assert "ORDER_ID" not in written
        assert not journal.query("SELECT 1 FROM item WHERE spec LIKE '%ORDER_ID%'")
    backed_up = {str(path.relative_to(done.backup)) for path in done.backup.rglob("*") if path.is_file()}
    assert {"results/m.json", "runs/r/journal.db", "audit_ledger.jsonl", "training_samples/gold.jsonl"} <= backed_up
    again = snapshot(project)
    change(project, RENAME)
    assert snapshot(project) == again


def interrupt(patch: pytest.MonkeyPatch, kill_at: int) -> Callable[[], int]:
    """Count what becomes visible on disk: renamed files and folders, the end of the note.

    The process dies before the n-th of them, or right after it where n is negative.
    """
    done = 0

    def wrap(call: Callable[..., Any], name: str = "") -> Callable[..., Any]:
        def counted(first: Any, *arguments: Any, **options: Any) -> Any:
            nonlocal done
            if name and Path(first).name != name:
                return call(first, *arguments, **options)
            done += 1
            if done == kill_at:
                raise Killed
            value = call(first, *arguments, **options)
            if done == -kill_at:
                raise Killed
            return value

        return counted

    patch.setattr(files.os, "replace", wrap(os.replace))
    patch.setattr(Path, "rename", wrap(Path.rename))
    patch.setattr(Path, "unlink", wrap(Path.unlink, "label-change.json"))
    return lambda: done


def test_a_rename_killed_at_every_step_and_run_again_ends_the_same(pristine: Path, tmp_path: Path) -> None:
    whole = copy_project(pristine, tmp_path / "project")
    with pytest.MonkeyPatch.context() as patch:
        count = interrupt(patch, 0)
        change(whole, RENAME)
        steps = count()
    finished = snapshot(whole)
    assert steps >= 12
    for kill_at in (*range(1, steps + 1), -steps):
        workspace = copy_project(pristine, tmp_path / "project")
        with pytest.MonkeyPatch.context() as patch:
            interrupt(patch, kill_at)
            with pytest.raises(Killed):
                change(workspace, RENAME)
        assert_nothing_is_lost(workspace, load_labels(schema_of(workspace)))
        change(workspace, RENAME)
        assert snapshot(workspace) == finished, kill_at


def test_a_merge_leaves_results_as_they_were_measured(project: Workspace) -> None:
    before = (project.results / "m.json").read_bytes()
    plan = plan_label_change(project, schema_of(project), MERGE)
    assert [e.changes for e in plan.effects if e.path.name == "m.json"] == [False]
    change(project, MERGE)
    assert (project.results / "m.json").read_bytes() == before
    labels = load_labels(schema_of(project))
    assert open_bundle(project.bundles / "v1-r1", labels).manifest["data"]["labels"] == {"ORDER_ID": 12, "PERSON": 12}


def test_a_split_and_a_removal_follow_the_values(project: Workspace) -> None:
    labels = load_labels(schema_of(project))
    change(project, LabelChange("split", build_rules({}, {"ORDER_ID": {"PERSON": "00[0-4]", "CITY": ""}}, (), labels)))
    counts = open_bundle(project.bundles / "v1-r1").manifest["data"]["labels"]
    assert counts == {"CITY": 12 + 7, "PERSON": 5}
    change(project, LabelChange("remove CITY", RelabelRules(remove=frozenset({"CITY"}))))
    second = open_bundle(project.bundles / "v1-r2", load_labels(schema_of(project)))
    assert second.manifest["data"]["labels"] == {"PERSON": 5}
    assert second.manifest["replaces"]["name"] == "v1-r1"


def test_a_bundle_that_is_not_intact_gets_no_successor_and_is_named(project: Workspace) -> None:
    with (project.bundles / "v1" / "train.jsonl").open("ab") as file:
        file.write(b"\n")
    done = change(project, RENAME)
    assert [effect.changes for effect in done.bundles] == [False]
    assert not (project.bundles / "v1-r1").exists()
    assert json.loads((project.bundles / "v1" / "manifest.json").read_text())["name"] == "v1"


def test_without_the_key_the_successor_is_not_signed_and_that_is_said(project: Workspace) -> None:
    shutil.rmtree(project.root / "keys")
    done = change(project, RENAME)
    assert "not signed" in done.bundles[0].effect
    assert not verify_signature(project.bundles / "v1-r1").signed
