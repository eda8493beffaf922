from __future__ import annotations

import json

from goldspan.generators.providers.protocol import Answer
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from tests.generators.scripted import LABELS

BEFORE = (
    '<m c="1"><FIRSTNAME>Ann</FIRSTNAME> Lee</m> of <CITY>Bordeaux SA</CITY> called. <m c="1" k="PRONOUN">She</m> '
    "lives in <COUNTRY>Lyon</COUNTRY> with <SURNAME>Rex</SURNAME>."
)


def review(after: str, *proposals: tuple[str, str, str]):
    document = {
        "proposals": [
            {"kind": kind, "value": value, "label": label, "reason": "because"} for kind, value, label in proposals
        ],
        "tagged_text": after,
    }
    context = AnswerContext(LABELS, {"language": "en", "country": "FR"}, BEFORE)
    return judge_answer(Answer("id", content=json.dumps(document)), "review", context)


def test_nothing_to_correct_leaves_everything():
    verdict = review(BEFORE)
    assert verdict.result["tagged_text"] == BEFORE
    assert verdict.result["proposals"] == []


def test_each_kind_of_change_is_applied_with_its_reason():
    after = (
        BEFORE.replace(" Lee", " <SURNAME>Lee</SURNAME>")
        .replace("<CITY>Bordeaux SA</CITY>", "<COMPANYNAME>Bordeaux SA</COMPANYNAME>")
        .replace("<COUNTRY>Lyon</COUNTRY>", "<CITY>Lyon</CITY>")
        .replace("<SURNAME>Rex</SURNAME>", "Rex")
    )
    verdict = review(
        after,
        ("add", "Lee", "SURNAME"),
        ("relabel", "Bordeaux SA", "COMPANYNAME"),
        ("relabel", "Lyon", "CITY"),
        ("remove", "Rex", ""),
    )
    assert verdict.result["tagged_text"] == after
    assert [(p["kind"], p["accepted"]) for p in verdict.result["proposals"]] == [
        ("add", True),
        ("relabel", True),
        ("relabel", True),
        ("remove", True),
    ]
    assert {p["reason"] for p in verdict.result["proposals"]} == {"because"}


def test_change_without_a_proposal_is_recorded_and_not_applied():
    verdict = review(BEFORE.replace("<SURNAME>Rex</SURNAME>", "Rex"))
    assert verdict.result["tagged_text"] == BEFORE
    assert verdict.result["proposals"][0]["accepted"] is False
    assert verdict.result["proposals"][0]["reason"] == "no reason was given"


def test_proposal_without_a_change_is_recorded_as_not_accepted():
    verdict = review(BEFORE, ("add", "Lee", "SURNAME"))
    assert verdict.result["tagged_text"] == BEFORE
    assert [p["accepted"] for p in verdict.result["proposals"]] == [False]


def test_mentions_change_only_with_a_coreference_proposal():
    after = BEFORE.replace('<m c="1" k="PRONOUN">She</m>', '<m c="2" k="PRONOUN">She</m>')
    assert review(after).result["tagged_text"] == BEFORE
    assert review(after, ("coreference", "She", "")).result["tagged_text"] == after


def test_resized_entity():
    after = BEFORE.replace("<CITY>Bordeaux SA</CITY>", "<CITY>Bordeaux</CITY> SA")
    verdict = review(after, ("resize", "Bordeaux", "CITY"))
    assert verdict.result["tagged_text"] == after
    assert verdict.result["proposals"][0]["kind"] == "resize"


def test_changed_text_is_refused():
    verdict = review(BEFORE.replace("called", "rang"))
    assert verdict.state == "invalid"
    assert "The text was changed" in verdict.reason


def test_records_never_quote_the_text():
    verdict = review(BEFORE.replace("<SURNAME>Rex</SURNAME>", "Rex"), ("remove", "Rex", ""))
    assert "Rex" not in json.dumps(verdict.result["proposals"])
