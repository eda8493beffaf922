"""Freeze the reviewed samples of a workspace as a bundle if the gate is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError
from goldspan.annotation.tasks.workspace import Workspace, check_file_name
from goldspan.training.bundle.lineage import open_lineage
from goldspan.training.bundle.manifest import BundleSettings, GateRecord
from goldspan.training.bundle.write import write_bundle
from goldspan.training.gate.commands import find_commands
from goldspan.training.gate.judge import judge_workspace
from goldspan.training.gate.reviewed import ReviewedSamples
from goldspan.training.gate.verdict import GateVerdict, show_bound, show_found


def describe_verdict(verdict: GateVerdict, *, reviewed_only: bool = True) -> GateRecord:
    """The verdict as a bundle's manifest records it; an open gate does not cover unreviewed samples."""
    if verdict.open and not reviewed_only:
        return GateRecord("not_asked", ("The gate judged the reviewed samples only; --all takes the others too.",))
    reasons = [
        f"{c.name}: found {'nothing' if c.value is None else show_found(c)}, wanted {show_bound(c)}"
        for c in verdict.closed
    ]
    return GateRecord("open" if verdict.open else "closed", (*reasons, *(() if verdict.open else verdict.notes)))


def check_version_name(name: str) -> str:
    """The name, if a version can have it.

    Raises:
        InputError: it cannot be a folder's, or a blank stands at one of its ends.

    """
    if name != name.strip():
        raise InputError(f"{name[:120]!r} begins or ends with a blank; a version's name cannot. Leave the blank out.")
    return check_file_name(name)


def freeze_version(
    workspace: Workspace,
    labels: LabelSchema,
    name: str,
    *,
    seed: int = 0,
    extends: str = "",
    on_error: OnError = lambda _: None,
) -> tuple[Path, dict[str, Any]]:
    """Write `bundles/<name>` from the reviewed samples; its folder and manifest. `on_error` gets what is left out.

    Samples of earlier versions keep their split (see `open_lineage`, also for `extends`).

    Raises:
        InputError: the name cannot be a version's, nothing is reviewed, or there is no bundle to extend.
        RecordError: a sample may not be written.
        StateError: the gate is closed, or another version has this name.

    """
    target = workspace.bundles / check_version_name(name)
    verdict = judge_workspace(workspace, labels)
    if not verdict.open:
        closed = ", ".join(criterion.name for criterion in verdict.closed) or " ".join(verdict.notes)
        fix = find_commands(workspace).on_workspace("goldspan gate")
        raise StateError(f"The gate is closed: {closed.rstrip('.')}. `{fix}` shows how to fix it.")
    plan = BundleSettings(name, seed=seed, reviewed_only=True, gate=describe_verdict(verdict))
    with open_lineage(workspace, extends) as lineage:
        samples = ReviewedSamples(workspace, labels).iter_candidates(on_error)
        return target, write_bundle(target, samples, labels, plan, lineage)
