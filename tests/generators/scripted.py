"""Runs for tests: a workspace, settings, and an executor that answers by a function."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.text.tagged import escape_text
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.protocol import Answer, Executor, Request, RequestQueue
from goldspan.generators.runs.folder import begin_run, open_run
from goldspan.generators.runs.novelty import list_known_files
from goldspan.generators.runs.pipeline import RunAction, Summary, run_pipeline
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.stages.prose import read_conversation

LABELS = load_labels()
Script = Callable[[Request], Answer | None]


def write_content(body: Mapping[str, Any]) -> str:
    """Good content for any stage: the brief's values in a list, nothing to correct."""
    message = read_conversation(body["messages"])
    brief = message.brief
    if message.stage == "draft":
        values = [f"- <{v['label']}>{escape_text(v['value'])}</{v['label']}>" for v in brief["values"]]
        content = {"tagged_text": "\n".join([f"Note {brief['index']}.", *values])}
    elif message.stage == "coreference":
        content = {"chains": []}
    else:
        content = {"proposals": [], "tagged_text": message.tagged_text}
    return json.dumps(content)


def answer_well(request: Request) -> Answer:
    """A good answer."""
    content = write_content(request.body)
    return Answer(request.custom_id, content=content, tokens_in=100, tokens_out=50, model="scripted")


class ScriptedExecutor(Executor):
    """Answers each request by a function; None leaves it unanswered and returns."""

    def __init__(self, script: Script = answer_well, at_once: int = 4, stop_after: int | None = None) -> None:
        self.script, self.at_once, self.stop_after = script, at_once, stop_after
        self.asked: list[Request] = []

    async def run(self, queue: RequestQueue, stop: asyncio.Event) -> None:
        while not stop.is_set() and not queue.finished:
            for request in queue.take(self.at_once):
                if self.stop_after is not None and len(self.asked) >= self.stop_after:
                    return
                self.asked.append(request)
                answer = self.script(request)
                if answer is None:
                    return
                queue.deliver([answer])
            await asyncio.sleep(0)


def make_settings(**changes: object) -> RunSettings:
    return RunSettings(
        **{"provider": "compatible", "samples": 6, "model": "m", "languages": ("en", "de"), "novelty": 0, **changes}
    )


def drive_scripted(
    root: Path,
    settings: RunSettings,
    executor: ScriptedExecutor,
    *,
    action: RunAction = RunAction.GO,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    prices: Prices | None = None,
) -> Summary:
    workspace = Workspace(root)
    known = list_known_files(workspace, workspace.annotation_samples / "r.jsonl")
    folder = begin_run(workspace, settings, LABELS, "r")
    run = open_run(folder)
    with run.journal:
        budget = Budget(prices or Prices(), max_cost, max_tokens, run.journal.sum_totals(), run.journal.sum_outputs())
        path = workspace.annotation_samples / "r.jsonl"
        return asyncio.run(run_pipeline(run, executor, path, budget, asyncio.Event(), action, known))
