"""One pass over a project's tasks: everything that `doctor` wants to know of them, in memory that does not grow."""

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
KEPT = 5
"""How many task ids are kept as examples of each trouble."""

BREAKING = frozenset(
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
"""Codes of issues that make a region or relation unusable, as against doubtful ones that `pull` lists."""


@dataclass(slots=True)
class Trouble:
    """How many tasks have it, and the first few of them."""

    count: int = 0
    tasks: list[int] = field(default_factory=list)

    def add(self, task: int) -> None:
        """Count one more task."""
        self.count += 1
        if len(self.tasks) < KEPT:
            self.tasks.append(task)


@dataclass(slots=True)
class ProjectSurvey:
    """What one pass found. `versions` counts tasks by model version; `broken` has unusable regions by code."""

    tasks: int = 0
    predicted: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    without_text: Trouble = field(default_factory=Trouble)
    changed_text: Trouble = field(default_factory=Trouble)
    without_sample_id: Trouble = field(default_factory=Trouble)
    duplicates: Trouble = field(default_factory=Trouble)
    broken: dict[str, Trouble] = field(default_factory=dict)


def inspect_project(
    client: StudioClient,
    project: int,
    labels: LabelSchema,
    *,
    quick: bool = False,
    advance: Callable[[int, int], None] | None = None,
) -> ProjectSurvey:
    """Read all tasks of a project once; `quick` leaves the regions out, which takes about a sixth of the time.

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
    for code in codes & BREAKING:
        found.broken.setdefault(code, Trouble()).add(int(task["id"]))
