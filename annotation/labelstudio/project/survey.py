"""One pass over a project's tasks that collects what `doctor` reports, in bounded memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.checks import CODES
from goldspan.annotation.errors import RecordError
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.labelstudio.project.mapping import ProjectMapping
from goldspan.annotation.labelstudio.project.results import PROBLEMS, split_result
from goldspan.annotation.labelstudio.project.textview import TextView, open_text

QUICK_FIELDS = "id,data,predictions_model_versions,total_predictions"
FULL_FIELDS = f"{PULL_FIELDS},predictions_model_versions,total_predictions"
MAX_EXAMPLES = 5
"""Task ids kept as examples of each problem."""

UNUSABLE = PROBLEMS | {code: CODES[code] for code in ("duplicate_id", "dangling_relation", "unknown_label")}
"""Codes of what makes a region or relation unusable, with their meanings; `pull` lists the doubtful ones."""


@dataclass(slots=True)
class AffectedTasks:
    """The number of tasks with a problem, and the first of them."""

    count: int = 0
    tasks: list[int] = field(default_factory=list)

    def add(self, task: int) -> None:
        """Count one more task."""
        self.count += 1
        if len(self.tasks) < MAX_EXAMPLES:
            self.tasks.append(task)


@dataclass(slots=True)
class ProjectSurvey:
    """Result of one pass. `versions` counts tasks by model version; `broken` has unusable regions by code."""

    tasks: int = 0
    predicted: int = 0
    readable: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    without_text: AffectedTasks = field(default_factory=AffectedTasks)
    changed_text: AffectedTasks = field(default_factory=AffectedTasks)
    without_sample_id: AffectedTasks = field(default_factory=AffectedTasks)
    duplicates: AffectedTasks = field(default_factory=AffectedTasks)
    reused_ids: AffectedTasks = field(default_factory=AffectedTasks)
    broken: dict[str, AffectedTasks] = field(default_factory=dict)


def survey_project(
    client: StudioClient,
    project: int,
    mapping: ProjectMapping,
    labels: LabelSchema,
    *,
    quick: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> ProjectSurvey:
    """Read all tasks of a project once; `quick` skips the regions, which takes about a sixth of the time.

    Raises:
        ServiceError: Label Studio stopped answering.
    """
    found = ProjectSurvey()
    seen: dict[bytes, str] = {}
    for task in client.iter_tasks(project, QUICK_FIELDS if quick else FULL_FIELDS, advance=advance):
        view = _open(mapping, task["data"])
        _inspect_data(found, seen, task, view, mapping)
        if not quick and view is not None:
            found.readable += 1
            _inspect_regions(found, task, view, mapping, labels)
    return found


def _open(mapping: ProjectMapping, data: Mapping[str, Any]) -> TextView | None:
    try:
        view = None if mapping.text.is_url else open_text(mapping.text, mapping.text.read(data))
    except RecordError:
        return None
    return view if view and view.text.strip() else None


def _inspect_data(
    found: ProjectSurvey,
    seen: dict[bytes, str],
    task: Mapping[str, Any],
    view: TextView | None,
    mapping: ProjectMapping,
) -> None:
    """`seen`: the hash of the text that each sample id was given first, by the digest of the id."""
    data, number = task["data"], int(task["id"])
    text_sha256 = hash_text(view.text) if view else ""
    found.tasks += 1
    versions = {part.strip() for part in str(task.get("predictions_model_versions") or "").split(",")} - {""}
    found.versions.update(versions)
    found.predicted += bool(task.get("total_predictions"))
    if view is None and not mapping.text.is_url:
        found.without_text.add(number)
    elif view and mapping.text.field == "text" and data.get("text_sha256") not in {None, text_sha256}:
        found.changed_text.add(number)
    sample_id = data.get("sample_id")
    if not isinstance(sample_id, str) or not sample_id:
        found.without_sample_id.add(number)
        return
    digest = hashlib.blake2b(sample_id.encode("utf-8", "surrogatepass"), digest_size=12).digest()
    if digest not in seen:
        seen[digest] = text_sha256
    elif seen[digest] == text_sha256:
        found.duplicates.add(number)
    else:
        found.reused_ids.add(number)


def _inspect_regions(
    found: ProjectSurvey, task: Mapping[str, Any], view: TextView, mapping: ProjectMapping, labels: LabelSchema
) -> None:
    codes: set[str] = set()
    for item in (item for part in ("predictions", "annotations", "drafts") for item in task.get(part, ())):
        split = split_result(view, item.get("result") or (), mapping, labels)
        codes.update(place.code for place in (*split.lost, *split.notes))
        used = {region["value"]["labels"][0] for region in split.result if region["type"] != "relation"}
        if any(label not in labels for label in used):
            codes.add("unknown_label")
    for code in codes & UNUSABLE.keys():
        found.broken.setdefault(code, AffectedTasks()).add(int(task["id"]))
