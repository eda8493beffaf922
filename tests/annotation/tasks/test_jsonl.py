from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.tasks.jsonl import read_records


@pytest.mark.parametrize(("name", "content"), [("a.jsonl", '{"a": 1}\n{"a": 2}\n'), ("a.json", '[{"a": 1}, {"a": 2}]')])
def test_a_byte_order_mark_is_no_part_of_the_first_record(tmp_path: Path, name: str, content: str) -> None:
    file = tmp_path / name
    file.write_text(content, "utf-8-sig")
    assert [record.value["a"] for record in read_records(file)] == [1, 2]


@pytest.mark.skipif(not Path("/dev/zero").is_char_device(), reason="this system has no /dev/zero")
def test_a_device_is_refused_before_it_is_read() -> None:
    with pytest.raises(InputError, match="it is a device"):
        list(read_records(Path("/dev/zero")))


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert list(read_records(tmp_path / "empty.jsonl")) == []


def test_lines_that_are_too_long_are_skipped_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goldspan.annotation.tasks.jsonl.MAX_LINE", 1 << 20)
    file = tmp_path / "a.jsonl"
    file.write_bytes(b'{"a": 1}\n{"a": "' + b"x" * (3 << 20) + b'"}\n{"a": 3}\n')
    errors: list[RecordError] = []
    assert [record.value["a"] for record in read_records(file, errors.append)] == [1, 3]
    assert [(error.line, error.reason) for error in errors] == [(2, "the line is longer than 1 MiB")]


def test_lines_of_a_json_file_are_read_in_any_encoding(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"a": "é"}\n{"a": "ü"}\n', "utf-16")
    assert [record.value["a"] for record in read_records(file)] == ["é", "ü"]


def test_rows_inside_an_object_are_unwrapped(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"rows": [{"a": 1}, {"a": 2}, 3]}')
    errors: list[RecordError] = []
    read = read_records(
        file, errors.append, coerce=lambda value: value.get("rows", value) if isinstance(value, dict) else value
    )
    assert [record.value["a"] for record in read] == [1, 2]
    assert [(error.line, error.reason) for error in errors] == [(3, "expected a JSON object, found int")]
