"""Projects that a team set up by itself, in a real Label Studio: pulled, joined, pre-annotated, left as they are."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.formats.importing import import_files
from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.adopt import AdoptOptions, adopt_projects
from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
from goldspan.annotation.labelstudio.push.run import PushOptions, PushReport, push_samples
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.people.agreement import measure_agreement
from tests.walk.conftest import RunningStudio
from tests.walk.people import sign_up

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.walk

NER = """<View>
  <Header value="Our guideline: é"/>
  <Labels name="ner" toName="txt"><Label value="Person name" background="#112233"/><Label value="Ort"/></Labels>
  <Relations><Relation value="met"/></Relations>
  <Choices name="mood" toName="txt"><Choice value="sure"/></Choices>
  <Text name="txt" value="$content"/>
</View>"""
HYPER = (
    '<View><HyperTextLabels name="ner" toName="d"><Label value="PER"/></HyperTextLabels>'
    '<HyperText name="d" value="$html"/></View>'
)
TALK = (
    '<View><ParagraphLabels name="ner" toName="d"><Label value="PER"/></ParagraphLabels>'
    '<Paragraphs name="d" value="$talk" layout="dialogue" nameKey="author" textKey="said"/></View>'
)
ADDRESS = (
    '<View><Labels name="ner" toName="d"><Label value="PER"/></Labels>'
    '<Text name="d" value="$file" valueType="url"/></View>'
)


@pytest.fixture(scope="module", params=["studio", pytest.param("postgres_studio", marks=pytest.mark.postgres)])
def studio_of_team(request: pytest.FixtureRequest) -> RunningStudio:
    """The Label Studio of a team, on either database."""
    running: RunningStudio = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="module")
def client(studio_of_team: RunningStudio) -> StudioClient:
    return StudioClient(studio_of_team.url, studio_of_team.token)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def create(client: StudioClient, config: str, *data: dict[str, Any]) -> int:
    title = f"team {uuid.uuid4().hex[:10]}"
    number = int(client.create_project({"title": title, "label_config": config})["id"])
    client.import_tasks(number, [orjson.dumps({"data": item}) for item in data])
    return number


def annotate(client: StudioClient, project: int, *results: list[dict[str, Any]]) -> None:
    for task, result in zip(list(client.iter_tasks(project, "id")), results, strict=True):
        client.create_annotation(task["id"], {"result": result, "lead_time": 3})


def region(start: int, end: int, label: str, **fields: Any) -> dict[str, Any]:
    value = {"start": start, "end": end, "labels": [label]}
    return {"from_name": "ner", "to_name": "txt", "type": "labels", "value": value, **fields}


def pull(client: StudioClient, workspace: Workspace, adoption: Any, **options: Any) -> PullReport:
    settings = PullOptions(adoption.name, **options)
    return pull_annotations(client, workspace, load_labels(adoption.labels), settings)


def read_file(report: PullReport) -> list[dict[str, Any]]:
    return [record.value for record in read_records(report.file)]


def push(client: StudioClient, adoption: Any, project: int | str, samples: list[Sample]) -> PushReport:
    return push_samples(client, samples, load_labels(adoption.labels), PushOptions(project, adoption=adoption))


def predict(sample: Sample, surface: str, label: str) -> Sample:
    start = sample.text.index(surface)
    entities = (Entity(start, start + len(surface), label),)
    return dataclasses.replace(sample, annotations=(Annotation(Author.model("walk/v1"), entities, score=0.5),))


def test_two_projects_of_one_annotator_each_are_one_data_set(client: StudioClient, workspace: Workspace) -> None:
    texts = [{"content": "Ann met Bob in Lyon", "nr": 1}, {"content": "Bob 🎉 is in Paris", "nr": 2}]
    first, second = create(client, NER, *texts), create(client, NER, *reversed(texts))
    met = {"type": "relation", "from_id": "x", "to_id": "y", "direction": "right"}
    choice = {"from_name": "mood", "to_name": "txt", "type": "choices", "value": {"choices": ["sure"]}}
    people = [region(0, 3, "Person name", id="x"), region(8, 11, "Person name", id="y")]
    annotate(client, first, [*people, met, choice], [region(12, 17, "Ort")])
    annotate(client, second, [region(0, 3, "Person name")], people)
    options = AdoptOptions(annotators={first: "ann", second: "bob"}, language="en")
    adoption = adopt_projects(client, workspace, [first, second], options)

    report = pull(client, workspace, adoption)
    assert (report.added, report.refused, report.other_results) == (2, (), 2)
    labels = load_labels(adoption.labels)
    samples = list(read_samples([report.file], labels))
    spans = {
        (sample.text[:3], review.author.name): [entity.span for entity in review.entities]
        for sample in samples
        for review in sample.reviews
    }
    assert spans == {
        ("Ann", "ann"): [(0, 3, "PERSON_NAME"), (8, 11, "PERSON_NAME")],
        ("Ann", "bob"): [(0, 3, "PERSON_NAME"), (8, 11, "PERSON_NAME")],
        ("Bob", "ann"): [(12, 17, "ORT")],
        ("Bob", "bob"): [(0, 3, "PERSON_NAME")],
    }
    kept = next(orjson.loads(review.other) for sample in samples for review in sample.reviews if review.other)
    assert [item["type"] for item in kept] == ["choices", "relation"]
    assert pull(client, workspace, adoption).unchanged == 2

    pushed = push(client, adoption, adoption.name, [predict(samples[0], "Lyon", "ORT")])
    assert (pushed.predicted, pushed.created, pushed.refused) == (2, 0, ())
    assert push(client, adoption, adoption.name, [predict(samples[0], "Lyon", "ORT")]).unchanged == 2
    for number in (first, second):
        project = client.read_project(number)
        assert project["label_config"] == NER
        assert client.list_views(number) == []
        assert project["task_number"] == 2
        (result,) = [
            prediction["result"]
            for task in client.iter_tasks(number, "id,predictions,result")
            for prediction in task["predictions"]
        ]
        assert [(item["from_name"], item["to_name"], item["value"]["labels"]) for item in result] == [
            ("ner", "txt", ["Ort"])
        ]


def test_two_annotators_of_each_task_are_scored_and_exported(
    client: StudioClient, studio_of_team: RunningStudio, workspace: Workspace, tmp_path: Path
) -> None:
    other = sign_up(studio_of_team)
    project = create(client, NER, {"content": "Ann met Bob in Lyon"}, {"content": "Bob 🎉 is in Paris"})
    annotate(client, project, [region(0, 3, "Person name"), region(15, 19, "Ort")], [region(0, 3, "Person name")])
    second = StudioClient(client.url, other.token)
    annotate(second, project, [region(0, 3, "Person name")], [region(0, 3, "Person name"), region(12, 17, "Ort")])
    adoption = adopt_projects(client, workspace, [project], AdoptOptions(language="en"))
    report = pull(client, workspace, adoption)
    labels = load_labels(adoption.labels)
    samples = list(read_samples([report.file], labels))
    assert [len(sample.reviews) for sample in samples] == [2, 2]
    agreement = measure_agreement(samples)
    assert (agreement.samples, len(agreement.pairs)) == (2, 1)
    assert agreement.exact.measure_f() == pytest.approx(2 / 3)
    exported = export_samples("label-studio", tmp_path / "out.json", samples, labels)
    again = list(import_files([tmp_path / "out.json"], labels))
    spans = [[[entity.span for entity in review.entities] for review in sample.reviews] for sample in samples]
    assert [[[e.span for e in review.entities] for review in sample.reviews] for sample in again] == spans
    assert (exported.samples, exported.losses) == (2, {})
    assert client.read_project(project)["label_config"] == NER


def test_hypertext_and_dialogues_keep_their_own_offsets(client: StudioClient, workspace: Workspace) -> None:
    html = create(client, HYPER, {"html": "<p>Hi 🎉 <b>Ann</b></p><p>Bob &amp; Eve</p>"})
    hyper = {"start": "/p[1]/b[1]/text()[1]", "startOffset": 0, "end": "/p[1]/b[1]/text()[1]", "endOffset": 3}
    offsets = {"globalOffsets": {"start": 5, "end": 8}, "text": "Ann", "hypertextlabels": ["PER"]}
    annotate(client, html, [{"from_name": "ner", "to_name": "d", "type": "hypertextlabels", "value": hyper | offsets}])
    talk = create(client, TALK, {"talk": [{"author": "A", "said": "🎉 Ann"}, {"author": "B", "said": "Hi Bob"}]})
    spoken = {"start": "0", "end": "0", "startOffset": 3, "endOffset": 6, "paragraphlabels": ["PER"], "text": "Ann"}
    annotate(client, talk, [{"from_name": "ner", "to_name": "d", "type": "paragraphlabels", "value": spoken}])
    for project, text, written in (
        (
            html,
            "Hi 🎉 Ann\nBob & Eve",
            {"start": "/p[2]/text()[1]", "startOffset": 0, "globalOffsets": {"start": 8, "end": 11}},
        ),
        (talk, "🎉 Ann\nHi Bob", {"start": "1", "startOffset": 3}),
    ):
        adoption = adopt_projects(client, workspace, [project], AdoptOptions())
        report = pull(client, workspace, adoption)
        (sample,) = read_samples([report.file], load_labels(adoption.labels))
        assert sample.text == text
        (entity,) = sample.reviews[0].entities
        assert sample.text[entity.start : entity.end] == "Ann"
        new = Sample("A text of no task", "en", annotations=(Annotation(Author.model("walk/v1")),))
        pushed = push(client, adoption, project, [predict(sample, "Bob", "PER"), new])
        assert (pushed.predicted, pushed.created, len(pushed.refused)) == (1, 0, 1)
        (task,) = client.iter_tasks(project, "id,predictions,result")
        value = task["predictions"][0]["result"][0]["value"]
        assert {name: value[name] for name in written} == written


def test_texts_behind_addresses_come_from_label_studio_alone(client: StudioClient, workspace: Workspace) -> None:
    project = create(
        client,
        ADDRESS,
        {"file": "/static/goldspan-no-such-file.txt"},
        {"file": "http://192.0.2.1/x.txt"},
        {"file": f"{client.url}api/version"},
    )
    annotate(client, project, [], [], [])
    adoption = adopt_projects(client, workspace, [project], AdoptOptions(language="en"))
    report = pull(client, workspace, adoption)
    assert report.added == 1
    assert '"release"' in read_file(report)[0]["data"]["text"]
    assert len(report.refused) == 2
    assert any("--host 192.0.2.1" in item.reason for item in report.refused)


def test_a_project_deleted_and_made_again_is_another_one(client: StudioClient, workspace: Workspace) -> None:
    project = create(client, NER, {"content": "Ann"})
    annotate(client, project, [region(0, 3, "Person name")])
    adoption = adopt_projects(client, workspace, [project], AdoptOptions())
    path = adoption.folder / "mapping.toml"
    path.write_text(path.read_text().replace(adoption.projects[0].created_at, "2026-01-01T00:00:00.000000Z"))
    with pytest.raises(StateError, match="not the one that was adopted"):
        pull(client, workspace, adoption)
