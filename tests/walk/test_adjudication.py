"""A disputed sample in a real Label Studio: two people differ, a third decides, and the decision comes back first."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.adjudication import Verdict, write_verdict
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, push_samples
from goldspan.annotation.tasks.feedback import read_feedback
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.dashboards.views.adjudication import decide, find_place, list_regions
from goldspan.evaluation.matching.annotations import list_raters
from tests.walk.people import sign_up

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
TEXT = "Ann Lyon lives in Lyon 👩‍💻."


def make_region(start: int, end: int, label: str) -> dict[str, Any]:
    names = {"from_name": "label", "to_name": "text", "type": "labels"}
    return {"id": f"r{start}", **names, "value": {"start": start, "end": end, "labels": [label]}}


def test_a_decision_comes_back_as_ground_truth_with_who_and_why(studio: RunningStudio, labels: LabelSchema) -> None:
    client = StudioClient(studio.url, studio.token)
    suggestion = Annotation(Author.model("walk-1"), (Entity(0, 3, "FIRSTNAME", "e0", score=0.75),))
    given = Sample(TEXT, "en", "GB", "note", (suggestion,), {"fields": {"ticket_id": "T-1"}})
    number = push_samples(client, [given], labels, PushOptions(f"disputed {uuid.uuid4().hex[:8]}")).project
    assert number is not None
    [task] = client.iter_tasks(number, "id,data")
    assert (task["data"]["about"], task["data"]["ticket_id"]) == ("en · GB · note · ticket_id T-1", "T-1")
    unsure = {"id": "c1", "from_name": "document", "to_name": "text", "type": "choices"}
    for label in ("SURNAME", "CITY"):
        person = StudioClient(studio.url, sign_up(studio).token)
        regions = [make_region(0, 3, "FIRSTNAME"), make_region(4, 8, label), make_region(18, 22, "CITY")]
        submit_review(person, task["id"], [*regions, unsure | {"value": {"choices": ["unsure"]}}])
    report = pull_annotations(client, studio.workspace, labels, PullOptions(number))
    [sample] = read_samples([report.file], labels)
    assert sample.provenance["fields"] == {"ticket_id": "T-1"}
    assert [sorted(read_feedback(review).choices) for review in sample.reviews] == [["unsure"], ["unsure"]]
    assert all(review.entities[1].span in ((4, 8, "SURNAME"), (4, 8, "CITY")) for review in sample.reviews)

    reviews = list_raters(sample)
    [region] = list_regions(reviews)
    surname = next(one.entities for one in region.readings if one.entities[0].label == "SURNAME")
    file = str(report.file.relative_to(studio.workspace.root))
    place = find_place(studio.workspace, file, {"id": task["id"]})
    assert place is not None
    for why in ("her surname", "as in her passport"):
        verdict = Verdict(decide(reviews, [surname], reviews[0]), "Lea", why)
        write_verdict(studio.workspace, labels, sample, place, verdict)
        (studio.workspace.root / "adjudications.jsonl").unlink()
    [decided] = read_samples([report.file], labels)
    assert len(decided.reviews) == 3
    assert decided.best is decided.reviews[0]
    assert decided.reviews[0].ground_truth
    assert [entity.span for entity in decided.reviews[0].entities] == [
        (0, 3, "FIRSTNAME"),
        (4, 8, "SURNAME"),
        (18, 22, "CITY"),
    ]
    assert read_feedback(decided.reviews[0]).notes == ("Decided by Lea. as in her passport",)
