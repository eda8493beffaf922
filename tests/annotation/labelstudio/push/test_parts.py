"""Parts of a push that need no server: validation, spool, order, shares, plan, index, duplicates."""

from __future__ import annotations

import dataclasses
import multiprocessing
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation import locks
from goldspan.annotation.errors import StateError
from goldspan.annotation.labelstudio.api.fields import describe_task, drop_columns, list_columns
from goldspan.annotation.labelstudio.push.cleanup import delete_duplicate_predictions, delete_duplicate_tasks
from goldspan.annotation.labelstudio.push.index import IndexedTask, ProjectIndex, index_project, read_versions
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.selection import Order, is_control, order_entries
from goldspan.annotation.labelstudio.push.spool import SpoolEntry, open_spool, split_batches
from goldspan.annotation.labelstudio.push.validation import TaskValidator, fill_spool
from goldspan.annotation.project import ENTITIES
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.strategies import LABELS, samples

pytest.importorskip("label_studio_sdk")


def make_sample(number: int, version: str = "m1", score: float = 0.5) -> Sample:
    text = f"Letter {number} to Maria in Lyon."
    start = text.index("Maria")
    entities = (Entity(start, start + 5, "FIRSTNAME", "e0"), Entity(start + 9, start + 13, "CITY", "e1"))
    return Sample(text, "en", annotations=(Annotation(Author.model(version), entities, score=score),))


def entry(name: str, *versions: str, labels: str = "", score: float = 1.0, length: int = 10) -> SpoolEntry:
    return SpoolEntry(name, 0, length, versions, score, frozenset(labels.split()), f"hash of {name}")


def found(task: int, *versions: str, name: str = "", control: bool = False, predictions: int = -1) -> IndexedTask:
    count = len(versions) if predictions < 0 else predictions
    return IndexedTask(task, frozenset(versions), count, control, f"hash of {name}" if name else "")


class FakeProject:
    """The client methods that indexing and cleanup use."""

    def __init__(self, tasks: list[dict[str, Any]]) -> None:
        self.tasks = {task["id"]: task for task in tasks}
        self.deleted: list[int] = []

    def iter_tasks(self, project: int, include: str, *, after: int = 0, **options: Any) -> Any:
        return iter([task for number, task in sorted(self.tasks.items()) if number > after])

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [self.tasks[number] for number in sorted(ids) if number in self.tasks]

    def delete_tasks(self, project: int, ids: list[int]) -> None:
        self.deleted += ids

    def delete_prediction(self, prediction: int) -> None:
        self.deleted.append(prediction)


def test_gate_leaves_peoples_work_and_ids_at_home() -> None:
    sample = make_sample(1)
    person = Annotation(Author.person("a@x"), sample.annotations[0].entities)
    task = TaskValidator(LABELS).make_task(dataclasses.replace(sample, annotations=(*sample.annotations, person)))
    assert task.keys() == {"data", "predictions"}
    assert task["predictions"][0].keys() == {"model_version", "score", "result"}


def test_words_are_left_out_of_results_only_where_they_may_be_personal_data() -> None:
    def read_words(validator: TaskValidator) -> list[str]:
        [prediction] = validator.make_task(make_sample(1))["predictions"]
        return [item["value"]["text"] for item in prediction["result"] if "text" in item["value"]]

    assert read_words(TaskValidator(LABELS)) == []
    assert read_words(TaskValidator(LABELS, keeps_text=True)) == ["Maria", "Lyon"]
    assert read_words(TaskValidator(dataclasses.replace(LABELS, purpose=ENTITIES))) == ["Maria", "Lyon"]


def test_the_user_s_own_fields_become_columns_and_stand_above_the_text() -> None:
    fields = {"ticket_id": "T-4711", "customer": 12, "nested": {"a": 1}, "text": "shadow", "blank": " ", "flag": True}
    sample = dataclasses.replace(make_sample(1), document_type="letter", provenance={"fields": fields})
    data = TaskValidator(LABELS).make_task(sample)["data"]
    assert data["about"] == "en · letter · ticket_id T-4711 · customer 12 · flag True"
    assert (data["ticket_id"], data["customer"], data["text"]) == ("T-4711", "12", sample.text)
    assert not {"nested", "blank"} & data.keys()


@given(
    st.dictionaries(st.text(max_size=8), st.one_of(st.text(max_size=8), st.integers(), st.none(), st.booleans())),
    st.text(max_size=5),
)
def test_pulling_drops_what_pushing_added_and_nothing_else(fields: dict[str, Any], other: str) -> None:
    data = {"text": "x", "language": "en", "provenance": {"fields": fields}}
    columns = list_columns(data["provenance"])
    pushed = {**data, **columns, "about": describe_task(data, columns)}
    assert drop_columns(pushed) == data
    changed = {**pushed, "added": other} | {name: value + "!" for name, value in columns.items()}
    assert drop_columns(changed).items() >= {name: value + "!" for name, value in columns.items()}.items()
    assert drop_columns(changed)["added"] == other


@pytest.mark.parametrize("version", ["a,b", 'a"b', "a\\b", " a", "a "])
def test_model_versions_that_cannot_be_listed_are_refused(version: str) -> None:
    with open_spool() as spool:
        (refused,) = fill_spool(spool, [make_sample(1, version)], TaskValidator(LABELS))
    assert "model_version" in refused.reason


def test_control_samples_lose_their_predictions_and_say_so() -> None:
    with open_spool() as spool:
        assert fill_spool(spool, map(make_sample, range(200)), TaskValidator(LABELS, 0.25)) == []
        tasks = [spool.load(item) for item in spool.entries.values()]
    control = [task for task in tasks if task["data"].get("control") == "yes"]
    assert 25 <= len(control) <= 80
    assert all(task["data"]["provenance"]["control"] and not task["predictions"] for task in control)
    assert all(task["predictions"] for task in tasks if task not in control)


@given(st.lists(samples(), max_size=5))
def test_spool_gives_back_what_it_was_given(given_samples: list[Sample]) -> None:
    with open_spool() as spool:
        fill_spool(spool, given_samples, TaskValidator(LABELS))
        texts = {sample.text for sample in given_samples}
        for item in spool.entries.values():
            task = spool.load(item)
            assert task["data"]["text"] in texts
            assert task == orjson.loads(spool.read(item))
            assert item.versions == tuple(prediction["model_version"] for prediction in task["predictions"])


def test_batches_keep_order_and_limits() -> None:
    entries = [entry(str(number), length=6 * 1024 * 1024) for number in range(7)]
    batches = list(split_batches(entries, 500))
    assert [item for batch in batches for item in batch] == entries
    assert [len(batch) for batch in batches] == [2, 2, 2, 1]
    assert [len(batch) for batch in split_batches([entry("x")] * 5, 2)] == [2, 2, 1]


@given(st.text(min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_contains_the_smaller(name: str, one: float, other: float) -> None:
    small, large = sorted((one, other))
    assert is_control(name, small) <= is_control(name, large)


def test_shares_have_about_their_size() -> None:
    assert 900 < sum(is_control(str(number), 0.1) for number in range(10_000)) < 1100
    assert not is_control("x", 0.0)
    assert is_control("x", 1.0)


def test_order() -> None:
    entries = [
        entry("a", labels="CITY", score=0.9),
        entry("b", labels="CITY", score=0.2),
        entry("c", labels="IBAN", score=0.5),
    ]
    assert [item.sample_id for item in order_entries(entries, Order.FILE, LABELS)] == ["a", "b", "c"]
    assert [item.sample_id for item in order_entries(entries, Order.UNCERTAINTY, LABELS)] == ["b", "c", "a"]
    assert next(iter(order_entries(entries, Order.COVERAGE, LABELS))).sample_id == "c"


def test_plan() -> None:
    entries = {name: entry(name, "m2") for name in "abcdef"} | {"g": entry("g")}
    index = ProjectIndex(
        {
            "a": found(1, "m2", name="a"),
            "b": found(2, "m1", name="b"),
            "c": found(3, "m1", "m2", name="c"),
            "d": found(4, control=True, name="d"),
            "e": found(5, "m2", name="other"),
            "g": found(7, name="g"),
        }
    )
    plan = make_plan(entries, index, replace=False)
    assert [item.sample_id for item in plan.create] == ["f"]
    assert (plan.predict, plan.clear, plan.unchanged) == (("b",), (), 4)
    assert [refused.sample_id for refused in plan.refused] == ["e"]
    plan = make_plan(entries, index, replace=True)
    assert (plan.predict, plan.clear, plan.unchanged) == (("b", "c"), (2, 3), 3)


@pytest.mark.parametrize(
    ("listed", "versions"),
    [("", set()), ("m1", {"m1"}), ("a/b,m1", {"a/b", "m1"}), ("a\\/b, m1", {"a/b", "m1"})],
)
def test_versions_are_read_from_both_databases(listed: str, versions: set[str]) -> None:
    assert read_versions(listed) == versions


def task(number: int, sample_id: str | None, **fields: Any) -> dict[str, Any]:
    counts = {"total_annotations": 0, "cancelled_annotations": 0, "draft_exists": False}
    data = {"text": "x"} | ({"sample_id": sample_id} if sample_id else {})
    return {"id": number, "data": data, "predictions_model_versions": "m", "total_predictions": 1, **counts, **fields}


def test_index_counts_everything_and_goes_on_where_it_ended() -> None:
    project: Any = FakeProject([task(1, "a"), task(2, "b"), task(3, "a"), task(4, None), task(5, "stranger")])
    index = index_project(project, 1, {"a", "b"})
    assert {name: item.task for name, item in index.found.items()} == {"a": 1, "b": 2}
    assert (index.duplicates, index.unnamed, index.others, index.tasks) == ({"a": [3]}, 1, 1, 5)
    project.tasks[6] = task(6, "b")
    assert index_project(project, 1, {"a", "b"}, into=index).duplicates == {"a": [3], "b": [6]}
    assert index.tasks == 6


def test_a_task_of_somebody_else_with_the_same_id_is_no_copy() -> None:
    other = task(2, "a") | {"data": {"text": "another text", "sample_id": "a"}}
    project: Any = FakeProject([task(1, "a"), other, task(3, "a")])
    index = index_project(project, 1)
    assert delete_duplicate_tasks(project, 1, index) == (1, ())
    assert (project.deleted, index.others, index.tasks) == ([3], 1, 3)


def test_copies_go_unless_somebody_worked_on_them() -> None:
    project: Any = FakeProject(
        [
            task(1, "a"),
            task(2, "a"),
            task(3, "a", total_annotations=1),
            task(4, "a", cancelled_annotations=1),
            task(5, "b"),
            task(6, "b", draft_exists=True),
            task(7, "c"),
            task(8, "c"),
        ]
    )
    removed, kept = delete_duplicate_tasks(project, 1, index_project(project, 1))
    assert (removed, project.deleted, set(kept)) == (2, [2, 8], {"a", "b"})


@pytest.mark.parametrize(("pushed", "gone"), [(["m", "n"], [9]), (["n"], [])])
def test_double_predictions_that_were_pushed_go_and_the_first_stays(pushed: list[str], gone: list[int]) -> None:
    predictions = [{"id": number, "model_version": version} for number, version in ((9, "m"), (4, "m"), (5, "n"))]
    project: Any = FakeProject([task(1, "a", predictions=predictions, total_predictions=3)])
    assert delete_duplicate_predictions(project, 1, index_project(project, 1), {"a": entry("a", *pushed)}) == len(gone)
    assert project.deleted == gone


def hold_for_long(folder: str, ready: Any) -> None:
    locks.tempfile.tempdir = folder
    with locks.hold_lock("name"):
        ready.set()
        time.sleep(30)


def test_lock_is_waited_for_and_freed_by_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.tempfile, "tempdir", str(tmp_path))
    spawn = multiprocessing.get_context("fork")
    ready = spawn.Event()
    holder = spawn.Process(target=hold_for_long, args=(str(tmp_path), ready))
    holder.start()
    assert ready.wait(60)
    waited = []
    with pytest.raises(StateError, match="Another"), locks.hold_lock("name", lambda: waited.append(1), patience=0.2):
        pass
    with locks.hold_lock("another name"):
        pass
    holder.kill()
    holder.join()
    with locks.hold_lock("name", patience=5):
        assert waited == [1]


def test_a_folder_that_cannot_hold_locks_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks.tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(StateError, match="TMPDIR"), locks.hold_lock("name"):
        pass
