"""Several projects as one data set."""

from __future__ import annotations

from typing import Any

from goldspan.annotation.labelstudio.pull.joining import join_records
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy
from goldspan.annotation.labelstudio.pull.records import digest_record


def record(task: int, project: int, person: str, *versions: str) -> dict[str, Any]:
    review = {"id": task * 10, "completed_by": {"email": person}, "updated_at": f"2026-01-0{task}", "result": []}
    made: dict[str, Any] = {
        "id": task,
        "data": {"text": "same", "sample_id": f"s{task}", "language": "", "provenance": {}},
        "predictions": [
            {"id": task * 100 + at, "model_version": name, "result": []} for at, name in enumerate(versions)
        ],
        "annotations": [review],
    }
    pull = {"project": project, "task": task, "stamp": f"t{task}", "sha256": ""}
    made["data"]["provenance"]["pull"] = pull
    return made


def test_annotations_of_everybody_meet_in_the_first_task() -> None:
    joined = join_records([record(8, 2, "bob", "m/v1", "m/v2"), record(5, 1, "ann", "m/v1")], RankingPolicy())
    assert (joined["id"], joined["data"]["sample_id"]) == (5, "s5")
    assert [item["completed_by"]["email"] for item in joined["annotations"]] == ["bob", "ann"]
    assert [item["model_version"] for item in joined["predictions"]] == ["m/v1", "m/v2"]
    pull = joined["data"]["provenance"]["pull"]
    assert (pull["tasks"], pull["stamp"]) == ([{"project": 1, "task": 5}, {"project": 2, "task": 8}], "t8")
    assert (pull["chosen"], pull["sha256"]) == (80, digest_record(joined))


def test_a_record_alone_stays_as_it_is() -> None:
    alone = record(5, 1, "ann")
    assert join_records([alone], RankingPolicy()) is alone
