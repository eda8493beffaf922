"""A person walks through the whole platform, is erased, and does not come back by any way."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.privacy.registry import list_unknown
from tests.privacy.canary import FIRST, NAME, grep

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
Run = Callable[..., subprocess.CompletedProcess[str]]
OTHERS = [
    f"Nora{n} Berg{n} lives in Lyon{n}, phone 0151 234567{n}, and keeps {n * 7} bees there." for n in range(10, 22)
]


@pytest.fixture
def run(studio: RunningStudio, tmp_path: Path) -> Run:
    """Commands in the workspace that the walk's server belongs to, by a user with the usual umask."""

    def call(*arguments: str, codes: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "goldspan.cli.main", *arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LABEL_STUDIO")}
        environment |= {"GOLDSPAN_DATA": str(studio.workspace.root), "XDG_CONFIG_HOME": str(tmp_path / "config")}
        ended = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=900)
        assert ended.returncode in codes, (arguments, ended.stdout[-2000:], ended.stderr[-3000:])
        return ended

    return call


def list_open(root: Path) -> list[str]:
    """What another user of the machine could read or enter if the workspace's folder were open."""
    entries = (path for path in root.rglob("*") if stat.S_IMODE(path.lstat().st_mode) & 0o077)
    return [str(path.relative_to(root)) for path in entries]


def test_an_erased_person_stays_erased(studio: RunningStudio, run: Run, tmp_path: Path) -> None:
    root, title = studio.workspace.root, f"privacy {uuid.uuid4().hex[:8]}"
    source = tmp_path / "letters.txt"
    source.write_text("\n".join([*OTHERS, f"{NAME} lives in Lyon, born 3 May 1980."]) + "\n", encoding="utf-8")
    run("annotate", str(source), "--by-line", "--language", "en", "--predictor", "regex")
    run("studio", "push", "--project", title)
    client = StudioClient(studio.url, studio.token)
    project = client.find_project(title)
    assert project is not None
    number = str(project["id"])
    for task in list(client.iter_tasks(project["id"], "id")):
        submit_review(client, task["id"], [])
    run("studio", "pull", "--project", number)
    gold = next((root / "training_samples").glob("privacy*.jsonl"))
    run("bundle", str(gold), "--name", "v1")
    run("hub", "upload", str(gold), "--repo-id", "me/letters", "--dry-run")
    run("generate", "start", "--provider", "offline", "--samples", "4", "--languages", "en", "--run", "paid")
    places = grep(root)
    assert {place.split("/")[0] for place in places} >= {"annotation_samples", "training_samples", "bundles", "studio"}
    assert list(list_unknown(studio.workspace)) == []
    assert list_open(root) == []

    erased = run("privacy", "erase", NAME, "--yes", "--json")
    assert orjson.loads(erased.stdout)["remains"] == []
    assert grep(root) == []

    run("annotate", str(source), "--by-line", "--language", "en", "--predictor", "regex", "--force", codes=(3,))
    run(
        "samples",
        "import",
        str(source),
        "--by-line",
        "--language",
        "en",
        "--output",
        str(root / "annotation_samples" / "again.jsonl"),
        codes=(3,),
    )
    copy = tmp_path / "copy.jsonl"
    run("samples", "convert", str(source), "--language", "en", "--output", str(copy))
    run("studio", "push", str(copy), "--project", title, codes=(3,))
    assert not [task for task in client.iter_tasks(project["id"], "id,data") if FIRST in task["data"]["text"]]
    client.import_tasks(project["id"], [orjson.dumps({"data": {"text": f"{NAME} again, pushed by another tool."}})])
    submit_review(client, max(task["id"] for task in client.iter_tasks(project["id"], "id")), [])
    run("studio", "pull", "--project", number, codes=(0, 3))
    run("generate", "resume", "paid", codes=(0, 1))
    assert [place for place in grep(root) if not place.startswith("studio/data")] == []
    run("privacy", "erase", NAME, "--yes")
    assert grep(root) == []
