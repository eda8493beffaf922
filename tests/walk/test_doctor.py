"""Doctor against a real Label Studio in which everything has gone wrong once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.doctor import Diagnosis, Severity, diagnose
from goldspan.annotation.labelstudio.server.process import find_free_port
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.types import Annotation, Author, Entity, Sample

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

LABELS = load_labels()


def make_task(text: str, version: str = "walk-1") -> dict[str, Any]:
    reading = Annotation(Author.model(version), (Entity(0, 3, "FIRSTNAME"),))
    return encode_task(Sample(text, "en", annotations=(reading,)), LABELS)


def create_project(client: StudioClient, title: str, tasks: list[dict[str, Any]], labels: LabelSchema = LABELS) -> int:
    project = int(client.create_project({"title": title, "label_config": build_config(labels)})["id"])
    client.import_tasks(project, [orjson.dumps(task) for task in tasks])
    return project


def list_codes(diagnosis: Diagnosis) -> set[str]:
    return {finding.code for finding in diagnosis.findings if finding.severity is not Severity.OK}


def test_sound_project_has_no_complaint(studio: RunningStudio) -> None:
    client = StudioClient(studio.url, studio.token)
    project = create_project(client, "Doctor sound", [make_task(f"Ann {n}") for n in range(20)])
    client.update_project(project, {"model_version": "walk-1", "show_collab_predictions": True})
    diagnosis = diagnose(studio.workspace, LABELS, project=project)
    assert list_codes(diagnosis) == set()
    assert next(f.message for f in diagnosis.findings if f.code == "size") == "20 tasks, 20 with pre-annotations"
    assert next(f.message for f in diagnosis.findings if f.code == "version").endswith("edition Community")


def test_every_trouble_is_found(studio: RunningStudio) -> None:
    client = StudioClient(studio.url, studio.token)
    outside = make_task("Ann is outside.")
    outside["predictions"][0]["result"][0]["value"]["end"] = 99
    changed = make_task("Ann is here.")
    changed["data"]["text"] = "Ann was here."
    unnamed = make_task("Ann has no id.", "walk-0")
    del unnamed["data"]["sample_id"]
    blank = make_task("Ann is blank.")
    blank["data"]["text"], blank["predictions"] = "   ", []
    tasks = [make_task("Ann twice."), make_task("Ann twice."), outside, changed, unnamed, blank]
    project = create_project(client, "Doctor sick", tasks)
    smaller = LabelSchema(tuple(label for label in LABELS.labels if label.code != "CITY"))
    changes = {"model_version": "walk-0", "label_config": build_config(smaller)}
    client.update_project(project, changes)
    diagnosis = diagnose(studio.workspace, LABELS, project=project)
    assert list_codes(diagnosis) == {
        *("config_drift", "hidden_predictions", "duplicate_samples", "no_text", "text_changed"),
        "unplaced_region",
    }
    assert diagnosis.has_errors
    assert "hidden_predictions" not in list_codes(diagnose(studio.workspace, LABELS, project=project, fix=True))
    assert client.read_project(project)["model_version"] == "walk-1"


def test_no_access_is_told_apart(studio: RunningStudio) -> None:
    assert list_codes(diagnose(studio.workspace, LABELS, project=10**6)) == {"project_missing"}
    assert list_codes(diagnose(studio.workspace, LABELS, token="0" * 40)) == {"token_refused"}
    nobody = f"http://127.0.0.1:{find_free_port()}"
    assert list_codes(diagnose(studio.workspace, LABELS, url=nobody, token="0" * 40)) == {"not_reachable"}
