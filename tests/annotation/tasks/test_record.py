from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goldspan.schemas as schemas
from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.tasks import jsonl
from goldspan.annotation.tasks.codec import decode_task
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.record import MAX_DEPTH, TEXT_FIELDS, is_deep, pack_record, unpack_record
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.strategies import LABELS

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


json_objects = st.dictionaries(st.text(max_size=3), json_values, max_size=3)
tasks = st.fixed_dictionaries(
    {
        "data": st.builds(
            lambda known, provenance, other: {**other, **known, "provenance": provenance},
            st.fixed_dictionaries({name: st.text(max_size=3) for name in TEXT_FIELDS}),
            json_objects,
            st.dictionaries(st.sampled_from(["customer", "fields", "n"]), json_values, max_size=3),
        ),
        "predictions": st.lists(json_objects, max_size=2),
        "annotations": st.lists(json_objects, max_size=2),
    },
    optional={"id": st.integers(1, 9), "drafts": st.lists(json_objects, min_size=1, max_size=2)},
)


@given(tasks)
def test_a_line_has_the_same_types_whatever_the_task_holds(task: dict[str, Any]) -> None:
    line = orjson.loads(pack_record(task))
    assert schemas.validator("record").problems(line) == []
    assert unpack_record(line) == task
    assert unpack_record(task) == task
    assert pack_record(line) == pack_record(task)


@pytest.mark.parametrize("layer", ["{", "7", '{"result": []}', '"x"'])
def test_a_layer_that_is_no_list_is_refused_by_name(tmp_path: Path, layer: str) -> None:
    line = orjson.loads(pack_record({"data": {"text": "Ann", "sample_id": "1", "language": "en"}}))
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps({**line, "annotations": layer}))
    errors: list[RecordError] = []
    assert list(read_samples([tmp_path / "a.jsonl"], LABELS, errors.append)) == []
    assert [(error.line, error.pointer) for error in errors] == [(1, "/annotations")]


def test_depth_is_counted_within_packed_layers(tmp_path: Path) -> None:
    line = orjson.loads(pack_record({"data": {"text": "Ann", "sample_id": "1", "language": "en"}}))
    deep = "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps({**line, "predictions": deep}))
    with pytest.raises(RecordError, match="nested more than"):
        list(read_samples([tmp_path / "a.jsonl"], LABELS))


def test_files_of_older_versions_are_read(tmp_path: Path) -> None:
    task = {"data": {"text": "Ann", "sample_id": "1", "language": "en", "provenance": {"run": "r"}}}
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps(task))
    (sample,) = read_samples([tmp_path / "a.jsonl"], LABELS)
    assert sample.provenance == {"run": "r"}
    assert decode_task(orjson.loads(pack_record(task)), LABELS) == sample


def test_depth_is_counted_in_lists_and_objects() -> None:
    value: object = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    assert not is_deep(value)
    assert is_deep({"x": value})


def test_files_that_have_to_be_read_whole_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl, "MAX_FILE", 20)
    (tmp_path / "a.json").write_text("[" + " " * 30 + "]")
    with pytest.raises(InputError, match="larger than"):
        list(read_records(tmp_path / "a.json"))


def test_messages_never_quote_the_text(tmp_path: Path) -> None:
    errors: list[RecordError] = []
    samples = [Sample("Ann 078-05-1120", "English", sample_id="a\nb", document_type="x\u202ey")]
    with pytest.raises(RecordError) as caught:
        write_samples(tmp_path / "a.jsonl", samples, LABELS)
    bad = {"data": {"text": ["Ann 078-05-1120"], "sample_id": "1", "language": "en"}}
    (tmp_path / "b.jsonl").write_bytes(orjson.dumps(bad))
    list(read_samples([tmp_path / "b.jsonl"], LABELS, errors.append))
    assert errors
    assert all("078" not in str(error) and "Ann" not in str(error) for error in (*errors, caught.value))


@pytest.mark.parametrize(
    ("field", "value"),
    [("sample_id", "a\nb"), ("sample_id", "a\x1bb"), ("document_type", "a\u2028b"), ("author", "m\nx")],
)
def test_ids_and_metadata_are_one_printable_line(tmp_path: Path, field: str, value: str) -> None:
    author = Author.model(value if field == "author" else "m")
    facts = {field: value} if field != "author" else {}
    sample = Sample(
        "Ann", "en", annotations=(Annotation(author, (Entity(0, 3, "FIRSTNAME"),)),), **{"sample_id": "1", **facts}
    )
    with pytest.raises(RecordError, match="one line"):
        write_samples(tmp_path / "a.jsonl", [sample], LABELS)


def test_every_command_that_reads_samples_checks_identity(tmp_path: Path) -> None:
    write_samples(tmp_path / "a.jsonl", [Sample("Ann", "en", sample_id="0")], LABELS)
    write_samples(
        tmp_path / "b.jsonl", [Sample("Bob", "en", sample_id="0"), Sample("Ann", "en", sample_id="9")], LABELS
    )
    errors: list[RecordError] = []
    files = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    assert [s.text for s in read_samples(files, LABELS, errors.append)] == ["Ann"]
    assert ["another text" in str(errors[0]), "another sample_id" in str(errors[1])] == [True, True]
    assert len(list(read_samples(files, LABELS, unique=False))) == 3
