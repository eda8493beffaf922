"""`goldspan queue`: writes a batch that `studio push` takes."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from goldspan.annotation.corpus.queue import build_queue
from goldspan.annotation.corpus.seeding import read_seeded
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.push.receipt import record_pushed
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.queue import app
from tests.dashboards.sample_data import fill_workspace


def test_the_batch_is_written_in_its_order(tmp_path: Path, labels: LabelSchema) -> None:
    workspace, file = Workspace(tmp_path / "data"), tmp_path / "queue.jsonl"
    fill_workspace(workspace, labels, 120, touched=10)
    shown = CliRunner().invoke(app, ["--data", str(workspace.root), "--size", "30", "--output", str(file)])
    assert shown.exit_code == 0
    again = CliRunner().invoke(app, ["--data", str(workspace.root), "--output", str(file)])
    assert "--force" in str(again.exception)
    batch = list(read_samples([file], labels))
    listed = [line.split()[1] for line in shown.stdout.splitlines()[1:]]
    assert [sample.sample_id for sample in batch] == listed
    reserve = [sample for sample in batch if sample.provenance["queue"] == "random"]
    control = [sample for sample in reserve if sample.provenance.get("control") and not sample.annotations]
    assert len(reserve) == 6
    assert 0 < len(control) < 6
    assert all(sample.predictions for sample in batch if sample not in control)


def test_an_empty_workspace_is_said(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["--data", str(tmp_path), "--output", str(tmp_path / "queue.jsonl")])
    assert shown.exit_code == 0
    assert "No sample waits for a review" in shown.stderr
    assert not (tmp_path / "queue.jsonl").exists()
    assert build_queue([], {}, {}).entries == ()


def test_what_is_in_label_studio_is_left_out(tmp_path: Path, labels: LabelSchema) -> None:
    workspace = Workspace(tmp_path)
    fill_workspace(workspace, labels, 10, touched=0)
    ids = [sample.sample_id for sample in read_samples([workspace.annotation_samples], labels)]
    record_pushed(workspace, "http://127.0.0.1:8080", 1, "Project", ids[1:])
    shown = CliRunner().invoke(app, ["--data", str(tmp_path), "--json"])
    assert [entry["sample_id"] for entry in json.loads(shown.stdout)["entries"]] == ids[:1]
    record_pushed(workspace, "http://127.0.0.1:8080", 1, "Project", ids)
    assert "10 were pushed. --include-pushed" in " ".join(
        CliRunner().invoke(app, ["--data", str(tmp_path)]).stderr.split()
    )
    shown = CliRunner().invoke(app, ["--data", str(tmp_path), "--json", "--include-pushed"])
    assert {entry["sample_id"] for entry in json.loads(shown.stdout)["entries"]} == set(ids)


def test_an_order_without_evidence_says_so(tmp_path: Path, labels: LabelSchema) -> None:
    workspace = Workspace(tmp_path)
    fill_workspace(workspace, labels, 10, touched=0)
    for order, said in (("disagreement", "no evidence"), ("label-errors", "goldspan samples audit")):
        shown = CliRunner().invoke(app, ["--data", str(tmp_path), "--order", order])
        assert shown.exit_code == 0
        assert said in " ".join(shown.stderr.split())
    assert CliRunner().invoke(app, ["--data", str(tmp_path), "--order", "luck"]).exit_code != 0


def test_a_share_of_the_batch_gets_a_wrong_suggestion(tmp_path: Path, labels: LabelSchema) -> None:
    workspace, file = Workspace(tmp_path / "data"), tmp_path / "queue.jsonl"
    fill_workspace(workspace, labels, 60, touched=0)
    arguments = ["--data", str(workspace.root), "--size", "50", "--seeded", "0.2", "--output", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    marked = [one for one in read_samples([file], labels) if read_seeded(one)]
    assert 0 < len(marked) < 25
    assert all(read_seeded(one)[0] in one.predictions[-1].entities for one in marked)
