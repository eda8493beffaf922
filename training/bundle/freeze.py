"""Freeze the samples of a workspace as a bundle if the gate is open."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import GateClosedError, InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.tasks.store import read_samples
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
    settings: BundleSettings,
    *,
    folder: Path | None = None,
    label_file: Path | None = None,
    extends: str = "",
    despite_gate: bool = False,
    on_error: OnError = lambda _: None,
) -> tuple[Path, dict[str, Any]]:
    """Write a bundle from a workspace that the gate judges first; its folder and manifest.

    Samples of earlier versions keep their split (see `open_lineage`, also for `extends`). `folder` is
    `bundles/<name>` unless given; `label_file` is named in the command that a closed gate advises; `despite_gate`
    goes on though the gate is closed, and the manifest says so; `on_error` gets what is left out.

    Raises:
        InputError: the name cannot be a version's, nothing is reviewed, or there is no bundle to extend.
        RecordError: a sample may not be written.
        GateClosedError: the gate is closed.
        StateError: another version has this name.
    """
    name = check_version_name(settings.name)
    target = folder or workspace.bundles / name
    gate = describe_verdict(judge_workspace(workspace, labels), reviewed_only=settings.reviewed_only)
    if gate.verdict == "closed" and not despite_gate:
        raise GateClosedError(gate.reasons, find_commands(workspace, label_file).on_workspace("goldspan gate"))
    samples = (
        ReviewedSamples(workspace, labels).iter_candidates(on_error)
        if settings.reviewed_only
        else read_samples(workspace.training_samples, labels, on_error)
    )
    with open_lineage(workspace, extends) as lineage:
        return target, write_bundle(target, samples, labels, replace(settings, gate=gate), lineage)
