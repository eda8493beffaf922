"""Change labels everywhere: schema, samples, gold and Label Studio, bundles, results, runs and the audit ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.rename import ChangePlan, LabelChange, apply_change, plan_change
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.relabel.audits import AuditPart
from goldspan.training.relabel.bundles import BundlePart
from goldspan.training.relabel.effects import Effect
from goldspan.training.relabel.results import ResultPart
from goldspan.training.relabel.runs import RunPart


@dataclass(frozen=True, slots=True)
class ProjectChangePlan:
    """What a change would touch: files of samples, and everything else that carries labels."""

    samples: ChangePlan
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class ProjectChange:
    """What a change has done: the plan that it carried out, the folder of the backup, and what became of bundles."""

    plan: ProjectChangePlan
    backup: Path
    bundles: tuple[Effect, ...]


def plan_label_change(workspace: Workspace, label_file: Path, change: LabelChange) -> ProjectChangePlan:
    """What a change would touch; nothing is written.

    Raises:
        StateError: another change was interrupted; it has to be finished first.
    """
    samples = plan_change(workspace, change)
    labels = load_labels(label_file)
    is_done = not samples.pending and not any(label in labels for label in change.retired)
    effects = (
        *([] if is_done else BundlePart(workspace).plan(samples.before or labels.fingerprint)),
        *ResultPart(workspace).plan(change),
        *RunPart(workspace).plan(change),
        *AuditPart(workspace).plan(change),
    )
    return ProjectChangePlan(samples, effects)


def change_labels(
    workspace: Workspace, label_file: Path, change: LabelChange, migrate: Callable[[], object] | None = None
) -> ProjectChange:
    """Carry out a change of labels, or finish an interrupted one.

    Args:
        workspace: the workspace.
        label_file: the project's label schema.
        change: what becomes of which label.
        migrate: changes the Label Studio project; called while the schema holds old and new labels.

    Raises:
        StateError: another change was interrupted, a run is at work, or the disk refused.
        SchemaError: the label schema would no longer be valid. Nothing is changed then.
    """
    plan = plan_label_change(workspace, label_file, change)
    bundles = BundlePart(workspace)
    parts = (AuditPart(workspace), RunPart(workspace), ResultPart(workspace), bundles)
    backup = apply_change(workspace, label_file, change, migrate, parts)
    return ProjectChange(plan, backup, tuple(bundles.effects))
