"""What a project holds already: the only way to know, as Label Studio has no unique keys."""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.fields import CONTROL_FIELD

_FIELDS = "id,data,predictions_model_versions,total_predictions"
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class Found:
    """One sample as the project has it. `predictions` counts them; `versions` names their model versions."""

    task: int
    versions: frozenset[str]
    predictions: int
    control: bool
    text_sha256: str


@dataclass(slots=True)
class Sweep:
    """Everything found: samples by id, later copies of the same sample, and what nobody asked about."""

    found: dict[str, Found] = field(default_factory=dict)
    copies: dict[str, list[int]] = field(default_factory=dict)
    others: int = 0
    unnamed: int = 0
    last: int = 0

    @property
    def tasks(self) -> int:
        """How many tasks were seen."""
        return len(self.found) + self.others + self.unnamed + sum(map(len, self.copies.values()))


def sweep_project(
    client: StudioClient,
    project: int,
    wanted: Container[str] | None = None,
    *,
    into: Sweep | None = None,
    advance: Callable[[int, int], None] | None = None,
) -> Sweep:
    """List a project's tasks by `data.sample_id`, beginning where `into` ended.

    Only samples in `wanted` are kept one by one, the rest is counted. Costs about half a millisecond a task.
    """
    sweep = into or Sweep()
    known: dict[str, frozenset[str]] = {}
    for task in client.iter_tasks(project, _FIELDS, after=sweep.last, page_size=_PAGE, advance=advance):
        sweep.last = task["id"]
        sample_id = task["data"].get("sample_id")
        if not isinstance(sample_id, str) or not sample_id:
            sweep.unnamed += 1
        elif wanted is not None and sample_id not in wanted:
            sweep.others += 1
        elif sample_id in sweep.found:
            sweep.copies.setdefault(sample_id, []).append(task["id"])
        else:
            sweep.found[sample_id] = _read_found(task, known)
    return sweep


def read_versions(listed: str) -> frozenset[str]:
    """The model versions in a column of Label Studio's task list.

    SQLite's list is joined by commas; PostgreSQL's is JSON without its brackets and quotes, slashes still escaped.
    """
    parts = (part.strip().replace("\\/", "/") for part in listed.split(","))
    return frozenset(sys.intern(part) for part in parts if part)


def _read_found(task: dict[str, Any], known: dict[str, frozenset[str]]) -> Found:
    listed = str(task.get("predictions_model_versions") or "")
    if listed not in known:
        known[listed] = read_versions(listed)
    data = task["data"]
    return Found(
        task=task["id"],
        versions=known[listed],
        predictions=int(task.get("total_predictions") or 0),
        control=bool(data.get(CONTROL_FIELD)),
        text_sha256=str(data.get("text_sha256") or ""),
    )
