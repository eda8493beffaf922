"""`goldspan.push` and `goldspan.pull`, and the example that uses them, in a real Label Studio."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import goldspan
from goldspan import aio
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from tests.walk.conftest import RunningStudio

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "label_studio_project.py"

pytestmark = pytest.mark.walk


def review_all(studio: RunningStudio, project: int) -> None:
    """A person submits every pre-annotation unchanged."""
    client = StudioClient(studio.url, studio.token)
    for task in client.iter_tasks(project, include="id,predictions"):
        prediction = task["predictions"][0]
        submit_review(client, task["id"], prediction["result"], parent_prediction=prediction, lead_time=12.0)


def test_samples_go_and_come_back_also_where_a_loop_is_running(
    studio: RunningStudio, labels: LabelSchema, tmp_path: Path
) -> None:
    access = {"labels": labels, "data": tmp_path, "url": studio.url, "token": studio.token}

    async def cell() -> None:
        texts = [f"Write to person{number}@example.org" for number in range(3)]
        samples = [goldspan.Sample(text, "en") for text in texts]
        annotated = list(goldspan.annotate(samples, goldspan.open_predictor("regex", labels)))
        pushed = goldspan.push(annotated, "Public API", **access)
        assert (pushed.created, pushed.refused) == (3, ())
        again = await aio.push(annotated, "Public API", **access)
        assert (again.created, again.unchanged) == (0, 3)
        await asyncio.to_thread(review_all, studio, pushed.project)
        pulled = goldspan.pull("Public API", **access)
        assert (pulled.project, pulled.total) == (pushed.project, 3)
        assert (await aio.pull("Public API", **access)).total == 3
        reviewed = list(goldspan.read_samples(pulled.file, labels))
        assert sorted(sample.text for sample in reviewed) == texts
        assert all(sample.best in sample.reviews for sample in reviewed)

    asyncio.run(cell())


def test_the_example_shows_what_annotators_made_of_the_samples(studio: RunningStudio, tmp_path: Path) -> None:
    environment = os.environ | {"LABEL_STUDIO_URL": studio.url, "LABEL_STUDIO_API_KEY": studio.token}
    command = [sys.executable, EXAMPLE, "Example project", tmp_path / "data"]

    def run() -> str:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    first = run()
    assert "1 new tasks, 0 known" in first
    assert "0 reviewed samples" in first
    review_all(studio, int(first.split()[1].rstrip(":")))
    second = run()
    assert "0 new tasks, 1 known" in second
    assert "correct, correct" in second
