"""Which tasks a pull lists and fetches, against a project held in memory."""

from __future__ import annotations

from datetime import timedelta
from operator import eq, ge, gt, le, lt
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from goldspan.annotation.labelstudio.api.progress import ignore_progress
from goldspan.annotation.labelstudio.pull import changes as changes_module
from goldspan.annotation.labelstudio.pull.changes import Baseline, Changes, list_changes
from goldspan.annotation.labelstudio.pull.merge import KnownTask

EARLY, LATE = "2026-01-01T10:00:00.000000Z", "2026-01-01T11:00:00.000000Z"


class Project:
    """Answers the filters that `list_changes` uses; `listed` counts the tasks that were sent."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = tasks
        self.listed = 0

    def _find(self, filters: Any) -> list[dict[str, Any]]:
        return [task for task in self.tasks if all(_passes(task, item) for item in filters)]

    def iter_tasks(self, project: int, include: str, *, filters: Any = (), **options: Any) -> Any:
        found = self._find(filters)
        self.listed += len(found)
        return iter(found)

    def list_newest(self, project: int, include: str, filters: Any, size: int) -> Any:
        found = sorted(self._find(filters), key=lambda task: str(task["updated_at"]), reverse=True)
        self.listed += len(found[:size])
        return found[:size], len(found)

    def count_tasks(self, project: int, filters: Any = ()) -> int:
        return len(self._find(filters))

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [task for task in self.tasks if task["id"] in ids]


def _passes(task: dict[str, Any], item: dict[str, Any]) -> bool:
    value = task[item["filter"].removeprefix("filter:tasks:")]
    compare = {"greater": gt, "equal": eq, "greater_or_equal": ge, "less": lt, "less_or_equal": le}
    return bool(compare[item["operator"]](value, item["value"]))


def task(number: int, stamp: str = EARLY, annotations: int = 0, skips: int = 0, draft: bool = False) -> dict[str, Any]:
    counts = {"total_annotations": annotations, "cancelled_annotations": skips, "draft_exists": draft}
    return {"id": number, "updated_at": stamp, **counts}


def compare(project: Project, known: dict[int, KnownTask], watermark: str = EARLY, **options: Any) -> Changes:
    refused = dict.fromkeys(options.pop("refused", ()), EARLY)
    client: Any = project
    settled, is_over = options.pop("settled", ""), options.pop("is_over", True)
    settings = {"full": False, "untouched": False} | options
    baseline = Baseline(known, refused, watermark, settled, is_over)
    return list_changes(client, 1, baseline, progress=ignore_progress, **settings)


def test_tasks_that_were_only_imported_are_not_listed() -> None:
    idle = [task(number, LATE) for number in range(10, 1010)]
    project = Project(task(1, LATE, 1), task(2, LATE, 0, 1), task(3, EARLY, 0, 0, True), *idle)
    changes = compare(project, {})
    assert set(changes.wanted) == {1, 2, 3}
    assert project.listed == 3


def test_a_deleted_task_goes_although_the_project_holds_a_refused_one() -> None:
    """Counted without the refused task, one deletion and one refusal would cancel each other out."""
    known = {1: KnownTask(EARLY, False), 2: KnownTask(EARLY, False)}
    project = Project(task(1, EARLY, 1), task(9, EARLY, 1))
    changes = compare(project, known, LATE, refused={9})
    assert changes.gone == {2}
    assert compare(Project(task(1, EARLY, 1), task(2, EARLY, 1)), known, LATE, refused={9}).gone == {9}


def test_a_task_whose_only_annotation_was_deleted_goes() -> None:
    known = {1: KnownTask(EARLY, False), 2: KnownTask(EARLY, False)}
    assert compare(Project(task(1, EARLY, 1), task(2, LATE)), known).gone == {2}


@pytest.mark.parametrize("full", [False, True])
def test_untouched_tasks_count_where_they_are_asked_for(full: bool) -> None:
    project = Project(task(1, LATE, 1), task(2, LATE))
    assert set(compare(project, {}, "", full=full, untouched=True).wanted) == {1, 2}
    assert set(compare(project, {}, "", full=full).wanted) == {1}


def test_untouched_tasks_of_an_earlier_pull_stay_until_they_are_deleted() -> None:
    known = {1: KnownTask(EARLY, False), 2: KnownTask(EARLY, False, touched=False)}
    assert compare(Project(task(1, EARLY, 1), task(2)), known, LATE).gone == set()
    assert compare(Project(task(1, EARLY, 1)), known, LATE).gone == {2}


def stamp(second: int) -> str:
    return f"2026-01-01T10:{second // 60:02}:{second % 60:02}.000000Z"


@pytest.mark.parametrize(("is_over", "newest"), [(True, 25), (False, 25), (False, 5)])
@given(st.dictionaries(st.integers(1, 30), st.sampled_from(["late", "new", "worked", "deleted", "draft"]), max_size=6))
def test_untouched_tasks_that_changed_are_found(is_over: bool, newest: int, events: dict[int, str]) -> None:
    """`late` is a task that another transaction committed after the pull, with a stamp from before it.

    Counts cannot tell a late task and a deleted one from no change; the pull after the look-back finds them.
    """
    assume(is_over or not {"late", "deleted"} <= set(events.values()))
    tasks = {number: task(number, stamp(10 * number)) for number in range(1, 31)}
    watermark = stamp(300)
    known = {n: KnownTask(t["updated_at"], False, touched=False) for n, t in tasks.items() if events.get(n) != "late"}
    wanted, gone = {}, set()
    for number, event in events.items():
        if event == "deleted":
            del tasks[number]
            gone.add(number)
            continue
        changed = {
            "late": tasks[number],
            "new": task(number + 100, stamp(300 + number)),
            "worked": task(number, stamp(300 + number), 1),
            "draft": task(number, stamp(10 * number), draft=True),
        }[event]
        tasks[changed["id"]] = changed
        wanted[changed["id"]] = changed["updated_at"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes_module, "_NEWEST", newest)
        changes = compare(Project(*tasks.values()), known, watermark, untouched=True, is_over=is_over)
    assert (changes.wanted, changes.gone) == (wanted, gone)


@pytest.mark.parametrize(("is_over", "settled", "listed"), [(False, "", 25), (True, "", 400), (True, stamp(400), 1)])
def test_what_was_pushed_a_moment_ago_is_counted_and_listed_once_afterwards(
    is_over: bool, settled: str, listed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes_module, "OVERLAP", timedelta(minutes=10))
    tasks = [task(number, stamp(number)) for number in range(1, 401)]
    known = {one["id"]: KnownTask(one["updated_at"], False, touched=False) for one in tasks}
    project = Project(*tasks)
    changes = compare(project, known, stamp(400), untouched=True, is_over=is_over, settled=settled)
    assert (changes.wanted, changes.gone, project.listed) == ({}, set(), listed)


def test_a_draft_on_an_old_task_that_nobody_touched_is_found() -> None:
    known = {1: KnownTask(EARLY, False, touched=False), 2: KnownTask(LATE, False)}
    project = Project(task(1, EARLY, draft=True), task(2, LATE, 1))
    assert set(compare(project, known, LATE, untouched=True).wanted) == {1}
