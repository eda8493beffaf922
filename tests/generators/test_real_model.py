"""The pipeline on a real model's output: `GOLDSPAN_MODEL_URL=http://127.0.0.1:8000/v1 pytest -m model`.

Any server of chat completions will do, with weights as small as SmolLM2-135M: it checks the mechanics, not quality.
"""

from __future__ import annotations

import os

import pytest

from annotation.store import read_samples
from annotation.workspace import Workspace
from generators.driving import drive_run
from generators.executors import Working
from generators.runs import begin_run
from tests.generators.scripted import LABELS, make_settings

URL = os.environ.get("GOLDSPAN_MODEL_URL", "")
pytestmark = [pytest.mark.model, pytest.mark.skipif(not URL, reason="GOLDSPAN_MODEL_URL names no server")]


def test_every_item_ends_as_a_sample_or_as_a_dead_letter_with_its_reason(tmp_path):
    model = os.environ.get("GOLDSPAN_MODEL_NAME", "default")
    settings = make_settings(samples=2, attempts=1, api_url=URL, model=model, max_tokens=100, languages=("en",))
    workspace = Workspace(tmp_path)
    folder = begin_run(workspace, settings, LABELS, "real")
    summary = drive_run(workspace, folder, working=Working(max_workers=1))
    assert summary.progress.done + summary.progress.dead == 2
    assert summary.progress.tokens_out > 0
    assert len(list(read_samples([summary.samples], LABELS))) == summary.written.samples
