"""The judge stage: scores are read, kept on the sample, and never cost a sample."""

from __future__ import annotations

import json

import pytest

from goldspan.annotation.corpus.coverage import count_coverage
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.dashboards.views.runs import tabulate_scores
from goldspan.generators.offline.model import write_content
from goldspan.generators.providers.budget import Prices
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.estimate import estimate_run
from goldspan.generators.runs.pipeline import RunOutcome
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from tests.generators.scripted import LABELS, ScriptedExecutor, drive_scripted, make_settings

DRAFT = "in <CITY>Lyon</CITY>"
GOOD = {"naturalness": 4, "brief": 5, "consistency": 3, "remark": ""}


def judge(document: object):
    content = document if isinstance(document, str) else json.dumps(document)
    return judge_answer(Answer("id", content=content), "judge", AnswerContext(LABELS, {"language": "en"}, DRAFT))


def test_scores_are_kept_and_the_text_stays():
    verdict = judge({**GOOD, "remark": " Rather\nstiff. "})
    assert verdict.result == {
        "tagged_text": DRAFT,
        "judge": {"naturalness": 4, "brief": 5, "consistency": 3, "remark": "Rather stiff."},
        "warnings": [],
    }


@pytest.mark.parametrize(
    "document",
    [
        {**GOOD, "naturalness": "4", "brief": "5/5", "consistency": 3.0},
        {"scores": {"naturalness": 4, "brief": 5, "consistency": 3}},
        {**GOOD, "thoughts": "…", "tagged_text": "other"},
        "```json\n" + json.dumps(GOOD) + "\n```",
    ],
)
def test_what_is_clear_is_read(document: object):
    assert judge(document).result["judge"] == {"naturalness": 4, "brief": 5, "consistency": 3}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({**GOOD, "brief": 6}, "from 1 to 5; brief is not"),
        ({**GOOD, "brief": 4.5}, "does not fit"),
        ({**GOOD, "brief": True}, "does not fit"),
        ({**GOOD, "brief": "good"}, "does not fit"),
        ({"naturalness": 4}, "does not fit"),
        ("fine!", "not JSON"),
        (DRAFT, "not JSON"),
    ],
)
def test_the_rest_is_refused(document: object, reason: str):
    verdict = judge(document)
    assert verdict.state == "invalid"
    assert reason in verdict.reason


def answer(request: Request, *, judging: str = "") -> Answer:
    content = judging if judging and request.stage == "judge" else write_content(request.body, LABELS)
    return Answer(request.custom_id, content=content, tokens_in=100, tokens_out=20, model="m")


def read_run(root):
    return list(read_samples([root / "annotation_samples" / "r.jsonl"], LABELS))


def test_scores_stand_on_the_sample_and_in_the_dashboard(tmp_path):
    settings = make_settings(samples=5, review=True, judge=True)
    assert estimate_run(settings, LABELS).requests == 5 * 4
    summary = drive_scripted(tmp_path, settings, ScriptedExecutor(answer))
    assert summary.outcome is RunOutcome.DONE
    for sample in read_run(tmp_path):
        assert set(sample.provenance["judge"]) == {"naturalness", "brief", "consistency"}
        assert [stage["stage"] for stage in sample.provenance["stages"]][-1] == "judge"
    table = tabulate_scores(Workspace(tmp_path), "r")
    assert table["score"].to_list() == ["naturalness", "brief", "consistency"]
    assert table["texts"].to_list() == [5, 5, 5]
    assert all(3 <= mean <= 5 for mean in table["mean"])


def test_a_judge_that_does_not_answer_costs_no_sample_and_a_cut_run_pays_nothing_twice(tmp_path):
    settings = make_settings(samples=3, judge=True, attempts=2)
    first = ScriptedExecutor(lambda request: answer(request, judging="fine!"), stop_after=4, at_once=1)
    drive_scripted(tmp_path, settings, first, prices=Prices(1.0, 1.0))
    second = ScriptedExecutor(lambda request: answer(request, judging="fine!"))
    summary = drive_scripted(tmp_path, settings, second, prices=Prices(1.0, 1.0))
    assert (summary.outcome, summary.progress.dead) == (RunOutcome.DONE, 0)
    asked = [request.custom_id for request in (*first.asked, *second.asked)]
    assert len(asked) == len(set(asked)) == 3 * 4
    assert len(read_run(tmp_path)) == 3
    assert all("judge" not in sample.provenance for sample in read_run(tmp_path))


@pytest.mark.parametrize(
    ("scores", "is_reviewed", "counted"),
    [(GOOD, False, 1), ({**GOOD, "consistency": 2}, False, 0), ({**GOOD, "brief": 1}, True, 1), ("odd", False, 1)],
)
def test_gaps_are_filled_as_if_poor_samples_were_not_there(scores: object, is_reviewed: bool, counted: int):
    authors = [Author.model("m"), *([Author.person("a@example.org")] if is_reviewed else [])]
    annotations = tuple(Annotation(author, (Entity(3, 7, "CITY"),)) for author in authors)
    sample = Sample("in Lyon", "en", "FR", "chat", annotations, {"judge": scores}, "s1")
    assert count_coverage([sample]).total() == counted
