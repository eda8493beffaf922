"""An empty project gets the first samples while the others are read."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.progress import ignore_progress
from goldspan.annotation.labelstudio.push.entries import push_entries
from goldspan.annotation.labelstudio.push.report import PushOptions, PushReport
from goldspan.annotation.labelstudio.push.selection import Order
from goldspan.annotation.labelstudio.push.spool import open_spool
from goldspan.annotation.labelstudio.push.stream import stream_samples
from goldspan.annotation.labelstudio.push.target import NativeTarget
from goldspan.annotation.labelstudio.push.upload import Upload
from goldspan.annotation.labelstudio.push.validation import TaskValidator
from goldspan.annotation.types import Annotation, Author, Entity, Sample


class Project:
    """A project in memory; `failures` names imports that end uncertainly, and whether they happened all the same."""

    url = "http://127.0.0.1/"

    def __init__(self, failures: dict[int, bool] | None = None, poison: str = "") -> None:
        self.tasks: list[dict[str, Any]] = []
        self.failures, self.poison = failures or {}, poison
        self.imports = 0
        self.shown = ""
        self.backends = SimpleNamespace(list_all=lambda project: [{"title": "live"}])

    def import_tasks(self, project: int, tasks: list[bytes]) -> dict[str, Any]:
        number, self.imports = self.imports, self.imports + 1
        made = [orjson.loads(task) for task in tasks]
        if any(task["data"]["sample_id"] == self.poison for task in made):
            raise TerminalServiceError("refused", status=400)
        first = len(self.tasks) + 1
        if self.failures.get(number, True):
            self.tasks += [{"id": first + place, **task} for place, task in enumerate(made)]
        if number in self.failures:
            raise TransientServiceError("the connection broke")
        counts = {"task_count": len(made), "prediction_count": sum(len(task["predictions"]) for task in made)}
        return {**counts, "task_ids": list(range(first, first + len(made)))}

    def count_tasks(self, project: int) -> int:
        return len(self.tasks)

    def iter_tasks(self, project: int, include: str, *, after: int = 0, **options: Any) -> Iterator[dict[str, Any]]:
        for task in self.tasks[after:]:
            versions = ",".join(item["model_version"] for item in task["predictions"])
            yield {**task, "predictions_model_versions": versions, "total_predictions": len(task["predictions"])}

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [task for task in self.tasks if task["id"] in ids]

    def wait_until_up(self, patience: float) -> None: ...
    def reset_summary(self, project: int) -> None: ...
    def delete_tasks(self, project: int, ids: list[int]) -> None: ...
    def update_project(self, project: int, fields: dict[str, Any]) -> None:
        self.shown = fields["model_version"]


def make_samples(count: int) -> Iterator[Sample]:
    for number in range(count):
        prediction = Annotation(Author.model("m/v1"), (Entity(0, 3, "FIRSTNAME"),))
        yield Sample(f"Ann {number}", "en", annotations=(prediction,), sample_id=f"s{number}")


def push(project: Project, samples: Iterator[Sample], labels: LabelSchema, **options: Any) -> PushReport:
    client: Any = project
    settings = PushOptions(1, batch_size=10, grace=0.0, **options)
    with open_spool() as spool:
        upload = Upload(client, 1, spool, NativeTarget(spool), settings, ignore_progress)
        refused = stream_samples(upload, samples, TaskValidator(labels))
        return push_entries(upload, {"id": 1, "title": "t", "model_version": project.shown}, labels, refused)


def list_ids(project: Project) -> list[str]:
    return [task["data"]["sample_id"] for task in project.tasks]


def test_the_first_import_does_not_wait_for_the_last_sample(labels: LabelSchema) -> None:
    project = Project()
    seen: list[int] = []

    def watch() -> Iterator[Sample]:
        for sample in make_samples(50):
            seen.append(project.imports)
            yield sample

    report = push(project, watch(), labels)
    assert (report.created, report.unchanged, report.refused) == (50, 0, ())
    assert list_ids(project) == [f"s{number}" for number in range(50)]
    assert max(seen) > 0


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_after_an_uncertain_import_each_sample_is_there_once(labels: LabelSchema, number: int, happened: bool) -> None:
    project = Project({number: happened})
    report = push(project, make_samples(45), labels)
    assert sorted(list_ids(project)) == sorted(f"s{n}" for n in range(45))
    assert (report.created, report.unchanged, report.doubtful) == (45, 0, 1)


def test_a_refused_task_is_named_and_the_others_arrive(labels: LabelSchema) -> None:
    project = Project(poison="s13")
    report = push(project, make_samples(30), labels)
    assert [item.sample_id for item in report.refused] == ["s13"]
    assert (report.created, len(project.tasks)) == (29, 29)


@pytest.mark.parametrize(
    ("before", "chosen", "shown"),
    [("", "", "m/v1"), ("m/v0", "", "m/v1"), ("live", "", "live"), ("live", "m/v1", "m/v1"), ("live", "m/v9", "live")],
)
def test_a_live_model_stays_visible_unless_a_version_is_chosen(
    labels: LabelSchema, before: str, chosen: str, shown: str
) -> None:
    project = Project()
    project.shown = before
    report = push(project, make_samples(2), labels, model_version=chosen)
    assert (project.shown, report.model_version) == (shown, shown)


def test_a_project_with_tasks_and_another_order_need_all_samples_first(labels: LabelSchema) -> None:
    project = Project()
    assert push(project, make_samples(12), labels).created == 12
    again = push(project, make_samples(15), labels)
    assert (again.created, again.unchanged) == (3, 12)
    ordered = Project()
    report = push(ordered, make_samples(15), labels, order=Order.UNCERTAINTY)
    assert (report.created, ordered.imports) == (15, 2)
