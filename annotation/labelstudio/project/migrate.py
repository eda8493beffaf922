"""Migrate a project to a changed label schema: annotations and predictions first, the config last.

Label Studio allows the removal of a label that is in use, and its own count of labels in use is wrong, so uses are
counted here, in every annotation, draft and prediction. A migration can be interrupted and run again at any point:
the config is first extended to hold old and new labels, results are rewritten one by one, and the config becomes the
schema's once no old label is in use.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.files import AtomicFile, write_atomic
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.api.progress import Progress, ignore_progress, report_stage
from goldspan.annotation.labelstudio.project.config import build_config, build_instructions, compare_config
from goldspan.annotation.labelstudio.project.find import require_project
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, relabel_result
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.workspace import Workspace

_PARTS = ("annotations", "drafts", "predictions")
_LAYERS = {"label": "entity", "mention": "mention"}


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """What a migration would do.

    `added` labels are new in the project, `retired` ones leave it. `uses` counts the regions of every retired or
    ruled label. `missing` are retired labels in use that no rule covers: with them, nothing is applied.
    """

    project: int
    title: str
    added: tuple[str, ...]
    retired: tuple[str, ...]
    uses: dict[str, int]
    tasks: int
    results: int
    missing: tuple[str, ...]
    up_to_date: bool


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a migration did. `backup` holds the config, every task as it was before, and this report."""

    plan: MigrationPlan
    rewritten: dict[str, int] = field(default_factory=dict)
    backup: Path | None = None


def plan_migration(
    client: StudioClient,
    project: int | str,
    labels: LabelSchema,
    rules: RelabelRules,
    progress: Progress = ignore_progress,
) -> MigrationPlan:
    """Compare the project with the label schema and count what the rules would touch.

    Raises:
        ConfigurationError: the project's controls are not Goldspan's, so that its labels cannot be migrated.
        InputError, TerminalServiceError: there is no such project.
    """
    found = require_project(client, project)
    drift = compare_config(labels, found["label_config"])
    strange = [entry for entry in (*drift.added, *drift.removed) if entry.startswith(("control ", "text "))]
    if strange or drift.changed:
        raise ConfigurationError(
            f"Project {found['id']} was not set up by Goldspan ({', '.join((*strange, *drift.changed))}); "
            "its controls cannot be migrated. Push to a new project instead."
        )
    retired = tuple(entry.split(" ", 1)[1] for entry in drift.removed if entry.split(" ", 1)[0] in _LAYERS)
    watched = rules.sources | set(retired)
    uses: Counter[str] = Counter()
    tasks = results = 0
    for task in _iter_tasks(client, found["id"], progress, "counting"):
        uses.update(label for label in _iter_labels(task) if label in watched)
        touched = sum(1 for _ in _iter_rewrites(task, rules, labels))
        tasks += touched > 0
        results += touched
    return MigrationPlan(
        project=found["id"],
        title=found["title"],
        added=drift.added,
        retired=retired,
        uses=dict(uses),
        tasks=tasks,
        results=results,
        missing=tuple(label for label in retired if uses[label] and label not in rules.sources),
        up_to_date=not drift and not results,
    )


def apply_migration(
    client: StudioClient,
    workspace: Workspace,
    project: int | str,
    labels: LabelSchema,
    rules: RelabelRules,
    progress: Progress = ignore_progress,
) -> MigrationReport:
    """Apply the migration; run it again after an interruption.

    Raises:
        ConfigurationError: a label in use would go without a rule, or is still in use after the rewriting.
        TransientServiceError: Label Studio does not answer; run it again.
    """
    number = require_project(client, project)["id"]
    with hold_lock(f"push {client.url} {number}"):
        plan = plan_migration(client, number, labels, rules, progress)
        if plan.missing:
            counts = ", ".join(f"{label} ({plan.uses[label]})" for label in plan.missing)
            raise ConfigurationError(
                f"These labels are in use and would be lost: {counts}. Say what becomes of each with --rename, "
                "--remove or a rules file."
            )
        if plan.up_to_date:
            return MigrationReport(plan)
        backup = _write_backup(client, workspace, plan, progress)
        client.update_project(number, {"label_config": build_config(_join_labels(client, number, labels))})
        rewritten = _rewrite(client, plan, labels, rules, progress)
        left = plan_migration(client, number, labels, rules, progress)
        if left.missing or left.results:
            raise ConfigurationError("Somebody used an old label meanwhile. Run the migration again.")
        config = {"label_config": build_config(labels), "expert_instruction": build_instructions(labels)}
        client.update_project(number, config)
        report = MigrationReport(plan, rewritten, backup)
        fields = asdict(report) | {"backup": str(backup), "schema": labels.fingerprint}
        write_atomic(backup / "report.json", orjson.dumps(fields, option=orjson.OPT_INDENT_2))
        return report


def _iter_tasks(client: StudioClient, project: int, progress: Progress, stage: str) -> Iterator[dict[str, Any]]:
    tasks = client.iter_tasks(project, PULL_FIELDS, page_size=500, advance=report_stage(progress, stage))
    return map(client.fill_drafts, tasks)


def _iter_labels(task: dict[str, Any]) -> Iterator[str]:
    for part in _PARTS:
        for item in task.get(part, ()):
            for region in item.get("result") or ():
                if region.get("type") != "relation":
                    yield from (region.get("value") or {}).get("labels") or ()


def _iter_rewrites(
    task: dict[str, Any], rules: RelabelRules, labels: LabelSchema
) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    text = str(task["data"].get("text") or "")
    for part in _PARTS:
        for item in task.get(part, ()):
            if (result := relabel_result(text, item.get("result") or (), rules, labels)) is not None:
                yield part, item["id"], result


def _write_backup(client: StudioClient, workspace: Workspace, plan: MigrationPlan, progress: Progress) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = workspace.studio / "backups" / f"project-{plan.project}-{stamp}"
    config = client.read_project(plan.project)["label_config"]
    write_atomic(folder / "config.xml", config.encode())
    with AtomicFile(folder / "tasks.jsonl") as stream:
        for task in _iter_tasks(client, plan.project, progress, "backing up"):
            stream.write(orjson.dumps(task, option=orjson.OPT_APPEND_NEWLINE))
    return folder


def _join_labels(client: StudioClient, project: int, labels: LabelSchema) -> LabelSchema:
    """The schema, extended by the project's other labels."""
    entries = [entry.split(" ", 1) for entry in compare_config(labels, _read_config(client, project)).removed]
    old = [Label(code, code, layer=_LAYERS[kind]) for kind, code in entries if kind in _LAYERS]
    return replace(labels, labels=(*labels.labels, *old))


def _read_config(client: StudioClient, project: int) -> str:
    return str(client.read_project(project)["label_config"])


def _rewrite(
    client: StudioClient, plan: MigrationPlan, labels: LabelSchema, rules: RelabelRules, progress: Progress
) -> dict[str, int]:
    update: dict[str, Callable[[int, dict[str, Any]], Any]] = {
        "annotations": client.update_annotation,
        "drafts": client.update_draft,
        "predictions": partial(client.update_prediction, plan.project),
    }
    counts: Counter[str] = Counter()
    for task in _iter_tasks(client, plan.project, ignore_progress, ""):
        for part, number, result in _iter_rewrites(task, rules, labels):
            update[part](number, {"result": result})
            counts[part] += 1
            progress("rewriting", counts.total(), plan.results)
    return dict(counts)
