"""The hand-over: judge the reviewed samples of a workspace, and freeze them as a bundle if the gate is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annotation.errors import StateError
from annotation.labels import LabelSchema
from annotation.workspace import Workspace, check_file_name
from training.bundle import write_bundle
from training.gate import Verdict, judge_workspace
from training.manifest import Gate, Plan
from training.reviewed import ReviewedSamples


def describe_verdict(verdict: Verdict) -> Gate:
    """The verdict as a bundle's manifest records it."""
    reasons = tuple(
        f"{c.name}: found {'nothing' if c.value is None else f'{c.value:g}'}, "
        f"wanted {'at least' if c.at_least else 'at most'} {c.bound:g}"
        for c in verdict.criteria
        if not c.passed
    )
    return Gate("open" if verdict.open else "closed", reasons)


def freeze_version(
    workspace: Workspace, labels: LabelSchema, name: str, *, seed: int = 0
) -> tuple[Path, dict[str, Any]]:
    """Write `bundles/<name>` from the reviewed samples; its folder and manifest.

    Raises:
        InputError: the name cannot be a folder's, or nothing is reviewed.
        StateError: the gate is closed, or another version has this name.

    """
    verdict = judge_workspace(workspace, labels)
    if not verdict.open:
        closed = ", ".join(criterion.name for criterion in verdict.criteria if not criterion.passed)
        raise StateError(f"The gate is closed: {closed}. `goldspan gate` says what mends it.")
    plan = Plan(name, seed=seed, reviewed_only=True, gate=describe_verdict(verdict))
    target = workspace.bundles / check_file_name(name)
    return target, write_bundle(target, ReviewedSamples(workspace, labels), labels, plan)
