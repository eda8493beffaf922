from __future__ import annotations

from dataclasses import replace

import orjson
import pytest
from hypothesis import given

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import decode_task, encode_task, read_task, validate_task
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Origin, Sample, Status
from tests.strategies import LABELS, samples


def partition(annotation: Annotation) -> set[frozenset[tuple[int, int]]]:
    return {frozenset((m.start, m.end) for m in ms) for ms in annotation.clusters.values() if len(ms) > 1}


@given(samples())
def test_round_trip_keeps_spans_labels_and_clusters(sample: Sample) -> None:
    task = orjson.loads(orjson.dumps(encode_task(sample, LABELS)))
    assert validate_task(task, LABELS) == []
    again = decode_task(task, LABELS)
    before, after = sample.annotations[0], again.annotations[0]
    assert again.text == sample.text
    assert after.entities == before.entities
    assert [m.span for m in after.mentions] == [m.span for m in before.mentions]
    assert partition(after) == partition(before)
    for region in task["predictions"][0]["result"]:
        if region["type"] == "labels":
            value = region["value"]
            assert sample.text[value["start"] : value["end"]] == value["text"]


def test_people_drafts_and_cancelled_work_come_back(labels: LabelSchema) -> None:
    review = Annotation(
        Author.person("ann@team.test"),
        (Entity(0, 4, "CITY", "r1", Origin.PREDICTION_CHANGED),),
        id="7",
        lead_time=3.5,
        parent="3",
        updated_at="2026-01-01T00:00:00Z",
    )
    others = (
        replace(review, id="8", status=Status.DRAFT),
        replace(review, id="9", status=Status.CANCELLED, entities=()),
        replace(review, id="10", author=Author.person("12"), entities=()),
    )
    prediction = Annotation(Author.model("m-1"), (Entity(0, 4, "CITY", "r1"),), id="3", score=0.5)
    sample = Sample("Lyon", "fr", annotations=(prediction, review, *others))
    again = decode_task(encode_task(sample, labels), labels)
    by_id = {annotation.id: annotation for annotation in again.annotations}
    assert by_id["7"] == review
    assert by_id["7"].entities[0].origin is Origin.PREDICTION_CHANGED
    assert by_id["8"].status is Status.DRAFT
    assert by_id["9"].status is Status.CANCELLED
    assert by_id["10"].author.name == "12"
    assert by_id["3"] == prediction
    assert [annotation.id for annotation in again.reviews] == ["7", "10"]


def test_an_entity_region_in_a_relation_is_a_mention_without_a_second_region(labels: LabelSchema) -> None:
    sample = Sample("Tom said he left", "en", annotations=(Annotation(
        Author.person("1"),
        (Entity(0, 3, "FIRSTNAME", "a"),),
        (Mention(0, 3, "MENTION", "1", "a"), Mention(9, 11, "PRONOUN", "1", "b")),
    ),))  # fmt: skip
    task = encode_task(sample, labels)
    assert [item.get("id") for item in task["annotations"][0]["result"]] == ["a", "b", None]
    assert decode_task(task, labels).annotations == sample.annotations


def broken(**changes: object) -> dict[str, object]:
    region = {
        "id": "a", "from_name": "label", "to_name": "text", "type": "labels",
        "value": {"start": 0, "end": 4, "text": "Lyon", "labels": ["CITY"]},
    }  # fmt: skip
    return region | changes


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (["not a region"], "broken_region"),
        ([broken(value={"start": 0, "end": 4, "labels": []})], "broken_region"),
        ([broken(value={"end": 4, "labels": ["CITY"]})], "broken_region"),
        ([broken(value={"start": 0, "end": 4, "labels": [{}]})], "broken_region"),
        ([broken(value={"start": 0, "end": float("inf"), "labels": ["CITY"]})], "broken_region"),
        ([broken(value=None)], "broken_region"),
        ([broken(), broken()], "duplicate_id"),
        ([broken(value={"start": 0, "end": 4, "text": "Paris", "labels": ["CITY"]})], "text_mismatch"),
        ([{"type": "relation", "from_id": "a", "to_id": "zz", "labels": ["refers-to"]}], "dangling_relation"),
        ([broken(), {"type": "relation", "from_id": "a", "to_id": "a", "labels": ["refers-to"]}], "self_relation"),
        ([broken(), {"type": "relation", "from_id": "a", "to_id": "b", "labels": ["knows"]}], "unknown_relation"),
    ],
)
def test_what_cannot_be_read_is_an_issue_and_the_rest_is_kept(
    result: list[object], code: str, labels: LabelSchema
) -> None:
    task = {"data": {"text": "Lyon is far"}, "predictions": [{"model_version": "m", "result": result}]}
    reading = read_task(task, labels)
    assert [issue.code for issue in reading.issues] == [code]
    assert reading.issues[0].annotation_index == 0
    with pytest.raises(RecordError, match=code):
        decode_task(task, labels)


def test_ids_that_are_numbers_connect_too(labels: LabelSchema) -> None:
    mentions = [
        broken(id=number, from_name="mention", value={"start": start, "end": start + 1, "labels": ["PRONOUN"]})
        for number, start in ((5, 0), (6, 5))
    ]
    link = {"type": "relation", "from_id": 6, "to_id": 5, "labels": ["refers-to"]}
    reading = read_task({"data": {"text": "I am I"}, "annotations": [{"result": [*mentions, link]}]}, labels)
    assert reading.issues == []
    assert [len(cluster) for cluster in reading.sample.annotations[0].clusters.values()] == [2]


def test_line_breaks_written_out_by_label_studio_are_no_mismatch(labels: LabelSchema) -> None:
    value = {"start": 0, "end": 6, "text": "Köln\\n\\nX", "labels": ["CITY"]}
    task = {"data": {"text": "Köln\n\nX"}, "annotations": [{"result": [broken(value=value | {"end": 7})]}]}
    assert read_task(task, labels).issues == []


def test_a_changed_text_is_noticed(labels: LabelSchema) -> None:
    task = encode_task(Sample("Lyon", "fr"), labels)
    task["data"]["text"] = "Lyon "
    assert [issue.code for issue in read_task(task, labels).issues] == ["text_changed"]


@pytest.mark.parametrize("task", [{}, {"data": {}}, {"data": {"text": None}}, {"data": []}])
def test_a_task_without_text_is_refused(task: dict[str, object], labels: LabelSchema) -> None:
    with pytest.raises(RecordError) as caught:
        read_task(task, labels)
    assert caught.value.pointer == "/data/text"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"labels": ["NO_LABEL"]}, "/predictions/0/result/0/value/labels/0"),
        ({"labels": []}, "/predictions/0/result/0/value/labels"),
        ({"start": -1}, "/predictions/0/result/0/value/start"),
        ({"end": "4"}, "/predictions/0/result/0/value/end"),
    ],
)
def test_the_json_schema_names_the_place(change: dict[str, object], pointer: str, labels: LabelSchema) -> None:
    prediction = Annotation(Author.model("m"), (Entity(0, 4, "CITY"),))
    task = encode_task(Sample("Lyon", "fr", annotations=(prediction,)), labels)
    task["predictions"][0]["result"][0]["value"] |= change
    assert [problem.pointer for problem in validate_task(task, labels)] == [pointer]


def test_what_is_no_span_survives_a_round_trip() -> None:
    other = '[{"type":"choices","value":{"choices":["sure"]}}]'
    authors = (Author.model("m/v1"), Author.person("ann@example.test"))
    sample = Sample("Hello", "en", annotations=tuple(Annotation(author, other=other) for author in authors))
    task = encode_task(sample, LABELS)
    assert validate_task(task, LABELS) == []
    assert [annotation.other for annotation in read_task(task, LABELS).sample.annotations] == [other, other]
