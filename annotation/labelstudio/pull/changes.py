"""Find the tasks that a pull must fetch, and those that were deleted.

Drafts do not change a task's `updated_at`, so tasks with drafts are always fetched. Deleted tasks are not reported,
so all ids are listed when the counts show that something is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, report_stage
from goldspan.annotation.labelstudio.pull.file import KnownTask

OVERLAP = timedelta(minutes=5)
"""How far an incremental pull looks back before its watermark: rows commit later than their time stamp."""

_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
_LIST_FIELDS = "id,updated_at,total_annotations,cancelled_annotations,draft_exists"
_DRAFT_EXISTS = {"filter": "filter:tasks:draft_exists", "operator": "equal", "type": "Boolean", "value": True}


@dataclass(slots=True)
class Changes:
    """Tasks to fetch with their `updated_at`, tasks that are gone, and the newest `updated_at` seen."""

    wanted: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class _Listing:
    client: StudioClient
    project: int
    known: Mapping[int, KnownTask]
    untouched: bool
    full: bool
    progress: Progress


def list_changes(
    client: StudioClient,
    project: int,
    known: Mapping[int, KnownTask],
    watermark: str,
    *,
    full: bool,
    untouched: bool,
    progress: Progress,
) -> Changes:
    """Compare a project with a pulled file, since `watermark` (empty: from the beginning).

    Tasks that nobody has worked on count only with `untouched`; `full` fetches every task.
    """
    listing = _Listing(client, project, known, untouched, full, progress)
    everything = full or not watermark
    changes = Changes(watermark=watermark)
    listed = set()
    for task in _iter_listing(listing, [] if everything else [_since(watermark)]):
        listed.add(task["id"])
        changes.watermark = max(changes.watermark, task["updated_at"])
        _classify(listing, changes, task)
    if everything:
        changes.gone |= known.keys() - listed
    else:
        _add_drafts(listing, changes)
        if _count_remote(listing) != len((known.keys() | changes.wanted.keys()) - changes.gone):
            changes.gone |= known.keys() - {task["id"] for task in _iter_listing(listing, [], "id")}
    return changes


def _add_drafts(listing: _Listing, changes: Changes) -> None:
    for task in _iter_listing(listing, [_DRAFT_EXISTS]):
        _classify(listing, changes, task)
    had_drafts = [number for number, task in listing.known.items() if task.drafts and number not in changes.wanted]
    for task in listing.client.read_tasks(listing.project, had_drafts, _LIST_FIELDS):
        _classify(listing, changes, task)


def _classify(listing: _Listing, changes: Changes, task: dict[str, Any]) -> None:
    known = listing.known.get(task["id"])
    touched = task["total_annotations"] or task["cancelled_annotations"] or task["draft_exists"]
    if touched or listing.untouched:
        drafts = task["draft_exists"] or (known is not None and known.drafts)
        if listing.full or drafts or known is None or known.stamp != task["updated_at"]:
            changes.wanted[task["id"]] = task["updated_at"]
    elif known is not None:
        changes.gone.add(task["id"])


def _count_remote(listing: _Listing) -> int:
    """How many tasks the file should hold after this pull, by Label Studio's own counts."""
    count, project = listing.client.count_tasks, listing.project
    if listing.untouched:
        return count(project)
    none_submitted = _number("total_annotations", "equal", 0)
    skipped = count(project, [none_submitted, _number("cancelled_annotations", "greater", 0)])
    only_drafts = count(project, [none_submitted, _number("cancelled_annotations", "equal", 0), _DRAFT_EXISTS])
    return count(project, [_number("total_annotations", "greater", 0)]) + skipped + only_drafts


def _iter_listing(
    listing: _Listing, filters: list[dict[str, Any]], include: str = _LIST_FIELDS
) -> Iterator[dict[str, Any]]:
    advance = report_stage(listing.progress, "listing")
    return listing.client.iter_tasks(listing.project, include, filters=filters, page_size=2000, advance=advance)


def _since(watermark: str) -> dict[str, Any]:
    moment = datetime.strptime(watermark, _STAMP).replace(tzinfo=UTC) - OVERLAP
    value = moment.strftime(_STAMP)
    return {"filter": "filter:tasks:updated_at", "operator": "greater_or_equal", "type": "Datetime", "value": value}


def _number(column: str, operator: str, value: int) -> dict[str, Any]:
    return {"filter": f"filter:tasks:{column}", "operator": operator, "type": "Number", "value": value}
