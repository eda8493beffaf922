"""A task of Label Studio as a record: cleaned, re-sliced, ordered, never trusted."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import RecordError, UnknownNameError
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.results import SplitResult, split_result
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.labelstudio.project.textview import PlainView
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy, parse_ranking_policy, rank_annotations
from goldspan.annotation.labelstudio.pull.records import RecordBuilder, TaskSource, digest_record, snap_result
from goldspan.annotation.tasks.codec import encode_task, read_task, validate_task
from tests.strategies import LABELS, samples

TEXT = "Ann Lee 🎉 lives in Köln."


def region(
    start: Any, end: Any, label: str | None = "CITY", region_id: str | None = "r1", **value: Any
) -> dict[str, Any]:
    fields = {"start": start, "end": end, **({"labels": [label]} if label else {}), **value}
    name = "mention" if label in LABELS.mention_codes else "label"
    item: dict[str, Any] = {"from_name": name, "to_name": "text", "type": "labels", "value": fields}
    return item | ({"id": region_id} if region_id else {})


def relation(source: str, target: str, **fields: Any) -> dict[str, Any]:
    return {"type": "relation", "from_id": source, "to_id": target, **fields}


def make_task(**fields: Any) -> dict[str, Any]:
    data = {"text": TEXT, "sample_id": "s", "text_sha256": hash_text(TEXT), "language": "en"}
    return {"id": 5, "updated_at": "2026-01-01T00:00:00.000000Z", "data": data, **fields}


def make_annotation(number: int, result: list[Any] | None = None, **fields: Any) -> dict[str, Any]:
    chosen = [region(19, 23)] if result is None else result
    return {"id": number, "completed_by": 1, "result": chosen, "was_cancelled": False, **fields}


MAPPING = map_tags(parse_tags(build_config(LABELS)), LABELS)


def build(task: dict[str, Any], **options: Any) -> Any:
    source = TaskSource(3, MAPPING)
    return RecordBuilder(source, {1: "ann@example.test"}, LABELS, RankingPolicy(), **options).build(task)


def split(*items: Any) -> SplitResult:
    return split_result(PlainView(TEXT), items, MAPPING, LABELS)


def test_text_is_sliced_and_offsets_become_whole_numbers() -> None:
    read = split(region("19", 23.0, text="stale"))
    assert read.result[0]["value"] == {"start": 19, "end": 23, "text": "Köln", "labels": ["CITY"]}
    assert read.lost == []


@pytest.mark.parametrize(
    "broken",
    [
        region(19, 99),
        region(23, 19),
        region(-1, 3),
        region(1.5, 3),
        region(0, 3, label=None),
        region("x", 3),
        {"type": "labels", "id": "r", "from_name": "label"},
        {**region(0, 3), "from_name": "gone"},
        "no dictionary",
    ],
)
def test_spans_that_cannot_be_read_are_named_and_kept_verbatim(broken: Any) -> None:
    read = split(broken, region(0, 3, "FIRSTNAME", "ok"))
    assert ([item["id"] for item in read.result], len(read.lost), read.other) == (["ok"], 1, [broken])


def test_relations_get_what_the_editor_leaves_out_and_dangling_ones_are_named() -> None:
    items = [region(0, 3, "MENTION", "a"), region(4, 7, "MENTION", "b"), relation("b", "a"), relation("b", "gone")]
    read = split(*items)
    assert read.result[2:] == [relation("b", "a", direction="right", labels=["refers-to"])]
    assert [note.code for note in read.notes] == ["dangling_relation"]
    assert read.other == [relation("b", "gone")]


def test_snapping_says_from_where_to_where() -> None:
    items = [region(19, 22), region(4, 7, "SURNAME", "r2")]
    assert snap_result(TEXT, items) == [{"region": "r1", "from": [19, 22], "to": [19, 23]}]
    assert items[0]["value"]["text"] == "Köln"


def test_record_holds_everybody_and_how_it_was_pulled() -> None:
    draft = {"id": 9, "user": "bob@example.test", "result": [], "annotation": None, "was_postponed": False}
    pulled = build(make_task(annotations=[make_annotation(7, lead_time=3.5, parent_prediction=2)], drafts=[draft]))
    record = pulled.record
    assert validate_task(record, LABELS) == []
    assert record["annotations"][0]["completed_by"] == {"id": 1, "email": "ann@example.test"}
    assert record["drafts"][0]["completed_by"] == {"email": "bob@example.test"}
    pull = record["data"]["provenance"]["pull"]
    assert (pull["chosen"], pull["because"], pull["task"], pull["project"]) == (7, "only", 5, 3)
    assert pull["sha256"] == digest_record(record)
    assert [entry.code for entry in pulled.lints] == []


@pytest.mark.parametrize("broken", [region(19, 99), region(0, 3, label=None), {"type": "labels", "from_name": "label"}])
def test_a_review_with_a_span_that_cannot_be_read_is_refused(broken: dict[str, Any]) -> None:
    """Without the span it would say that somebody looked and found nothing."""
    with pytest.raises(RecordError, match="annotation 7 cannot be read whole"):
        build(make_task(annotations=[make_annotation(7, [broken, region(0, 3, "FIRSTNAME", "ok")])]))
    skipped = make_annotation(7, [broken], was_cancelled=True)
    draft = {"id": 9, "user": "bob@example.test", "result": [broken]}
    pulled = build(make_task(annotations=[skipped], drafts=[draft]))
    assert len(pulled.lints) == 2
    assert orjson.loads(pulled.record["drafts"][0]["other_results"]) == [broken]


def test_regions_without_id_are_read_and_get_the_same_one_each_time() -> None:
    task = make_task(annotations=[make_annotation(7, [region(0, 3, "FIRSTNAME", None), region(19, 23, "CITY", None)])])
    first, second = build(task).record, build(task).record
    assert first == second
    sample, issues = read_task(first, LABELS)
    assert [entity.span for entity in sample.annotations[0].entities] == [(0, 3, "FIRSTNAME"), (19, 23, "CITY")]
    assert issues == []


def test_what_is_no_span_is_kept_verbatim_and_counted() -> None:
    choice = {"from_name": "mood", "to_name": "text", "type": "choices", "value": {"choices": ["sure"]}, "id": "c"}
    per_region = {**choice, "id": "r1", "value": {"start": 19, "end": 23, "choices": ["sure"]}}
    pulled = build(make_task(annotations=[make_annotation(7, [region(19, 23), choice, per_region])]))
    (review,) = pulled.record["annotations"]
    assert [item["id"] for item in review["result"]] == ["r1"]
    assert orjson.loads(review["other_results"]) == [choice, per_region]
    assert validate_task(pulled.record, LABELS) == []
    assert pulled.lints == ()


def test_a_second_label_is_kept_verbatim_and_reported() -> None:
    double = region(19, 23, labels=["CITY", "SURNAME"])
    pulled = build(make_task(annotations=[make_annotation(7, [double])]))
    (review,) = pulled.record["annotations"]
    assert review["result"][0]["value"]["labels"] == ["CITY"]
    assert orjson.loads(review["other_results"]) == [double]
    assert [lint.code for lint in pulled.lints] == ["second_label"]


def test_two_regions_of_one_id_are_both_read() -> None:
    read = split(region(0, 3, "FIRSTNAME"), region(19, 23))
    assert [item["id"] for item in read.result] == ["r1", "r1x"]
    assert [note.code for note in read.notes] == ["duplicate_id"]


FOREIGN = """<View><Labels name="ner" toName="body"><Label value="Person name"/><Label value="Town"/></Labels>
<Relations><Relation value="met"/></Relations><Choices name="mood" toName="body"><Choice value="good"/></Choices>
<Text name="body" value="$content"/></View>"""


def build_foreign(result: list[Any], codes: dict[str, str], **options: Any) -> Any:
    source = TaskSource(3, map_tags(parse_tags(FOREIGN), LABELS, codes), language="en", **options)
    task = {"id": 5, "updated_at": "u", "data": {"content": TEXT, "ticket": 7}}
    return RecordBuilder(source, {}, LABELS, RankingPolicy()).build(
        {**task, "annotations": [make_annotation(7, result)]}
    )


def test_a_project_with_names_of_its_own_is_read_by_its_mapping() -> None:
    person = {**region(0, 3, "Person name", "a"), "from_name": "ner", "to_name": "body"}
    town = {**region(19, 23, "Town", "b"), "from_name": "ner", "to_name": "body"}
    met = relation("a", "b")
    pulled = build_foreign([person, town, met], {"Person name": "FIRSTNAME", "Town": ""}, annotator="ann")
    record = pulled.record
    assert validate_task(record, LABELS) == []
    (review,) = record["annotations"]
    assert [(item["from_name"], item["value"]["labels"]) for item in review["result"]] == [("label", ["FIRSTNAME"])]
    assert orjson.loads(review["other_results"]) == [town, met]
    assert review["completed_by"] == {"email": "ann"}
    data = record["data"]
    assert (data["text"], data["language"], data["provenance"]["fields"]) == (TEXT, "en", {"ticket": 7})
    assert [lint.code for lint in pulled.lints] == ["foreign_relation"]
    with pytest.raises(RecordError, match="studio doctor --project 3"):
        build_foreign([person], {})


def test_languages_and_countries_are_brought_to_our_letter_case() -> None:
    for tag, language, country in (("EN", "en", ""), ("pt_BR", "pt", "BR"), ("de-Latn-AT", "de", "AT")):
        data = {"text": "Hello", "language": tag}
        read = build({"id": 1, "updated_at": "", "data": data, "annotations": []}).record["data"]
        assert (read["language"], read.get("country")) == (language, country)


def test_changed_or_missing_text_is_refused() -> None:
    task = make_task(annotations=[])
    task["data"]["text"] += " "
    with pytest.raises(RecordError, match="changed"):
        build(task)
    with pytest.raises(RecordError, match="no text"):
        build({"id": 1, "updated_at": "", "data": {"sample_id": "s"}})


def test_unknown_labels_are_refused_with_a_pointer() -> None:
    with pytest.raises(RecordError) as caught:
        build(make_task(annotations=[make_annotation(1, [region(19, 23, "NO_SUCH")])]))
    assert caught.value.pointer.startswith("/annotations/0/result/0")


def test_tasks_of_strangers_get_a_sample_id() -> None:
    record = build({"id": 1, "updated_at": "", "data": {"text": "Hello"}, "annotations": []}).record
    assert record["data"]["sample_id"]
    assert validate_task(record, LABELS) == []


@given(samples())
def test_digest_ignores_the_pull_and_notices_everything_else(sample: Any) -> None:
    record = encode_task(sample, LABELS)
    before = digest_record(record)
    record["data"]["provenance"]["pull"] = {"sha256": before}
    assert digest_record(record) == before
    record["data"]["country"] = "XX"
    assert digest_record(record) != before


@given(samples())
def test_building_keeps_every_sound_span(sample: Any) -> None:
    task = encode_task(sample, LABELS)
    for number, prediction in enumerate(task["predictions"]):
        prediction |= {"id": number, "created_at": "c", "updated_at": "u"}
    before, issues = read_task(task, LABELS)
    if issues or not all(0 <= span.start < span.end for span in before.annotations[0].entities):
        return
    record = build({**task, "id": 1, "updated_at": "u"}).record
    after, _ = read_task(record, LABELS)
    assert after.annotations[0].entities == before.annotations[0].entities
    assert after.annotations[0].mentions == before.annotations[0].mentions


def rank(annotations: list[dict[str, Any]], policy: RankingPolicy) -> tuple[list[int], str]:
    ranked, reason = rank_annotations(annotations, policy)
    return [annotation["id"] for annotation in ranked], reason


def person(number: int, email: str, updated: str, result: list[Any], **fields: Any) -> dict[str, Any]:
    return {"id": number, "completed_by": {"email": email}, "updated_at": updated, "result": result, **fields}


def test_rules_decide_in_their_order() -> None:
    city, none = [region(19, 23)], list[Any]()
    first = person(1, "a@x", "2026-01-01", city)
    second = person(2, "b@x", "2026-01-02", city)
    third = person(3, "c@x", "2026-01-03", none)
    everyone = [first, second, third]
    assert rank(everyone, parse_ranking_policy("latest")) == ([3, 2, 1], "latest")
    assert rank(everyone, parse_ranking_policy("majority")) == ([2, 1, 3], "majority")
    assert rank([first, second], parse_ranking_policy("majority")) == ([2, 1], "latest")
    assert rank([first, {**second, "completed_by": {"email": "a@x"}}, third], parse_ranking_policy("majority")) == (
        [3, 2, 1],
        "latest",
    )
    assert rank([first, third], parse_ranking_policy("reviewer>majority", ["a@x"])) == ([1, 3], "reviewer")
    assert rank([{**first, "ground_truth": True}, second, third], RankingPolicy()) == ([1, 2, 3], "gold")
    assert rank([first], RankingPolicy()) == ([1], "only")
    assert rank([{**third, "was_cancelled": True}, first], RankingPolicy()) == ([1, 3], "only")
    assert rank([{**third, "was_cancelled": True}], RankingPolicy()) == ([3], "")


def test_unknown_rules_are_named() -> None:
    with pytest.raises(UnknownNameError, match="majority"):
        parse_ranking_policy("gold>majorty")
    assert str(parse_ranking_policy("gold")) == "gold>latest"


@given(st.permutations(range(1, 6)))
def test_ranking_does_not_depend_on_the_order_given(order: list[int]) -> None:
    annotations = [person(number, f"{number % 2}@x", f"2026-01-0{number % 3 + 1}", []) for number in order]
    ranked, _ = rank_annotations(annotations, RankingPolicy())
    expected, _ = rank_annotations(sorted(annotations, key=lambda item: item["id"]), RankingPolicy())
    assert ranked == expected


def test_what_a_reviewer_was_shown_is_read_though_the_task_has_it_no_more() -> None:
    shown = {"id": 7, "model_version": "v1", "result": [region(0, 3)], "created_at": "2026-01-01T00:00:00Z"}
    newer = {"id": 9, "model_version": "v2", "result": [region(19, 23)], "created_at": "2026-01-03T00:00:00Z"}
    review = make_annotation(1, parent_prediction=7, prediction=shown)
    record = build(make_task(annotations=[review], predictions=[newer])).record
    assert [item["model_version"] for item in record["predictions"]] == ["v1", "v2"]
    for copy in ({}, None, {"id": 9, "result": []}, {"id": 7}):
        review = make_annotation(1, parent_prediction=7, prediction=copy)
        record = build(make_task(annotations=[review], predictions=[newer])).record
        assert [item["id"] for item in record["predictions"]] == [9]
