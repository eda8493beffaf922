"""One pass over a project's tasks that collects what `doctor` reports, in bounded memory."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.checks import find_errors
from goldspan.annotation.errors import RecordError
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import PULL_FIELDS
from goldspan.annotation.tasks.codec import read_task

QUICK_FIELDS = "id,data,predictions_model_versions,total_predictions"
FULL_FIELDS = f"{PULL_FIELDS},predictions_model_versions,total_predictions"
MAX_EXAMPLES = 5
"""Task ids kept as examples of each problem."""

UNUSABLE_CODES = frozenset(
    {
        "out_of_range",
        "empty_span",
        "text_mismatch",
        "broken_region",
        "duplicate_id",
        "dangling_relation",
        "self_relation",
        "unknown_relation",
        "unknown_label",
    }
)
"""Issue codes that make a region or relation unusable; `pull` lists the doubtful ones."""


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
    versions: Counter[str] = field(default_factory=Counter)
    without_text: AffectedTasks = field(default_factory=AffectedTasks)
    changed_text: AffectedTasks = field(default_factory=AffectedTasks)
    without_sample_id: AffectedTasks = field(default_factory=AffectedTasks)
    duplicates: AffectedTasks = field(default_factory=AffectedTasks)
    broken: dict[str, AffectedTasks] = field(default_factory=dict)


def survey_project(
    client: StudioClient,
    project: int,
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
    seen: set[bytes] = set()
    for task in client.iter_tasks(project, QUICK_FIELDS if quick else FULL_FIELDS, advance=advance):
        _inspect_data(found, seen, task)
        if not quick:
            _inspect_regions(found, task, labels)
    return found


def _inspect_data(found: ProjectSurvey, seen: set[bytes], task: Mapping[str, Any]) -> None:
    data, number = task["data"], int(task["id"])
    found.tasks += 1
    versions = {part.strip() for part in str(task.get("predictions_model_versions") or "").split(",")} - {""}
    found.versions.update(versions)
    found.predicted += bool(task.get("total_predictions"))
    text = data.get("text")
    if not isinstance(text, str) or not text.strip():
        found.without_text.add(number)
    elif data.get("text_sha256") not in {None, hash_text(text)}:
        found.changed_text.add(number)
    sample_id = data.get("sample_id")
    if not isinstance(sample_id, str) or not sample_id:
        found.without_sample_id.add(number)
        return
    digest = hashlib.blake2b(sample_id.encode("utf-8", "surrogatepass"), digest_size=12).digest()
    if digest in seen:
        found.duplicates.add(number)
    seen.add(digest)


def _inspect_regions(found: ProjectSurvey, task: Mapping[str, Any], labels: LabelSchema) -> None:
    try:
        sample, issues = read_task(task, labels)
    except RecordError:
        return
    codes = {issue.code for issue in issues}
    for annotation in sample.annotations:
        codes.update(issue.code for issue in find_errors(sample.text, annotation, labels, sample.language))
    for code in codes & UNUSABLE_CODES:
        found.broken.setdefault(code, AffectedTasks()).add(int(task["id"]))
