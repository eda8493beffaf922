"""Drive the training flow through Metaflow's runner: its lines as they come, and why it failed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from goldspan.annotation.loops import run_sync
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.runs import LAUNCHED, MARK, TrainingRun, find_training_folder

_LINE = re.compile(rf"/(?P<step>\w+)/\d+ \(pid \d+\)\] {MARK}(?P<said>.*)")
_RAISED = re.compile(r"(?:\] |^)(?P<name>(?:\w+\.)*\w*(?:Error|Exception|Interrupt))(?:: (?P<said>.*)|$)")


def run_flow(run: TrainingRun, workspace: Workspace, *, resume: bool, report: Callable[[str], None]) -> str:
    """Run or resume the flow of a training run.

    Args:
        run: the run; its state says where the model goes and which options Metaflow gets.
        workspace: Metaflow keeps its own records in `training/` of it.
        resume: continue after the last finished step, where Metaflow knows the run.
        report: gets a line whenever a step says something.

    Returns:
        Why it failed; empty if it did not.
    """
    return run_sync(_follow(run, workspace, resume, report))


async def _follow(run: TrainingRun, workspace: Workspace, resume: bool, report: Callable[[str], None]) -> str:
    os.environ.setdefault("METAFLOW_USER", "goldspan")
    from metaflow import Runner

    state, root = run.read_state(), find_training_folder(workspace).resolve()
    flow = Path(__file__).with_name("flow.py").resolve()
    options = _split_options(state.get("flow_options", ()))
    origin = str(state.get("flow_run") or "")
    with Runner(str(flow), pylint=False, show_output=False, env={LAUNCHED: "1"}, cwd=str(root), **options) as runner:
        if resume and origin and (root / ".metaflow").is_dir():
            execution = await runner.async_resume(origin_run_id=origin)
        else:
            output = Path(state["output"])
            execution = await runner.async_run(
                inputs=str(run.inputs.resolve()),
                run_folder=str(run.folder.resolve()),
                model_name=run.name,
                previous=str(output.resolve()) if output.is_dir() else "",
                signing_key=state.get("key", ""),
            )
        async for _, line in execution.stream_log("stdout"):
            if match := _LINE.search(line):
                report(f"{match['step']}: {match['said']}")
        await execution.wait(stream=None)
        if execution.status == "successful":
            return ""
        return _explain(execution.stdout + "\n" + execution.stderr)


def _split_options(options: Iterable[str]) -> dict[str, Any]:
    """`--with=kubernetes` and the like as arguments of Metaflow's runner."""
    split: dict[str, Any] = {}
    for option in options:
        name, _, value = option.lstrip("-").partition("=")
        key = {"with": "decospecs"}.get(name, name.replace("-", "_"))
        split[key] = [*split.get(key, []), value] if key == "decospecs" else value
    return split


def _explain(output: str) -> str:
    """The error that a step raised, from what the flow printed."""
    raised = [match for line in output.splitlines() if (match := _RAISED.search(line))]
    if raised:
        known = raised[-1]["name"].startswith("goldspan.")
        return raised[-1]["said"] if known else f"{raised[-1]['name']}: {raised[-1]['said']}"
    return " / ".join(line.strip() for line in output.splitlines() if line.strip())[-600:]
