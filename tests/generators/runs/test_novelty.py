"""Drafts that repeat what the project has are asked again, differently; in runs that are cut off, too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import escape_text
from goldspan.generators.journal.journal import Journal
from goldspan.generators.offline.model import write_content
from goldspan.generators.providers.credentials import confirm_address
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.pipeline import RunOutcome, draw_brief
from goldspan.generators.runs.public import generate
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.generators.stages.prose import read_conversation, write_message
from tests.generators.scripted import LABELS, ScriptedExecutor, drive_scripted, make_settings

STORY = (
    "The boiler in the cellar has been leaking since spring and nobody answers the telephone of the plumber who came "
    "last year. Please send somebody before the weekend or tell us what to do about it."
)


def answer_dully(request: Request, until: int = 99) -> Answer:
    """The same story for everybody, up to an attempt; then what the offline author makes of the brief."""
    message = read_conversation(request.body["messages"])
    content = write_content(request.body, LABELS)
    if message.stage == "draft" and request.attempt <= until:
        values = "\n".join(f"<{v['label']}>{escape_text(v['value'])}</{v['label']}>" for v in message.brief["values"])
        content = json.dumps({"tagged_text": f"{STORY}\n{values}"})
    return Answer(request.custom_id, content=content, tokens_in=10, tokens_out=10, model="dull")


def get_user(request: Request) -> str:
    return next(message["content"] for message in request.body["messages"] if message["role"] == "user")


def list_novelty(root):
    return [sample.provenance["novelty"] for sample in read_samples([root / "annotation_samples" / "r.jsonl"], LABELS)]


def test_a_repeated_draft_is_asked_again_with_another_direction(tmp_path):
    settings = make_settings(samples=4, languages=("en",), novelty=0.2)
    executor = ScriptedExecutor(lambda request: answer_dully(request, until=1))
    summary = drive_scripted(tmp_path, settings, executor)
    assert summary.outcome is RunOutcome.DONE
    drafts = [request for request in executor.asked if request.stage == "draft"]
    assert Counter(request.attempt for request in drafts) == {1: 4, 2: 3}
    by_item = {request.item: get_user(request) for request in drafts if request.attempt == 1}
    for request in drafts:
        if request.attempt == 2:
            brief = draw_brief(settings, LABELS, request.item, 1)
            first = draw_brief(settings, LABELS, request.item)
            assert brief["values"] == first["values"]
            assert brief["direction"] != first["direction"]
            assert brief["direction"] in get_user(request)
            assert brief["direction"] not in by_item[request.item]
            assert "repeats earlier ones" in get_user(request)
    assert sorted(entry["asked_again"] for entry in list_novelty(tmp_path)) == [0, 1, 1, 1]
    assert all(entry["new_phrases"] > 0.2 for entry in list_novelty(tmp_path))
    assert summary.progress.by_stage["draft"]["repeated"] == 3


def test_attempts_bound_it_and_the_last_draft_is_accepted_with_its_measure(tmp_path):
    settings = make_settings(samples=3, languages=("en",), novelty=0.2, attempts=2)
    executor = ScriptedExecutor(answer_dully)
    summary = drive_scripted(tmp_path, settings, executor)
    assert summary.outcome is RunOutcome.DONE
    assert summary.progress.dead == 0
    assert Counter(r.attempt for r in executor.asked if r.stage == "draft") == {1: 3, 2: 2}
    assert sorted(entry["asked_again"] for entry in list_novelty(tmp_path)) == [0, 1, 1]
    assert min(entry["new_phrases"] for entry in list_novelty(tmp_path)) < 0.2


def test_the_whole_project_counts_and_zero_turns_it_off(tmp_path):
    first = make_settings(samples=1, languages=("en",), novelty=0.2)
    drive_scripted(tmp_path, first, ScriptedExecutor(answer_dully))
    folder = Workspace(tmp_path).training_samples
    folder.mkdir()
    (tmp_path / "annotation_samples" / "r.jsonl").rename(folder / "reviewed.jsonl")
    (tmp_path / "runs" / "r").rename(tmp_path / "runs" / "before")
    executor = ScriptedExecutor(lambda request: answer_dully(request, until=1))
    drive_scripted(tmp_path, make_settings(samples=1, languages=("en",), novelty=0.2, seed=1), executor)
    assert [r.attempt for r in executor.asked if r.stage == "draft"] == [1, 2]
    (tmp_path / "runs" / "r").rename(tmp_path / "runs" / "second")
    executor = ScriptedExecutor(answer_dully)
    drive_scripted(tmp_path, make_settings(samples=2, languages=("en",), seed=2), executor)
    assert [r.attempt for r in executor.asked if r.stage == "draft"] == [1, 1]


def test_a_run_that_was_cut_off_goes_on_with_the_brief_that_it_had_asked(tmp_path):
    settings = make_settings(samples=3, languages=("en",), novelty=0.2)
    drive_scripted(tmp_path, settings, ScriptedExecutor(lambda r: answer_dully(r, until=1), stop_after=3, at_once=1))
    with Journal(tmp_path / "runs" / "r") as journal:
        briefs = {item.item: item.spec for item in journal.iter_items("open")}
    executor = ScriptedExecutor(lambda request: answer_dully(request, until=1))
    drive_scripted(tmp_path, settings, executor)
    varied = [request for request in executor.asked if request.stage == "draft" and request.attempt == 2]
    assert varied
    for request in varied:
        if request.item in briefs and briefs[request.item]["seed"] != settings.seed:
            assert get_user(request).startswith(write_message("draft", briefs[request.item]))
    assert len(list_novelty(tmp_path)) == 3


@pytest.mark.parametrize(("provider", "mode"), [("compatible", "live"), ("doubleword", "batch")])
def test_live_and_in_batches_a_model_that_is_told_writes_something_new(tmp_path, monkeypatch, provider: str, mode: str):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.setenv("GOLDSPAN_API_KEY", "any")
    monkeypatch.setenv("DOUBLEWORD_API_KEY", "any")

    def answer(body: Mapping[str, Any]) -> str:
        is_told = "repeats earlier ones" in body["messages"][-1]["content"]
        request = Request("id", "draft", 0, 2 if is_told else 1, dict(body))
        return answer_dully(request, until=1).content

    profile = find_profile("openai" if mode == "live" else provider)
    made = SimulatorSettings(profile, tmp_path / "provider.db", validation_seconds=0.0)
    with serving(made, writer=answer) as url:
        confirm_address(find_profile(provider), url)
        settings = make_settings(samples=3, languages=("en",), novelty=0.2, provider=provider, mode=mode, api_url=url)
        summary = generate(settings, run="r", data=tmp_path, execution=ExecutionOptions(poll_interval=0.05))
    assert (summary.progress.done, summary.progress.dead) == (3, 0)
    assert summary.progress.by_stage["draft"] == {"ok": 3, "repeated": 2}
    assert sorted(entry["asked_again"] for entry in list_novelty(tmp_path)) == [0, 1, 1]
