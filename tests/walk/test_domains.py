"""Other domains than personal data, from `goldspan init` to a frozen bundle, in a real Label Studio."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.tasks.jsonl import read_records
from tests.waiting import wait_until
from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk

OWN = """\
version = 1
relations = ["refers-to"]

[labels.DISEASE]
name = "Disease"
kind = "none"
chance = 0.9
values = "model"
examples = ["psoriasis", "glaucoma"]
right = ["Signs of <DISEASE>psoriasis</DISEASE> were seen."]

[labels.ORDER_ID]
name = "Laboratory order"
kind = "none"
chance = 0.9
values = "pattern"
pattern = "LAB/[0-9]{4}"

[mentions.NAME]
name = "Name"

[mentions.ANAPHOR]
name = "Anaphor"
"""


class Team:
    """A team with a project folder; runs commands in it, as on a machine of its own."""

    def __init__(self, folder: Path, **server: str) -> None:
        self.folder, self.server = folder, server
        self.printed = ""

    def run(self, *arguments: str, expected: int = 0) -> str:
        variables = {name: value for name, value in os.environ.items()
                     if not name.startswith(("GOLDSPAN_", "LABEL_"))}  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "goldspan", *arguments],
            cwd=self.folder, env=variables | self.server, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == expected, done.stdout + done.stderr
        self.printed += done.stdout + done.stderr
        return done.stdout

    def run_error(self, *arguments: str) -> str:
        """What a command that refuses says."""
        before = len(self.printed)
        self.run(*arguments, expected=1)
        return self.printed[before:]

    def run_json(self, *arguments: str, expected: int = 0) -> Any:
        return orjson.loads(self.run(*arguments, "--json", expected=expected))


def review_all(client: StudioClient, project: int) -> int:
    """A person submits every task as it was pre-annotated; how many."""
    count = 0
    for task in client.iter_tasks(project, include="id,predictions"):
        prediction = task["predictions"][0]
        submit_review(client, task["id"], prediction["result"], parent_prediction=prediction, lead_time=30.0)
        count += 1
    return count


def write_gate(team: Team) -> None:
    """A gate that a handful of samples can pass."""
    (team.folder / "data" / "gate.toml").write_text("[samples]\nreviewed = 10\n[lint]\nerrors = 0\n")


@pytest.mark.parametrize("template", ["support", "biomedical"])
def test_a_template_goes_from_init_to_a_bundle(studio: RunningStudio, tmp_path: Path, template: str) -> None:
    server = {"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token}
    team = Team(tmp_path, **server)
    team.run("init", ".", "--template", template, "--name", f"Walk {template}")
    team.run("labels", "check", "--strict")
    if template == "support":
        (tmp_path / "ticket.txt").write_text("Order ORD-123456 of the Vento X2 is late, said E-00417.")
        team.run("annotate", "ticket.txt", "--language", "en")
        assert "<ORDER_ID>ORD-123456<" in team.run("samples", "show", "data/annotation_samples", "--tagged")
    team.run("generate", "start", "--samples", "24", "--seed", "4")
    team.run("samples", "check", "data/annotation_samples")
    pushed = team.run_json("studio", "push")
    assert pushed["title"] == f"Walk {template}"
    assert pushed["created"] == 24 + (template == "support")
    client = StudioClient(studio.url, studio.token)
    instructions = client.read_project(pushed["project"])["expert_instruction"]
    assert review_all(client, pushed["project"]) == pushed["created"]
    pulled = team.run_json("studio", "pull", "--project", str(pushed["project"]))
    assert pulled["total"] == pushed["created"]
    write_gate(team)
    team.run("gate")
    team.run("evaluate", str(pulled["file"]), "--predictor", "schema")
    assert team.run_json("bundle", "--name", "v1")["manifest"]["gate"]["verdict"] == "open"
    if template == "biomedical":
        for text in (team.printed, instructions):
            assert not re.search(r"personal|sensitive|\bPII\b", text, re.IGNORECASE), text


@contextlib.contextmanager
def run_simulator(team: Team) -> Iterator[str]:
    """`goldspan simulate` with the team's labels; its address."""
    log = team.folder / "simulate.log"
    command = [sys.executable, "-m", "goldspan", "simulate", "--port", "0"]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=team.folder, stdout=stream, stderr=stream)
    try:
        wait_until(lambda: process.poll() is not None or "http://" in log.read_text())
        yield re.findall(r"http://\S+", log.read_text())[0]
    finally:
        process.kill()
        process.wait()


def find_values(file: Path, label: str) -> list[str]:
    """The values that samples hold of a label."""
    tasks = [record.value for record in read_records(file)]
    results = [
        item["result"] for task in tasks for name in ("predictions", "annotations") for item in task.get(name, ())
    ]
    values = [region.get("value") or {} for result in results for region in result]
    return [value["text"] for value in values if label in value.get("labels", ())]


def test_a_schema_that_no_file_of_ours_names(studio: RunningStudio, tmp_path: Path) -> None:
    """Own labels, own mention kinds, values by pattern and by the model; then a rename that reaches everything."""
    team = Team(tmp_path, LABEL_STUDIO_URL=studio.url, LABEL_STUDIO_API_KEY=studio.token)
    (tmp_path / "labels.toml").write_text(OWN)
    team.run("init", ".", "--template", "blank", "--name", "Skin clinic")
    with run_simulator(team) as url:
        options = ("--provider", "compatible", "--api-url", url, "--model", "m", "--mode", "live", "--seed", "2")
        generated = team.run_json("generate", "start", "--samples", "20", *options)
    file = tmp_path / generated["samples_file"]
    diseases = find_values(file, "DISEASE")
    assert len(diseases) >= 10
    assert not {"psoriasis", "glaucoma"} & set(diseases)
    with sqlite3.connect(next((tmp_path / "data" / "runs").glob("*/journal.db"))) as journal:
        briefs = " ".join(spec for (spec,) in journal.execute("SELECT spec FROM item"))
    assert not any(f'"{disease}"' in briefs for disease in diseases)
    (tmp_path / "note.txt").write_text("The result of LAB/0417 is back; LAB/41 is no order.")
    team.run("annotate", "note.txt", "--language", "en", "--predictor", "schema")
    assert find_values(tmp_path / "data" / "annotation_samples" / "note-schema.jsonl", "ORDER_ID") == ["LAB/0417"]
    pushed = team.run_json("studio", "push")
    assert pushed["created"] == generated["written"] + 1
    client = StudioClient(studio.url, studio.token)
    review_all(client, pushed["project"])
    team.run("studio", "pull", "--project", "Skin clinic")
    write_gate(team)
    assert team.run_json("bundle", "--name", "v1")["manifest"]["gate"]["verdict"] == "open"
    plan = team.run_json("labels", "rename", "ORDER_ID", "SPECIMEN_ID")
    assert plan["studio"] is True
    team.run("labels", "rename", "ORDER_ID", "SPECIMEN_ID", "--apply")
    used = {
        label
        for task in client.iter_tasks(pushed["project"], include=PULL_FIELDS)
        for part in ("predictions", "annotations")
        for item in task.get(part, ())
        for region in item["result"]
        for label in (region.get("value") or {}).get("labels", ())
    }
    assert "SPECIMEN_ID" in used
    assert "ORDER_ID" not in used
    assert 'value="SPECIMEN_ID"' in client.read_project(pushed["project"])["label_config"]
    pulled = team.run_json("studio", "pull", "--project", "Skin clinic", "--full")
    assert not pulled["conflicts"]
    assert "SPECIMEN_ID" in (tmp_path / "labels.toml").read_text()
    assert "ORDER_ID" not in (tmp_path / "labels.toml").read_text()
    team.run("bundle", "--verify", "data/bundles/v1-r1")
    assert "v1-r1" in team.run_error("bundle", "--verify", "data/bundles/v1")
