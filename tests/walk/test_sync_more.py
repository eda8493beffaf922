"""Label migration, storage import and watching, against a real Label Studio."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, TransientServiceError
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import compare_config
from goldspan.annotation.labelstudio.project.migrate import apply_migration, plan_migration
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, build_rules
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
from goldspan.annotation.labelstudio.pull.watch import listen_for_calls, watch_project
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.labelstudio.push.storage import push_to_storage
from goldspan.annotation.labelstudio.server.start import find_storage
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample
from tests.walk.sync_samples import make_samples

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
FIELDS = "id,data,annotations,predictions,drafts,result,model_version,updated_at"


@pytest.fixture
def old_labels(labels: LabelSchema) -> LabelSchema:
    """As the schema is, but with two labels that it does not have, and without one that it has."""
    kept = tuple(label for label in labels.labels if label.code != "STREET")
    return dataclasses.replace(labels, labels=(*kept, Label("TOWN", "Town"), Label("NAME", "Name")))


def relabel(sample: Sample, names: dict[str, str]) -> Sample:
    annotation = sample.annotations[0]
    entities = tuple(
        dataclasses.replace(entity, label=names.get(entity.label, entity.label)) for entity in annotation.entities
    )
    return dataclasses.replace(sample, annotations=(dataclasses.replace(annotation, entities=entities),))


@pytest.fixture
def project(client: StudioClient, title: str, old_labels: LabelSchema) -> int:
    """Twelve tasks that call cities TOWN and names NAME; four have a submitted annotation, one a draft."""
    samples = [relabel(sample, {"CITY": "TOWN", "FIRSTNAME": "NAME", "SURNAME": "NAME"}) for sample in make_samples(12)]
    number = push_samples(client, samples, old_labels, PushOptions(title)).project
    assert number is not None
    tasks = list(client.iter_tasks(number, FIELDS))
    for task in tasks[:4]:
        prediction = task["predictions"][0]
        submit_review(client, task["id"], prediction["result"], parent_prediction=prediction)
    client.create_draft(tasks[5]["id"], {"result": tasks[5]["predictions"][0]["result"], "lead_time": 2})
    return number


@pytest.fixture
def rules(labels: LabelSchema) -> RelabelRules:
    pattern = "^(Santos|Núñez|Østergård|Иванова|शर्मा|حداد|כהן|Παπαδοπούλου|Müller|O’Neil)$"
    return build_rules({"TOWN": "CITY"}, {"NAME": {"SURNAME": pattern, "otherwise": "FIRSTNAME"}}, (), labels)


def count_labels(client: StudioClient, project: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task in client.iter_tasks(project, FIELDS):
        for part in ("annotations", "predictions", "drafts"):
            for item in task[part]:
                names = (region["value"]["labels"][0] for region in item["result"] if region["type"] != "relation")
                found.setdefault(part, set()).update(names)
    return found


def test_a_label_in_use_is_not_dropped_without_a_rule(
    client: StudioClient, project: int, labels: LabelSchema, tmp_path: Path
) -> None:
    before = client.read_project(project)["label_config"]
    plan = plan_migration(client, project, labels, RelabelRules())
    assert set(plan.retired) == set(plan.missing) == {"TOWN", "NAME"}
    assert plan.added == ("label STREET",)
    with pytest.raises(ConfigurationError, match="TOWN"):
        apply_migration(client, Workspace(tmp_path), project, labels, RelabelRules())
    assert client.read_project(project)["label_config"] == before
    assert not list(tmp_path.rglob("*"))


def test_migration_renames_splits_and_leaves_a_backup(
    client: StudioClient, project: int, labels: LabelSchema, rules: RelabelRules, tmp_path: Path
) -> None:
    report = apply_migration(client, Workspace(tmp_path), project, labels, rules)
    assert report.rewritten == {"annotations": 4, "drafts": 1, "predictions": 12}
    names = {"CITY", "FIRSTNAME", "SURNAME", "MENTION", "PRONOUN"}
    assert count_labels(client, project) == {"annotations": names, "predictions": names, "drafts": names}
    assert not compare_config(labels, client.read_project(project)["label_config"])
    assert report.backup is not None
    backup = [orjson.loads(line) for line in (report.backup / "tasks.jsonl").read_bytes().splitlines()]
    assert len(backup) == 12
    assert "TOWN" in (report.backup / "config.xml").read_text()
    assert orjson.loads((report.backup / "report.json").read_bytes())["rewritten"] == report.rewritten
    again = apply_migration(client, Workspace(tmp_path), project, labels, rules)
    assert (again.plan.up_to_date, again.backup) == (True, None)
    by_sample = {sample.provenance["number"]: sample for sample in make_samples(12)}
    for task in client.iter_tasks(project, FIELDS):
        original = by_sample[task["data"]["provenance"]["number"]].annotations[0]
        regions = [item["value"] for item in task["predictions"][0]["result"] if item.get("from_name") == "label"]
        assert [(value["start"], value["end"], value["labels"][0]) for value in regions] == [
            tuple(entity.span) for entity in original.entities
        ]


def test_an_interrupted_migration_is_finished_by_the_next(
    client: StudioClient,
    project: int,
    labels: LabelSchema,
    rules: RelabelRules,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update, calls = client.update_prediction, []

    def break_off(number: int, prediction: int, fields: dict[str, Any]) -> dict[str, Any]:
        if len(calls) == 5:
            raise TransientServiceError("broken on purpose")
        calls.append(prediction)
        return update(number, prediction, fields)

    monkeypatch.setattr(client, "update_prediction", break_off)
    with pytest.raises(TransientServiceError):
        apply_migration(client, Workspace(tmp_path), project, labels, rules)
    drift = compare_config(labels, client.read_project(project)["label_config"])
    assert (drift.added, len(drift.removed)) == ((), 2)
    monkeypatch.setattr(client, "update_prediction", update)
    report = apply_migration(client, Workspace(tmp_path), project, labels, rules)
    assert report.rewritten["predictions"] == 7
    assert "TOWN" not in set().union(*count_labels(client, project).values())


def test_removing_a_label_removes_its_regions(
    client: StudioClient, project: int, labels: LabelSchema, tmp_path: Path
) -> None:
    rules = build_rules({"TOWN": "CITY"}, {}, ("NAME",), labels)
    apply_migration(client, Workspace(tmp_path), project, labels, rules)
    assert count_labels(client, project)["annotations"] == {"CITY", "MENTION", "PRONOUN"}


def test_tasks_come_through_a_folder(
    studio: RunningStudio, client: StudioClient, title: str, labels: LabelSchema
) -> None:
    target = find_storage(studio.workspace) / "walk" / title.replace(" ", "-")
    options = PushOptions(title)
    report = push_to_storage(client, make_samples(40), labels, options, target)
    assert (report.written, report.arrived, len(report.files)) == (40, 40, 1)
    again = push_to_storage(client, make_samples(55), labels, options, target)
    assert (again.written, again.arrived, again.unchanged) == (15, 15, 40)
    tasks = list(client.iter_tasks(report.project, FIELDS))
    assert len({task["data"]["sample_id"] for task in tasks}) == len(tasks) == 55
    assert all(len(task["predictions"]) == 1 for task in tasks)
    assert push_samples(client, make_samples(55), labels, options).unchanged == 55


def test_tasks_are_written_anywhere_fsspec_knows(
    client: StudioClient, title: str, labels: LabelSchema, tmp_path: Path
) -> None:
    report = push_to_storage(client, make_samples(3), labels, PushOptions(title), f"file://{tmp_path}/bucket")
    assert (report.written, report.arrived) == (3, None)
    lines = next((tmp_path / "bucket").glob("tasks-*.jsonl")).read_bytes().splitlines()
    assert [orjson.loads(line)["data"]["provenance"]["number"] for line in lines] == [0, 1, 2]
    with pytest.raises(ConfigurationError, match="cannot be written"):
        push_to_storage(client, make_samples(3), labels, PushOptions(title), "nosuch://bucket")


def run_watch(pull: Callable[[], PullReport], hint: threading.Event, seen: Callable[[PullReport], bool]) -> None:
    """Watch with an interval far too long for the test, until a report satisfies `seen`."""
    stop = threading.Event()

    def look(report: PullReport) -> None:
        if seen(report):
            stop.set()

    threading.Timer(60, lambda: (stop.set(), hint.set())).start()
    watch_project(pull, 300, hint=hint, stop=stop, on_report=look, on_error=lambda error: None)


def test_watch_pulls_when_label_studio_calls(
    client: StudioClient, title: str, labels: LabelSchema, tmp_path: Path
) -> None:
    project = push_samples(client, make_samples(3), labels, PushOptions(title)).project or 0
    task = next(iter(client.iter_tasks(project, FIELDS)))
    hint = threading.Event()
    reports: list[PullReport] = []

    def pull() -> PullReport:
        reports.append(pull_annotations(client, Workspace(tmp_path), labels, PullOptions(project)))
        if len(reports) == 1:
            threading.Timer(0.2, lambda: submit_review(client, task["id"], [])).start()
        else:
            hint.set()
        return reports[-1]

    with listen_for_calls(client, project, hint):
        run_watch(pull, hint, lambda report: report.total == 1)
    assert [report.total for report in reports] == [0, 1]
