"""Regions of any shape: what is odd becomes an issue or nothing, and never stops the reading."""

from __future__ import annotations

from typing import Any

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.regions import read_number, read_result, read_text
from goldspan.annotation.types import Origin


def make_region(**changes: Any) -> dict[str, Any]:
    value = {"start": 0, "end": 4, "text": "Lyon", "labels": ["CITY"]}
    place = {name: changes.pop(name) for name in ("start", "end", "labels", "text") if name in changes}
    return {"id": "a", "type": "labels", "value": value | place} | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"start": "9" * 400}, "out_of_range"),
        ({"end": 1e300}, "out_of_range"),
        ({"start": -(10**400)}, "out_of_range"),
        ({"end": "9" * 5000}, "broken_region"),
        ({"end": float("nan")}, "broken_region"),
        ({"labels": [["CITY"]]}, "broken_region"),
        ({"labels": [{"CITY": 1}]}, "broken_region"),
        ({"value": "text"}, "broken_region"),
        ({"value": ["start"]}, "broken_region"),
    ],
)
def test_a_region_that_no_text_can_hold_is_an_issue_without_its_offsets(
    changes: dict[str, Any], code: str, labels: LabelSchema
) -> None:
    regions = read_result("Lyon is far", [make_region(**changes), make_region(id="b")], labels)
    assert [(issue.code, issue.start, issue.end) for issue in regions.issues] == [(code, -1, -1)]
    assert [entity.id for entity in regions.entities] == ["b"]


@pytest.mark.parametrize("origin", [["u"], {"a": 1}, 7, None, True, "elsewhere"])
def test_an_origin_that_is_none_is_left_out(origin: Any, labels: LabelSchema) -> None:
    regions = read_result("Lyon is far", [make_region(origin=origin)], labels)
    assert (regions.issues, regions.entities[0].origin) == ([], None)
    assert read_result("Lyon", [make_region(origin="manual")], labels).entities[0].origin is Origin.MANUAL


@pytest.mark.parametrize("score", [True, "high", [1], float("nan"), float("inf"), 10**400, None])
def test_a_score_that_is_no_number_is_none(score: Any, labels: LabelSchema) -> None:
    assert read_result("Lyon", [make_region(score=score)], labels).entities[0].score is None
    assert read_number(score) is None


def test_lists_in_lists_too_deep_to_write_out_are_empty(labels: LabelSchema) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert read_text(deep) == ""
    assert (read_text(None), read_text(0), read_text(["x"])) == ("", "0", "['x']")
    relation = {"type": "relation", "from_id": deep, "to_id": deep}
    regions = read_result("Lyon", [make_region(id=deep, text=deep), relation, deep], labels)
    assert [issue.code for issue in regions.issues] == ["text_mismatch", "dangling_relation", "broken_region"]
