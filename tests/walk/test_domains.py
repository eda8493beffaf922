"""Other domains than personal data, from `goldspan init` to a frozen bundle, in a real Label Studio."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.project.review import submit_review
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

[labels.SAMPLE_ID]
name = "Sample number"
kind = "none"
chance = 0.9
values = "pattern"
pattern = "SMP-[0-9]{4}"

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
            [sys.executable, "-m", "goldspan.cli.main", *arguments],
            cwd=self.folder, env=variables | self.server, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == expected, done.stdout + done.stderr
        self.printed += done.stdout + done.stderr
        return done.stdout

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


def test_a_schema_that_no_file_of_ours_names(studio: RunningStudio, tmp_path: Path) -> None:
    """Own labels, own mention kinds, values by pattern and by the model; then a rename that reaches Label Studio."""
    team = Team(tmp_path, LABEL_STUDIO_URL=studio.url, LABEL_STUDIO_API_KEY=studio.token)
    (tmp_path / "labels.toml").write_text(OWN)
    team.run("init", ".", "--template", "blank", "--name", "Skin clinic")
    team.run("generate", "start", "--samples", "20", "--seed", "2")
    pushed = team.run_json("studio", "push")
    assert pushed["created"] == 20
    client = StudioClient(studio.url, studio.token)
    review_all(client, pushed["project"])
    team.run("studio", "pull", "--project", "Skin clinic")
    shown = team.run("samples", "stats", "data/training_samples")
    assert "DISEASE" in shown
    assert "SAMPLE_ID" in shown
    plan = team.run_json("labels", "rename", "SAMPLE_ID", "SPECIMEN_ID")
    assert plan["studio"] is True
    team.run("labels", "rename", "SAMPLE_ID", "SPECIMEN_ID", "--apply")
    used = {
        label
        for task in client.iter_tasks(pushed["project"], include=PULL_FIELDS)
        for part in ("predictions", "annotations")
        for item in task.get(part, ())
        for region in item["result"]
        for label in (region.get("value") or {}).get("labels", ())
    }
    assert "SPECIMEN_ID" in used
    assert "SAMPLE_ID" not in used
    assert 'value="SPECIMEN_ID"' in client.read_project(pushed["project"])["label_config"]
    pulled = team.run_json("studio", "pull", "--project", "Skin clinic", "--full")
    assert not pulled["conflicts"]
    assert "SPECIMEN_ID" in (tmp_path / "labels.toml").read_text()
    assert "SAMPLE_ID" not in (tmp_path / "labels.toml").read_text()
