"""The whole way as a user goes it, by the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import goldspan.schemas as schemas
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.tasks.codec import read_task, validate_task
from goldspan.annotation.tasks.jsonl import read_records

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

MEDICAL_RECORD_NUMBER = """
[labels.MEDICAL_RECORD_NUMBER]
name = "Medical Record Number"
color = "#00acc1"
chance = 0.9
hints = ["Use formats like MRN-123456 or various hospital ID formats"]
"""


def run(folder: Path, *arguments: str, **environment: str) -> str:
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDSPAN_DATA", "LABEL_"))}
    done = subprocess.run(
        [sys.executable, "-m", "goldspan", *arguments],
        cwd=folder,
        env=variables | environment,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_label_goes_from_one_edit_to_a_pushed_task(studio: RunningStudio, tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_bytes(schemas.path("labels.toml").read_bytes() + MEDICAL_RECORD_NUMBER.encode())
    use = {"GOLDSPAN_LABELS": str(file)}
    assert '<Label value="MEDICAL_RECORD_NUMBER"' in run(tmp_path, "labels", "config", **use)
    assert "B-MEDICAL_RECORD_NUMBER" in run(tmp_path, "labels", "config", "--as", "bio", **use)
    run(tmp_path, "generate", "start", "--samples", "12", "--languages", "en,fr", "--seed", "5", **use)
    run(tmp_path, "samples", "check", "data/annotation_samples", **use)
    server = {"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token}
    report = orjson.loads(run(tmp_path, "studio", "push", "--project", "New label", "--json", **use, **server))
    assert report["created"] == 12
    client = StudioClient(studio.url, studio.token)
    project = client.read_project(report["project"])
    assert "MEDICAL_RECORD_NUMBER" in project["label_config"]
    (written,) = (tmp_path / "data" / "annotation_samples").glob("*.jsonl")
    pushed = count_regions(client.iter_tasks(report["project"], include="id,predictions"), "MEDICAL_RECORD_NUMBER")
    assert pushed == count_regions((record.value for record in read_records(written)), "MEDICAL_RECORD_NUMBER")
    assert pushed >= 3


def count_regions(tasks: Iterable[Mapping[str, Any]], label: str) -> int:
    """How many regions of the tasks' predictions have the label."""
    regions = (region for task in tasks for prediction in task["predictions"] for region in prediction["result"])
    return sum(region.get("value", {}).get("labels") == [label] for region in regions)


def test_a_thousand_offline_samples_hold_everywhere(tmp_path: Path, labels: LabelSchema) -> None:
    from datasets import load_dataset
    from label_studio_sdk.label_interface import LabelInterface

    run(tmp_path, "generate", "start", "--samples", "1000", "--languages", "en,de,fr,es,nl,da", "--seed", "11")
    (file,) = (tmp_path / "data" / "annotation_samples").glob("*.jsonl")
    interface = LabelInterface(build_config(load_labels()))
    skeletons: dict[str, int] = {}
    tasks = [record.value for record in read_records(file)]
    assert len(tasks) >= 990
    for task in tasks:
        assert validate_task(task, labels) == []
        prediction = task["predictions"][0]
        assert interface.validate_prediction(prediction, return_errors=True) == []
        reading = read_task(task, labels)
        assert reading.issues == []
        for region in prediction["result"]:
            if region["type"] == "labels":
                value = region["value"]
                assert task["data"]["text"][value["start"] : value["end"]] == value["text"]
        skeleton = make_own_skeleton(task)
        skeletons[skeleton] = skeletons.get(skeleton, 0) + 1
    assert max(skeletons.values()) <= 10
    rows = load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert rows.num_rows == len(tasks)
    assert rows[0]["data"]["text"] == tasks[0]["data"]["text"]


def make_own_skeleton(task: dict[str, Any]) -> str:
    """Replace entities by labels, written without the project's own function."""
    text = task["data"]["text"]
    regions = [r["value"] for r in task["predictions"][0]["result"] if r.get("from_name") == "label"]
    for value in sorted(regions, key=lambda value: -value["start"]):
        text = f"{text[: value['start']]}<{value['labels'][0]}>{text[value['end'] :]}"
    return text


def test_the_demo_ends_well(studio_environment: None, tmp_path: Path) -> None:
    no_encoders = {"GOLDSPAN_ENCODERS": str(tmp_path / "none")}
    output = run(tmp_path, "demo", "--exit", "--train", "--samples", "36", "--data", "demo", **no_encoders)
    assert "http://127.0.0.1:" in output
    [model] = (tmp_path / "demo" / "models").iterdir()
    assert (model / "quantized.sig").is_file()
    assert model.name in output
    reviewed = list(read_records(tmp_path / "demo" / "training_samples" / "goldspan-demo.jsonl"))
    assert len(reviewed) == 9
    assert all(record.value["annotations"][0]["parent_prediction"] for record in reviewed)
