"""The loop with a real Label Studio: reviews train a model, the next tasks show it, and an audit's queue comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.tasks.store import read_samples, write_samples
from tests.training.tiny_model import TOML, make_labels, make_sample

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytest.importorskip("pycrfsuite")
pytestmark = pytest.mark.walk
LABELS = make_labels()
TITLE = f"loop {uuid.uuid4().hex[:12]}"


class Place:
    """A workspace, and the command line in it."""

    def __init__(self, folder: Path, studio: RunningStudio) -> None:
        self.data = folder / "data"
        self._environment = os.environ | {
            "LABEL_STUDIO_URL": studio.url,
            "LABEL_STUDIO_API_KEY": studio.token,
            "GOLDSPAN_LABELS": str(folder / "labels.toml"),
        }
        self.client = StudioClient(studio.url, studio.token)
        (folder / "labels.toml").write_text(TOML)
        waiting = [replace(make_sample(number), annotations=()) for number in range(90)]
        write_samples(self.data / "annotation_samples" / "run.jsonl", waiting, LABELS)

    def run(self, *arguments: str) -> Any:
        command = [sys.executable, "-m", "goldspan", *arguments, "--data", str(self.data), "--json"]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def iter_tasks(self) -> Iterator[dict[str, Any]]:
        project = self.client.find_project(TITLE)
        assert project is not None
        return self.client.iter_tasks(project["id"], "id,data,predictions,annotations")


def make_result(text: str, gold: dict[str, tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [
        {
            "id": f"r{number}",
            "from_name": "label",
            "to_name": "text",
            "type": "labels",
            "value": {"start": entity.start, "end": entity.end, "labels": [entity.label]},
        }
        for number, entity in enumerate(gold[text])
    ]


def list_versions(task: dict[str, Any]) -> list[str]:
    return [prediction["model_version"] for prediction in task["predictions"]]


def test_reviews_train_a_model_that_the_next_tasks_show(studio: RunningStudio, tmp_path: Path) -> None:
    place = Place(tmp_path, studio)
    gold = {one.text: one.annotations[0].entities for one in (make_sample(number) for number in range(90))}
    batch = tmp_path / "batch.jsonl"
    assert len(place.run("queue", "--size", "70", "--output", str(batch))["entries"]) == 70
    assert place.run("studio", "push", str(batch), "--project", TITLE)["created"] == 70
    tasks = list(place.iter_tasks())
    for task in tasks[:60]:
        submit_review(place.client, task["id"], make_result(task["data"]["text"], gold))
    assert place.run("studio", "pull", "--project", TITLE)["added"] == 60

    round_one = ["--min-test", "5", "--similarity", "1", "--option", "least=0", "--size", "10"]
    done = place.run("loop", "retrain", *round_one, "--push", "--project", TITLE)
    assert done["promoted"], done["verdict"]
    assert done["queued"] == 10
    version = next(iter(read_samples([Path(done["queue"])], LABELS))).predictions[-1].author.name
    after = list(place.iter_tasks())
    waiting = [task for task in after if not task["annotations"]]
    assert len(after) == 80
    assert len(waiting) == 20
    shown = [task for task in waiting if version in list_versions(task)]
    control = [task for task in waiting if task["data"].get("control")]
    assert len(shown) >= 10 + 10 - len(control)
    assert not any(version in list_versions(task) for task in after if task["annotations"])
    assert place.run("loop", "status")["serving"] == done["serving"]
    assert place.run("loop", "retrain", *round_one)["missing"] == 20

    audit = place.run("samples", "audit", "--folds", "2", "--budget", "8")
    place.run("studio", "push", audit["queue"], "--project", TITLE)
    audited = [task for task in place.iter_tasks() if f"audit-{audit['auditor']}" in list_versions(task)]
    assert len(audited) == len(audit["ranking"]) + len(audit["random"])
    assert all(list_versions(task).count(f"audit-{audit['auditor']}") == 1 for task in audited)
