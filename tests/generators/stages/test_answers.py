from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.generators.providers.parsing import read_completion
from goldspan.generators.providers.protocol import Answer, AnswerState
from goldspan.generators.stages.answers import answer_schema, answer_validator, judge_answer
from goldspan.generators.stages.context import AnswerContext
from goldspan.generators.stages.prompts import build_system
from goldspan.generators.stages.stage import ModelSettings, StageInput, build_stages
from tests.generators.scripted import LABELS

BRIEF = {"language": "en", "country": "GB", "values": [{"label": "CITY", "value": "Lyon"}], "hard_negative": False}
DRAFT = "<FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME> moved to <CITY>Lyon</CITY>. She likes it."
COREFERENCE = (
    '<m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> moved to <CITY>Lyon</CITY>. '
    '<m c="1" k="PRONOUN">She</m> likes it.'
)


def judge(stage: str, document: object, tagged_text: str = "", brief=BRIEF, **fields):
    content = document if isinstance(document, str) else json.dumps(document)
    return judge_answer(Answer("id", content=content, **fields), stage, AnswerContext(LABELS, brief, tagged_text))


def test_draft_in_tagged_text():
    verdict = judge("draft", {"tagged_text": DRAFT})
    assert (verdict.state, verdict.result) == ("ok", {"tagged_text": DRAFT, "warnings": []})


def test_draft_as_values_without_places_is_aligned():
    values = [{"value": "Maria", "label": "FIRSTNAME"}, {"value": "Lyon", "label": "CITY"}]
    verdict = judge("draft", {"text": "Maria went to Lyon. Lyon!", "entities": values})
    assert verdict.result["tagged_text"] == "<FIRSTNAME>Maria</FIRSTNAME> went to <CITY>Lyon</CITY>. <CITY>Lyon</CITY>!"


@pytest.mark.parametrize("around", ["{}", "Sure! Here it is:\n\n```json\n{}\n```\nAnything else?", "Here you go: {}"])
def test_words_around_the_json_do_no_harm(around: str):
    assert judge("draft", around.replace("{}", '{"tagged_text": "in <CITY>Lyon</CITY>"}')).state == "ok"


def test_draft_in_a_fence_and_with_white_space_at_the_edges_is_read():
    verdict = judge("draft", '```json\n{"tagged_text": "in<CITY> Lyon </CITY>now"}\n```')
    assert verdict.result["tagged_text"] == "in <CITY>Lyon</CITY> now"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("{", "not JSON"),
        ([], "not JSON"),
        ({"text": "x"}, "does not fit"),
        ({"tagged_text": "Lyon and <NOSUCH>Paris</NOSUCH>"}, "NOSUCH"),
        ({"tagged_text": "<CITY>Paris is not <CITY>Lyon</CITY>"}, "never closed"),
        ({"tagged_text": "nothing of the brief"}, "do not stand in the text: CITY"),
        ({"tagged_text": "Lyon \ud800"}, "lone surrogate"),
        ({"tagged_text": "<FIRSTNAME>[Your Name]</FIRSTNAME> of <CITY>Lyon</CITY>"}, "placeholder"),
        ({"tagged_text": "Call <PHONENUMBER>XXX-XXX-XXXX</PHONENUMBER> in <CITY>Lyon</CITY>"}, "placeholder"),
        ({"tagged_text": "Sure! Here is the letter:\n\n<CITY>Lyon</CITY>"}, "more than the document"),
        ({"text": "Lyon", "entities": [{"value": "Paris", "label": "CITY"}]}, "does not stand in the text"),
        ({"text": "Lyon", "entities": [{"value": "Lyon", "label": "TOWN"}]}, "no labels TOWN"),
        ({"tagged_text": "<CITY>Pa</CITY>ris Lyon"}, "inside a word"),
    ],
)
def test_bad_drafts_are_refused_with_a_reason(document, reason):
    verdict = judge("draft", document)
    assert verdict.state == "invalid"
    assert reason in verdict.reason
    assert verdict.result is None


def test_hard_negative_with_entities_is_refused():
    verdict = judge("draft", {"tagged_text": "<CITY>Lyon</CITY>"}, brief={"hard_negative": True, "values": []})
    assert "without any entity" in verdict.reason


def test_coreference_adds_mentions_only():
    verdict = judge("coreference", {"tagged_text": COREFERENCE}, DRAFT)
    assert (verdict.state, verdict.result["tagged_text"]) == ("ok", COREFERENCE)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            COREFERENCE.replace("likes", "loves"),
            "The text was changed: it differs from the one given from character 33 on",
        ),
        (COREFERENCE.replace("PRONOUN", "NOUN"), "NOUN"),
        (DRAFT[:-1], "The text was changed"),
    ],
)
def test_coreference_that_changes_more_is_refused(answer, reason):
    verdict = judge("coreference", {"tagged_text": answer}, DRAFT)
    assert verdict.state == "invalid"
    assert reason in verdict.reason


@pytest.mark.parametrize(
    "answer",
    [
        COREFERENCE.replace("CITY", "STATE"),
        COREFERENCE.replace("<CITY>", "").replace("</CITY>", ""),
        COREFERENCE.replace("CITY", "city"),
        COREFERENCE.replace("<CITY>", "<CITY>", 1).replace("</CITY>", ""),
    ],
)
def test_entity_tags_that_coreference_changed_are_restored(answer):
    verdict = judge("coreference", {"tagged_text": answer}, DRAFT)
    assert (verdict.state, verdict.result["tagged_text"]) == ("ok", COREFERENCE)
    assert "entity_tags" in verdict.result["repairs"]


def test_changed_typography_is_restored():
    draft = "<FIRSTNAME>Ann</FIRSTNAME>’s “note” – she left."
    answer = '<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m>\'s "note" - <m c="1" k="PRONOUN">she</m> left.\n'
    verdict = judge("coreference", {"tagged_text": answer}, draft)
    assert verdict.result["tagged_text"].startswith('<m c="1"><FIRSTNAME>Ann</FIRSTNAME></m>’s “note” – <m')


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"finish_reason": "length"}, "truncated"),
        ({"finish_reason": "content_filter"}, "refused"),
        ({"refusal": "no"}, "refused"),
        ({"state": AnswerState.FAILED, "error": "http_400", "message": "bad"}, "failed"),
        ({"state": AnswerState.MISSING}, "missing"),
    ],
)
def test_finish_reason_comes_before_the_content(fields, state):
    assert judge("draft", {"tagged_text": DRAFT}, **fields).state == state


@given(st.text(max_size=60))
def test_no_content_breaks_the_judge(content):
    for stage in ("draft", "coreference", "review"):
        assert judge(stage, content, DRAFT).state == "invalid"
        assert judge(stage, {"tagged_text": content}, DRAFT).state in {"ok", "invalid"}


names = st.sampled_from(["choices", "usage", "message", "content", "model", "prompt_tokens"])
leaves = st.none() | st.integers() | st.text(max_size=5)
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner), max_leaves=8
)


@given(documents)
def test_no_completion_breaks_the_reader(document):
    if isinstance(document, dict):
        assert read_completion("id", document).custom_id == "id"


def test_schemas_are_strict_and_speak_no_references():
    for stage in ("draft", "coreference", "review"):
        schema = json.dumps(answer_schema(stage))
        assert "$ref" not in schema
        assert "minLength" not in schema
        assert '"additionalProperties": false' in schema
        assert not answer_validator(stage).accepts({})


def test_prompts_name_every_label_with_its_hints():
    system = build_system("draft", LABELS)
    for label in LABELS.entities:
        assert f"- {label.code}: {label.name}" in system
        assert all(hint in system for hint in label.hints)
    assert "- PRONOUN:" in build_system("coreference", LABELS)


def test_custom_ids_are_short_ascii_and_follow_the_bytes():
    stage = build_stages(("draft",), ModelSettings("m"), LABELS, 7)["draft"]
    ids = {stage.build_request(StageInput("draft", 10**9, n, BRIEF)).custom_id for n in (1, 2, 3)}
    assert len(ids) == 3
    assert all(len(custom_id) <= 64 and custom_id.isascii() for custom_id in ids)
    again = build_stages(("draft",), ModelSettings("m"), LABELS, 7)["draft"]
    assert again.build_request(StageInput("draft", 10**9, 1, BRIEF)).custom_id in ids
    assert build_stages(("draft",), ModelSettings("n"), LABELS, 7)["draft"].fingerprint() != stage.fingerprint()


@pytest.mark.parametrize(
    ("text", "state"), [("| city | day |\n| Lyon | 3 |", "ok"), ("She lives in |CITY| Lyon.", "invalid")]
)
def test_a_label_between_bars_is_refused_unless_it_heads_a_column(text: str, state: str):
    content = json.dumps({"tagged_text": text.replace("Lyon", "<CITY>Lyon</CITY>")})
    brief = {"language": "en", "values": [{"label": "CITY", "value": "Lyon"}]}
    assert judge_answer(Answer("id", content=content), "draft", AnswerContext(LABELS, brief)).state == state


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("<CITY>Lyon</CITY>. She gave <SSN>819-95-5538</SSN> (SSN), as requested.", "ok"),
        ("<CITY>Lyon</CITY>. The account is <IBAN>DE89370400440532013000</IBAN> (IBAN).", "ok"),
        ("She moved to <CITY>Lyon</CITY> (CITY) in spring.", "invalid"),
    ],
)
def test_an_abbreviation_that_people_write_may_stand_behind_its_value(text: str, state: str):
    assert judge("draft", {"tagged_text": text}).state == state


def test_a_table_of_empty_rows_does_not_repeat_itself():
    row = f"|{' ' * 12}|{' ' * 12}|{' ' * 22}|\n"
    assert judge("draft", {"tagged_text": f"| City | <CITY>Lyon</CITY> |\n{row * 6}"}).state == "ok"
    circle = "The parcel was brought to the house of the neighbour on Monday. " * 6
    assert "repeats itself" in judge("draft", {"tagged_text": f"<CITY>Lyon</CITY>: {circle}"}).reason
