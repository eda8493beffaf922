"""Find the tasks that a pull must fetch, and those that were deleted.

Drafts do not change a task's `updated_at`, so tasks with drafts are always fetched. Deleted tasks are not reported,
so all ids are listed when the counts show that something is gone.

Rows commit later than their time stamp, so a pull looks back before its watermark. Listing costs Label Studio about a
millisecond a task, whatever is asked for, and after a large push all tasks are recent. Until the look-back is over,
only the newest are listed and the others counted; the first pull after it lists them once, and no later one does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from goldspan.annotation.labelstudio.api.client import StudioClient, make_filter
from goldspan.annotation.labelstudio.api.progress import Progress, report_stage
from goldspan.annotation.labelstudio.pull.merge import KnownTask

OVERLAP = timedelta(minutes=5)
"""How far an incremental pull looks back before its watermark."""

_NEWEST, _NEWEST_SHARE = 25, 0.02
"""Tasks that are listed where the other recent ones are only counted: at least, and of the recent ones."""

_STAMP = "%Y-%m-%dT%H:%M:%S.%fZ"
_LIST_FIELDS = "id,updated_at,total_annotations,cancelled_annotations,draft_exists"

_ANNOTATED = make_filter("total_annotations", "greater", 0)
_NOT_ANNOTATED = make_filter("total_annotations", "equal", 0)
_SKIPPED = make_filter("cancelled_annotations", "greater", 0)
_NOT_SKIPPED = make_filter("cancelled_annotations", "equal", 0)
_DRAFT_EXISTS = make_filter("draft_exists", "equal", True, "Boolean")


@dataclass(slots=True)
class Changes:
    """Tasks to fetch with their `updated_at`, tasks that are gone, and the newest `updated_at` seen."""

    wanted: dict[int, str] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)
    watermark: str = ""


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last pull left: the tasks in the file, the stamps of those that were refused, and its watermark.

    The watermark is empty before the first pull. Up to the stamp `settled` nothing can appear any more; `is_over` if
    the time to look back from the watermark has passed.
    """

    known: Mapping[int, KnownTask]
    refused: Mapping[int, str] = field(default_factory=dict)
    watermark: str = ""
    settled: str = ""
    is_over: bool = True

    @property
    def start(self) -> str:
        """The stamp from which on tasks may have changed."""
        moment = datetime.strptime(self.watermark, _STAMP).replace(tzinfo=UTC) - OVERLAP
        return max(self.settled, moment.strftime(_STAMP))

    @property
    def recent(self) -> dict[int, str]:
        """The stamps of the tasks that are held, from `start` on."""
        start, stamps = self.start, {task: known.stamp for task, known in self.known.items()} | dict(self.refused)
        return {task: stamp for task, stamp in stamps.items() if stamp >= start}


@dataclass(frozen=True, slots=True)
class _Listing:
    client: StudioClient
    project: int
    baseline: Baseline
    untouched: bool
    full: bool
    progress: Progress

    @property
    def filters(self) -> Sequence[Sequence[dict[str, Any]]]:
        """One list of filters for each query that together find the tasks that count."""
        return [[]] if self.untouched else [[_ANNOTATED], [_SKIPPED], [_DRAFT_EXISTS]]


def list_changes(
    client: StudioClient,
    project: int,
    baseline: Baseline,
    *,
    full: bool,
    untouched: bool,
    progress: Progress,
) -> Changes:
    """Compare a project with the last pull.

    Tasks that nobody has worked on count only with `untouched`; `full` fetches every task. Label Studio filters by
    annotations, skips and drafts, so that tasks that were only imported are not listed, however many they are.
    """
    listing = _Listing(client, project, baseline, untouched, full, progress)
    changes = Changes(watermark=baseline.watermark)
    everything = full or not baseline.watermark
    held = baseline.known.keys() | baseline.refused.keys()
    listed: set[int] = set()
    newest = None if everything or not untouched else _list_newest(listing)
    for task in _iter_queries(listing, listing.filters) if everything else _iter_changed(listing, newest):
        listed.add(task["id"])
        changes.watermark = max(changes.watermark, task["updated_at"])
        _classify(listing, changes, task)
    if everything:
        changes.gone |= held - listed
        return changes
    _add_former_drafts(listing, changes)
    if newest is not None and len(baseline.recent) == len(held):
        return changes
    idle = set() if untouched else {task for task, known in baseline.known.items() if not known.touched}
    if _count_remote(listing) != len((held | changes.wanted.keys()) - changes.gone - idle):
        changes.gone |= held - idle - _list_ids(listing, listing.filters)
    if idle:
        changes.gone |= idle - _list_ids(listing, [[]])
    return changes


def _iter_changed(listing: _Listing, newest: Sequence[dict[str, Any]] | None) -> Iterator[dict[str, Any]]:
    """What may have changed since the last pull: tasks that are recent, or the newest of them, and all drafts."""
    since = _since(listing.baseline.start)
    recent = [[since]] if listing.untouched else [[_ANNOTATED, since], [_SKIPPED, since]]
    yield from _iter_queries(listing, recent) if newest is None else newest
    yield from _iter_listing(listing, [_DRAFT_EXISTS])


def _list_newest(listing: _Listing) -> list[dict[str, Any]] | None:
    """The newest tasks if the count of recent ones shows no other change; None if all recent ones must be listed."""
    recent = {} if listing.baseline.is_over else listing.baseline.recent
    if len(recent) <= _NEWEST:
        return None
    client, project, watermark = listing.client, listing.project, listing.baseline.watermark
    size = max(_NEWEST, int(len(recent) * _NEWEST_SHARE))
    newest, count = client.list_newest(project, _LIST_FIELDS, [_since(listing.baseline.start)], size)
    if newest and newest[-1]["updated_at"] > watermark:
        newest = list(_iter_listing(listing, [_since(watermark)]))
    return newest if count == len(recent.keys() | {task["id"] for task in newest}) else None


def _list_ids(listing: _Listing, queries: Sequence[Sequence[dict[str, Any]]]) -> set[int]:
    return {task["id"] for task in _iter_queries(listing, queries, "id")}


def _iter_queries(
    listing: _Listing, queries: Sequence[Sequence[dict[str, Any]]], include: str = _LIST_FIELDS
) -> Iterator[dict[str, Any]]:
    for filters in queries:
        yield from _iter_listing(listing, filters, include)


def _add_former_drafts(listing: _Listing, changes: Changes) -> None:
    known = listing.baseline.known
    had_drafts = [number for number, task in known.items() if task.drafts and number not in changes.wanted]
    for task in listing.client.read_tasks(listing.project, had_drafts, _LIST_FIELDS):
        _classify(listing, changes, task)


def _classify(listing: _Listing, changes: Changes, task: dict[str, Any]) -> None:
    known = listing.baseline.known.get(task["id"])
    touched = task["total_annotations"] or task["cancelled_annotations"] or task["draft_exists"]
    if touched or listing.untouched:
        drafts = task["draft_exists"] or (known is not None and known.drafts)
        if listing.full or drafts or known is None or known.stamp != task["updated_at"]:
            changes.wanted[task["id"]] = task["updated_at"]
    elif known is not None:
        changes.gone.add(task["id"])


def _count_remote(listing: _Listing) -> int:
    """How many tasks a complete file would hold, by Label Studio's own counts."""
    count, project = listing.client.count_tasks, listing.project
    if listing.untouched:
        return count(project)
    skipped = count(project, [_NOT_ANNOTATED, _SKIPPED])
    only_drafts = count(project, [_NOT_ANNOTATED, _NOT_SKIPPED, _DRAFT_EXISTS])
    return count(project, [_ANNOTATED]) + skipped + only_drafts


def _iter_listing(
    listing: _Listing, filters: Sequence[dict[str, Any]], include: str = _LIST_FIELDS
) -> Iterator[dict[str, Any]]:
    advance = report_stage(listing.progress, "listing")
    return listing.client.iter_tasks(listing.project, include, filters=filters, page_size=2000, advance=advance)


def _since(stamp: str) -> dict[str, Any]:
    return make_filter("updated_at", "greater_or_equal", stamp, "Datetime")
