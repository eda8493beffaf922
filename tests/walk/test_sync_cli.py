"""`goldspan studio push|pull|migrate` as a person runs them: what they print, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.tasks.store import write_samples
from tests.walk.sync_samples import make_samples

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path, labels: LabelSchema) -> Path:
    file = tmp_path / "annotation_samples" / "run.jsonl"
    write_samples(file, make_samples(6), labels)
    return tmp_path


@pytest.fixture
def run(studio: RunningStudio, folder: Path) -> Run:
    def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token, **variables}
        command = [sys.executable, "-m", "goldspan", "studio", *arguments, "--data", str(folder)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)

    return call


@pytest.fixture
def title() -> str:
    return f"cli {uuid.uuid4().hex[:12]}"


def test_push_and_pull(run: Run, studio: RunningStudio, folder: Path, title: str) -> None:
    plan = run("push", "--project", title, "--dry-run", "--json")
    assert (plan.returncode, orjson.loads(plan.stdout)["created"]) == (0, 6)
    pushed = run("push", "--project", title)
    assert (pushed.returncode, "created" in pushed.stdout) == (0, True)
    client = StudioClient(studio.url, studio.token)
    project = client.find_project(title)
    assert project is not None
    submit_review(client, next(iter(client.iter_tasks(project["id"], "id")))["id"], [])
    pulled = run("pull", "--project", str(project["id"]), "--json")
    report = orjson.loads(pulled.stdout)
    assert (pulled.returncode, report["added"], report["empty"]) == (0, 1, 1)
    assert Path(report["file"]).parent == folder / "training_samples"


def test_broken_lines_are_named_and_the_good_ones_go_on(run: Run, folder: Path, title: str) -> None:
    file = folder / "annotation_samples" / "run.jsonl"
    file.write_bytes(file.read_bytes() + b'{"data": {"text": "half a li')
    ended = run("push", "--project", title, "--json")
    assert (ended.returncode, orjson.loads(ended.stdout)["created"]) == (3, 6)
    assert "run.jsonl:7" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        (["pull"], {"LABEL_STUDIO_API_KEY": "wrong"}, "does not accept the token"),
        (["pull"], {"LABEL_STUDIO_URL": "http://127.0.0.1:9"}, "does not answer"),
        (["pull", "--project", "987654"], {}, "not found"),
        (["pull", "--project", "No such title"], {}, "no project titled"),
        (["push", "--order", "alphabet"], {}, "uncertainty"),
        (["push", "nowhere.jsonl"], {}, "nowhere.jsonl"),
        (["migrate", "--rename", "X"], {}, "OLD=NEW"),
        (["pull", "--policy", "goldish"], {}, "gold"),
    ],
)
def test_what_is_wrong_fits_on_one_screen(
    run: Run, arguments: list[str], variables: dict[str, str], words: str
) -> None:
    ended = run(*arguments, **variables)
    assert ended.returncode in (1, 2)
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) < 24


def test_migrate_plans_first(run: Run, studio: RunningStudio, folder: Path, title: str) -> None:
    assert run("push", "--project", title).returncode == 0
    ended = run("migrate", "--project", title)
    assert (ended.returncode, "nothing to do" in ended.stderr) == (0, True)
    schema = Path(__file__).parents[2] / "schemas" / "labels.toml"
    smaller = folder / "labels.toml"
    smaller.write_text(schema.read_text().replace("[labels.CITY]", "[labels.TOWN]"))
    planned = run("migrate", "--project", title, "--labels", str(smaller))
    assert (planned.returncode, "CITY" in planned.stderr) == (1, True)
    rules = ("--rename", "CITY=TOWN", "--labels", str(smaller))
    assert run("migrate", "--project", title, *rules, "--plan").returncode == 0
    applied = run("migrate", "--project", title, *rules, "--apply", "--json")
    assert (applied.returncode, orjson.loads(applied.stdout)["rewritten"]["predictions"]) == (0, 6)
