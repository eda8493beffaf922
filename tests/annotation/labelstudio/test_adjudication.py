from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import (
    ConfigurationError,
    GoldspanError,
    InputError,
    StateError,
    TerminalServiceError,
    TransientServiceError,
)
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio import adjudication
from goldspan.annotation.labelstudio.adjudication import DisputedTask, Verdict, read_verdicts, write_verdict
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample

TEXT = "Ann is in Leeds."
RIGHT = Annotation(Author.person("x"), (Entity(0, 3, "FIRSTNAME", "e0"), Entity(10, 15, "CITY")))


class FakeStudio:
    def __init__(self, labels: LabelSchema) -> None:
        self.url = "http://studio/"
        self.config, self.text = build_config(labels), TEXT
        self.stored: dict[int, dict[str, Any]] = {}
        self.pulled = 0
        self.is_lost = False

    def read_project(self, number: int) -> dict[str, Any]:
        return {"id": number, "label_config": self.config}

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        annotations = [{"id": number, "import_id": None, **fields} for number, fields in self.stored.items()]
        return [{"id": 7, "data": {"text": self.text}, "annotations": annotations}] if ids == [7] else []

    def create_annotation(self, task: int, fields: dict[str, Any]) -> dict[str, Any]:
        if any(fields["unique_id"] == other.get("unique_id") for other in self.stored.values()):
            raise TerminalServiceError("Annotation with this unique id already exists", 409)
        number = len(self.stored) + 100
        self.stored[number] = fields
        if self.is_lost:
            raise TransientServiceError("no answer")
        return {"id": number}

    def update_annotation(self, number: int, fields: dict[str, Any]) -> dict[str, Any]:
        self.stored[number] |= fields
        return {"id": number}


@pytest.fixture
def studio(labels: LabelSchema, monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    studio = FakeStudio(labels)

    def pull(*arguments: Any) -> None:
        studio.pulled += 1

    monkeypatch.setattr(adjudication, "connect", lambda workspace, project: (studio, project))
    monkeypatch.setattr(adjudication, "pull_annotations", pull)
    return studio


def write(
    tmp_path: Path, labels: LabelSchema, annotation: Annotation = RIGHT, by: str = "Lea", why: str = "", task: int = 7
) -> int:
    sample = Sample(TEXT, "en", sample_id="s1")
    place = DisputedTask("http://studio", 3, task, tmp_path / "training_samples" / "p.jsonl")
    return write_verdict(Workspace(tmp_path), labels, sample, place, Verdict(annotation, by, why))


def test_a_verdict_is_a_further_annotation_with_who_and_why(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio
) -> None:
    number = write(tmp_path, labels, why="Leeds is a city")
    fields = studio.stored[number]
    assert fields["ground_truth"]
    spans = [(item["value"]["start"], item["value"]["labels"]) for item in fields["result"] if item["type"] == "labels"]
    assert spans == [(0, ["FIRSTNAME"]), (10, ["CITY"])]
    assert not any("text" in item["value"] for item in fields["result"] if item["type"] == "labels")
    [note] = [item for item in fields["result"] if item["type"] == "textarea"]
    assert note["value"]["text"] == ["Decided by Lea. Leeds is a city"]
    [entry] = read_verdicts(Workspace(tmp_path))
    assert (entry["by"], entry["reason"], entry["annotation"], entry["sample_id"]) == (
        "Lea",
        "Leeds is a city",
        number,
        "s1",
    )
    assert (tmp_path / "adjudications.jsonl").stat().st_mode & 0o777 == 0o600
    assert studio.pulled == 1


def test_a_later_verdict_takes_the_place_of_the_earlier_one(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio
) -> None:
    first = write(tmp_path, labels)
    (tmp_path / "adjudications.jsonl").open("ab").write(b'{"half a line')
    assert write(tmp_path, labels, Annotation(Author.person("x"))) == first
    assert len(studio.stored) == 1
    studio.stored.clear()
    write(tmp_path, labels)
    assert len(studio.stored) == 1
    assert len(read_verdicts(Workspace(tmp_path))) == 3


def test_a_verdict_that_was_stored_but_not_recorded_is_found_by_its_mark(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio
) -> None:
    studio.stored[5] = {"ground_truth": True, "result": [], "import_id": 4}
    studio.is_lost = True
    with pytest.raises(TransientServiceError):
        write(tmp_path, labels)
    assert read_verdicts(Workspace(tmp_path)) == []
    number = write(tmp_path, labels, Annotation(Author.person("x")), why="no names")
    assert sorted(studio.stored) == [5, number]
    assert [entry["annotation"] for entry in read_verdicts(Workspace(tmp_path))] == [number]
    assert studio.stored[number]["import_id"] < 2**53


def test_a_verdict_of_an_earlier_version_is_found_by_its_record(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio
) -> None:
    first = write(tmp_path, labels)
    studio.stored[first] |= {"import_id": None, "unique_id": "another"}
    assert write(tmp_path, labels) == first
    assert len(studio.stored) == 1


def test_a_screen_without_notes_gets_none(tmp_path: Path, labels: LabelSchema, studio: FakeStudio) -> None:
    earlier = Path(__file__).parent / "project" / "config_0_2_first.xml"
    studio.config = earlier.read_text()
    assert {item["type"] for item in studio.stored[write(tmp_path, labels)]["result"]} == {"labels"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"by": " "}, InputError),
        ({"why": "x" * 501}, InputError),
        ({"annotation": Annotation(Author.person("x"), (Entity(0, 99, "CITY"),))}, InputError),
        ({"task": 8}, StateError),
    ],
)
def test_what_cannot_be_stored_is_refused_and_nothing_is_written(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio, changes: dict[str, Any], error: type[GoldspanError]
) -> None:
    with pytest.raises(error):
        write(tmp_path, labels, **changes)
    assert (studio.stored, studio.pulled, read_verdicts(Workspace(tmp_path))) == ({}, 0, [])


def test_another_server_a_changed_text_and_a_team_s_own_screen_are_refused(
    tmp_path: Path, labels: LabelSchema, studio: FakeStudio
) -> None:
    studio.text = "Ann was in Leeds."
    with pytest.raises(StateError):
        write(tmp_path, labels)
    studio.text = TEXT
    studio.config = studio.config.replace('"$text"', '"$body"')
    with pytest.raises(ConfigurationError, match="adopted"):
        write(tmp_path, labels)
    studio.url = "http://elsewhere/"
    with pytest.raises(ConfigurationError, match="elsewhere"):
        write(tmp_path, labels)
    assert studio.stored == {}
