"""No record, however odd its values are, keeps the others from being shown."""

from __future__ import annotations

import contextlib
import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import RecordError
from goldspan.annotation.tasks.codec import encode_task, read_task
from goldspan.annotation.tasks.record import LAYERS
from goldspan.annotation.types import Sample
from goldspan.dashboards.mirror.extract import StoredSample, extract_rows
from goldspan.dashboards.mirror.tables import TABLES, make_frame
from goldspan.dashboards.views import explore
from goldspan.evaluation.matching.annotations import list_latest_predictions, list_latest_reviews
from goldspan.evaluation.people.agreement import measure_agreement
from tests.dashboards.sample_data import make_sample
from tests.strategies import LABELS

DEEP: list[Any] = []
for _ in range(1200):
    DEEP = [DEEP]

ODD = st.sampled_from(
    [None, True, False, 0, -1, 2**31, 2**63, 10**400, "9" * 400, "9" * 5000, 1e308, -1e308, float("nan"), float("inf"),
     "", "\x00", "²", "٣", [], ["u"], [[]], {}, {"id": ["x"]}, {"email": {}}, {"id": 1}, DEEP, "2026-01-01T00:00:00Z",
     1_700_000_000, "CITY", "PRONOUN", ["CITY", "CITY"], [["CITY"]], [{"a": 1}], "annotations"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = ODD | st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def make_task() -> dict[str, Any]:
    """Two readings by models, two by people, a draft, with every field that Label Studio writes."""
    task = encode_task(make_sample(4, LABELS), LABELS)
    task["predictions"].append(copy.deepcopy(task["predictions"][0]) | {"id": 900, "created_at": "2026-01-01"})
    task["drafts"] = [copy.deepcopy(task["annotations"][0]) | {"id": 901, "user": "ann@firm.test"}]
    for entry in (*task["predictions"], *task["annotations"], *task["drafts"]):
        entry |= {"updated_at": "2026-11-21T12:00:00Z", "created_at": "2026-11-21T10:00:00Z", "score": 0.5}
        for item in entry["result"]:
            item |= {"origin": "manual", "score": 0.5}
    return task


def list_places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value may be put in the place of another; long lists are tried at their ends."""
    found = [path] if path else []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = [(at, value[at]) for at in sorted({0, len(value) - 1}) if 0 <= at < len(value)]
    else:
        inner = []
    for key, below in inner:
        found += list_places(below, (*path, key))
    return found


TASK = make_task()
TASK_LINE = orjson.dumps(TASK)
PLACES = [path for path in list_places(TASK) if path not in {("data",), ("data", "text")}]


def put_value(task: dict[str, Any], path: tuple[Any, ...], value: Any) -> None:
    """Put a value where the path leads, if an earlier one has left that place there."""
    place: Any = task
    for step in path[:-1]:
        try:
            place = place[step]
        except (KeyError, IndexError, TypeError):
            return
    if (isinstance(place, dict) and isinstance(path[-1], str)) or (
        isinstance(place, list) and isinstance(path[-1], int) and path[-1] < len(place)
    ):
        place[path[-1]] = value


def holds_list(text: str) -> bool:
    """True for the JSON text of a list, and for an empty text."""
    try:
        return isinstance(orjson.loads(text or "[]"), list)
    except orjson.JSONDecodeError:
        return False


def show_or_refuse(task: dict[str, Any]) -> None:
    """Show a task; refused is only one with a text in the place of a list that is not the JSON of one."""
    texts = [task[name] for name in LAYERS if isinstance(task.get(name), str)]
    with (
        pytest.raises(RecordError, match="expected JSON text")
        if not all(map(holds_list, texts))
        else contextlib.nullcontext()
    ):
        show_task(task)


def show_task(task: dict[str, Any]) -> Sample:
    """Do with a task all that the pages do; the sample that was read."""
    reading = read_task(task, LABELS)
    sample = reading.sample
    rows = extract_rows([StoredSample(sample, "a.jsonl", 0, reading.issues)], LABELS)
    frames = {name: make_frame(name, table) for name, table in rows.items()}
    assert set(frames) == set(TABLES)
    assert frames["samples"].height == 1
    list_latest_reviews(sample)
    list_latest_predictions(sample)
    explore.name_annotations(sample)
    for first in sample.annotations[:2]:
        explore.list_differences(first, sample.annotations[-1])
    measure_agreement([sample], models=True)
    encode_task(sample, LABELS)
    for annotation in sample.annotations:
        for time in (annotation.created_at, annotation.updated_at):
            assert time is None or isinstance(time, str)
        for score in (annotation.score, annotation.lead_time):
            assert score is None or isinstance(score, float)
        assert isinstance(annotation.author.name, str)
    return sample


@given(st.lists(st.tuples(st.sampled_from(PLACES), VALUES), min_size=1, max_size=4))
def test_any_value_in_any_field_can_be_shown(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    task = orjson.loads(TASK_LINE)
    for path, value in changes:
        put_value(task, path, value)
    show_or_refuse(task)


@pytest.mark.parametrize("value", [5, 1.5, True, ["u"], {"a": 1}, DEEP, "9" * 400, None])
def test_an_odd_value_in_each_field_can_be_shown(value: Any) -> None:
    for path in PLACES:
        task = orjson.loads(TASK_LINE)
        put_value(task, path, value)
        show_or_refuse(task)


def test_times_of_two_kinds_are_compared_as_text() -> None:
    task = make_task()
    for name in ("predictions", "annotations"):
        for entry, time in zip(task[name], (1_700_000_000, "2026-11-21T12:00:00Z"), strict=True):
            entry |= {"created_at": time, "updated_at": None, "completed_by": {"email": "ann@firm.test"}}
    task["predictions"][1]["model_version"] = task["predictions"][0]["model_version"]
    sample = show_task(task)
    assert [one.created_at for one in list_latest_reviews(sample)] == ["2026-11-21T12:00:00Z"]
    assert [one.created_at for one in list_latest_predictions(sample)] == ["2026-11-21T12:00:00Z"]
