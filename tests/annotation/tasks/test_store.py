from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.checks import find_errors
from goldspan.annotation.errors import InputError, RecordError, StateError
from goldspan.annotation.files import AtomicFile, write_atomic
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import list_files, read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.strategies import LABELS, samples


def make(text: str, *entities: Entity) -> Sample:
    annotation = Annotation(Author.model("m-1"), entities, score=0.5)
    return Sample(text, "fr", "FR", "letter", (annotation,), {"run": "r"}, make_sample_id(text, "fr"))


def test_what_is_written_is_read(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "deep" / "a.jsonl"
    written = [make("Lyon 🎉\r\nest loin", Entity(0, 4, "CITY")), make("rien\u2028ici")]
    assert write_samples(file, written, labels) == 2
    assert list(read_samples([file], labels)) == written
    assert file.read_bytes().count(b"\n") == 2
    assert [path.name for path in file.parent.iterdir()] == ["a.jsonl"]


@given(st.lists(samples(), max_size=4))
def test_every_sound_sample_survives_and_every_other_is_named(
    tmp_path_factory: pytest.TempPathFactory, given_samples: list[Sample]
) -> None:
    file = tmp_path_factory.mktemp("store") / "a.jsonl"
    refused: list[RecordError] = []
    written = write_samples(file, given_samples, LABELS, refused.append)
    assert written + len(refused) == len(given_samples)
    sound = [s for s in given_samples if s.text.strip() and not find_errors(s.text, s.annotations[0], LABELS)]
    read = list(read_samples([file], LABELS))
    assert [(s.text, s.annotations[0].entities) for s in read] == [(s.text, s.annotations[0].entities) for s in sound]


def test_bad_lines_are_named_and_the_good_ones_go_on(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.jsonl"
    write_samples(file, [make("un"), make("deux")], labels)
    first, second = file.read_bytes().splitlines()
    file.write_bytes(
        b"\n".join([first, b'{"data": {"te', b"[1]", b'{"data": {}}', b"", second, b'"\\ud800"', second[:50]])
    )
    errors: list[RecordError] = []
    assert [sample.text for sample in read_samples([file], labels, errors.append)] == ["un", "deux"]
    assert [error.line for error in errors] == [2, 3, 4, 7, 8]
    assert errors[2].pointer == "/data/text"
    assert str(file) in str(errors[0])


def test_json_files_hold_one_task_or_a_list(tmp_path: Path, labels: LabelSchema) -> None:
    (tmp_path / "one.json").write_bytes(orjson.dumps({"data": {"text": "a", "language": "en"}}))
    (tmp_path / "two.json").write_bytes(orjson.dumps([{"data": {"text": "b"}}, 5, {"data": {"text": "c"}}]))
    errors: list[RecordError] = []
    assert [s.text for s in read_samples([tmp_path], labels, errors.append)] == ["a", "b", "c"]
    assert [(error.file, error.line) for error in errors] == [(str(tmp_path / "two.json"), 2)]


def test_missing_and_empty_places_say_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        list_files([tmp_path / "nothing.jsonl"])
    with pytest.raises(InputError, match="holds no"):
        list_files([tmp_path])


def test_a_task_that_breaks_the_schema_is_not_written(tmp_path: Path, labels: LabelSchema) -> None:
    bad = replace(make("Lyon"), language="French")
    with pytest.raises(RecordError) as caught:
        write_samples(tmp_path / "a.jsonl", [make("ok"), bad], labels)
    assert (caught.value.line, caught.value.pointer) == (2, "/data/language")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_atomic(file, b"old", mode=0o600)
    with pytest.raises(ZeroDivisionError), AtomicFile(file) as stream:
        stream.write(bytes([1 // 0]))
    assert file.read_bytes() == b"old"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    write_atomic(file, b"old")

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StateError, match="No space left"):
        write_atomic(file, b"new")
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_disk_that_is_full_while_writing_is_named_too(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="No space left"), AtomicFile(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
