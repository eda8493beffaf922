from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from goldspan.annotation import plugins
from goldspan.annotation.errors import ConfigurationError, InputError, RecordError
from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.formats.reading import ReadOptions, SourceRow
from goldspan.annotation.formats.rows.raw import RawRow
from goldspan.annotation.formats.source import list_formats
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.types import Sample

EN: dict[str, Any] = {"language": "en", "country": "GB", "document_type": "note"}


def read(path: Path, labels: LabelSchema, **options: Any) -> tuple[list[Sample], list[RecordError]]:
    errors: list[RecordError] = []
    return list(import_files([path], labels, ImportOptions(**EN, **options), errors.append)), errors


def test_a_text_file_is_kept_verbatim(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("\ufeff Ann\r\n 🎉 \n".encode())
    samples, errors = read(file, labels)
    assert [sample.text for sample in samples] == [" Ann\r\n 🎉 \n"]
    assert (samples[0].language, samples[0].country, samples[0].document_type) == ("en", "GB", "note")
    assert errors == []
    by_line, _ = read(file, labels, by_line=True)
    assert [sample.text for sample in by_line] == [" Ann", " 🎉 "]


def test_csv_keeps_other_columns_and_names_bad_rows(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.csv"
    file.write_text('id,text,language\n1,"Hello,\nAnn",de\n2,x,en,more\n3,"",en\n4,"Hello,\nAnn",de\n', "utf-8")
    samples, errors = read(file, labels)
    assert [(s.text, s.language, s.provenance["fields"]) for s in samples] == [("Hello,\nAnn", "de", {"id": "1"})]
    assert [error.line for error in errors] == [4, 5, 7]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_with_any_delimiter_and_long_texts(tmp_path: Path, labels: LabelSchema, mark: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'language{mark}text\nde{mark}"a{mark}b"\nfr{mark}{"x" * 200_000}\n', "utf-8")
    samples, errors = read(file, labels)
    assert [(sample.language, len(sample.text)) for sample in samples] == [("de", 3), ("fr", 200_000)]
    assert errors == []


def test_what_cannot_be_written_is_named_by_the_line_that_it_came_from(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,language,country\na,en,GB\nb,English,GB\nc,en,USA\n", "utf-8")
    samples, errors = read(file, labels)
    assert [sample.text for sample in samples] == ["a"]
    assert [(error.line, error.pointer) for error in errors] == [(3, "/data/language"), (4, "/data/country")]
    assert "ISO 639" in str(errors[0])


def test_a_column_that_stands_twice_is_refused(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text,text\na,b\n")
    with pytest.raises(InputError, match="twice"):
        read(file, labels)


def test_csv_without_a_text_column_is_refused(tmp_path: Path, labels: LabelSchema) -> None:
    file = tmp_path / "a.csv"
    file.write_text("body\nx\n")
    with pytest.raises(InputError, match="no column 'text'"):
        read(file, labels)


def test_jsonl_in_all_its_forms(tmp_path: Path, labels: LabelSchema) -> None:
    rows = [
        {"text": "plain"},
        {"tagged_text": "<CITY>Lyon</CITY>"},
        {"text": "Ann left", "entities": [{"value": "Ann", "label": "FIRSTNAME"}]},
        {"text": "Bob left", "privacy_mask": [{"value": "Bob", "start": 0, "end": 3, "label": "FIRSTNAME"}]},
        {"data": {"text": "a task", "language": "nl"}, "predictions": []},
    ]
    bad = [
        {"text": "x", "tagged_text": "<CITY>y</CITY>"},
        {"text": "x", "entities": [{"value": "y", "label": "CITY"}]},
        {"text": "x", "entities": [{"value": "x", "label": "TOWN"}]},
        {"text": "x", "entities": {"x": "CITY"}},
        {"text": "x", "privacy_mask": "[{'value': 'x', 'label'"},
        {"text": "xyz", "entities": [{"start": 0, "end": 2, "label": "CITY"}]},
        {"text": "xyz", "entities": [{"start": 0, "end": 3, "value": "abc", "label": "CITY"}]},
        {"text": "x x", "entities": [{"value": "x", "label": "CITY"}, {"value": "x", "label": "STATE"}]},
        {"text": 5},
        {"text": "a\x00"},
        {"tagged_text": "<CITY>y"},
        {"text": "plain"},
    ]
    file = tmp_path / "a.jsonl"
    file.write_bytes(b"\n".join(orjson.dumps(row) for row in [*rows, *bad]))
    samples, errors = read(file, labels)
    assert [s.text for s in samples] == ["plain", "Lyon", "Ann left", "Bob left", "a task"]
    assert [[e.label for e in s.predictions[0].entities] for s in samples[1:4]] == [
        ["CITY"],
        ["FIRSTNAME"],
        ["FIRSTNAME"],
    ]
    assert samples[4].language == "nl"
    assert [error.line for error in errors] == list(range(6, 18))
    assert all("Bob" not in str(error) and "abc" not in str(error) for error in errors)


def test_other_files_and_encodings_are_refused(tmp_path: Path, labels: LabelSchema) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK")
    (tmp_path / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(InputError, match=r"\.docx"):
        read(tmp_path / "a.docx", labels)
    with pytest.raises(InputError, match="UTF-8"):
        read(tmp_path / "a.txt", labels)


class LineFormat:
    """A format of another package: a text on each line."""

    description = "a text on each line"

    @staticmethod
    def read(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            yield SourceRow(str(path), number, RawRow(line))


def test_a_format_of_another_package_is_found_by_its_entry_point(
    tmp_path: Path, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = {"lines": f"{__name__}:LineFormat", "broken": "tests.nowhere:Format"}
    monkeypatch.setattr(plugins, "find_plugins", lambda group: targets if group == "goldspan.formats" else {})
    (tmp_path / "a.txt").write_text("Ann ran.\nBo left.\n")
    found = import_files([tmp_path / "a.txt"], labels, ImportOptions("lines", language="en"))
    assert [sample.text for sample in found] == ["Ann ran.", "Bo left."]
    with pytest.raises(ConfigurationError, match="plug-in format broken"):
        list(import_files([tmp_path / "a.txt"], labels, ImportOptions("broken", language="en")))
    monkeypatch.setitem(targets, "broken", targets["lines"])
    assert list_formats()["lines"] == LineFormat.description
