"""Files are read as streams: what is held does not grow with the file, and a file read twice gives the same."""

from __future__ import annotations

import json
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats import importing
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.span_tables import group_spans
from goldspan.annotation.tasks.jsonl import JsonRecord
from tests.strategies import LABELS


@pytest.mark.parametrize(
    "row", [{"text": "Ann"}, {"text": "Ann", "spans": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]}]
)
def test_rows_without_a_span_of_their_own_are_not_held(row: dict[str, Any]) -> None:
    endless = (JsonRecord("a.jsonl", number, dict(row)) for number in count(1))
    assert [record.line for record in islice(group_spans(endless), 100)] == list(range(1, 101))


def test_a_row_with_part_of_a_span_stays_as_it_is_among_grouped_ones() -> None:
    rows = [{"text": "Ann", "start": 0, "end": 3, "label": "X"} for _ in range(30)]
    broken = {"text": "Bo", "start": 0, "end": None, "label": "X"}
    grouped = list(group_spans(JsonRecord("a", n, row) for n, row in enumerate([*rows, broken])))
    assert [record.value["text"] for record in grouped] == ["Ann", "Bo"]
    assert grouped[1].value == broken


@pytest.mark.parametrize("rest", [{}, {"value": ""}, {"value": None}])
def test_a_span_may_lack_the_value_that_others_state(rest: dict[str, Any]) -> None:
    place = {"start": 0, "end": 3, "label": "X"}
    rows = [{"text": "Ann ran", "value": "Ann", **place} for _ in range(30)] + [{"text": "Bob ran", **place, **rest}]
    grouped = list(group_spans(JsonRecord("a", n, row) for n, row in enumerate(rows)))
    assert grouped[1].value == {"text": "Bob ran", "spans": [place]}


def test_numbered_columns_may_be_empty() -> None:
    row = {"text": "Ann ran", "label_1": "X", "entity_2": None, "label_2": None}
    rows = [{**row, "entity_1": "Ann"}, {**row, "entity_1": ""}]
    first, second = group_spans(JsonRecord("a", n, row) for n, row in enumerate(rows))
    assert first.value["spans"] == [{"label": "X", "value": "Ann"}]
    assert second.value == rows[1]


FILES: dict[str, list[dict[str, Any] | str]] = {
    "refusals between rows": [
        *({"text": f"Ann {n}", "entities": [{"start": 0, "end": 3, "label": "FIRSTNAME"}]} for n in range(4)),
        "{",
        {"text": "Bo", "entities": [{"start": 0, "end": 9, "label": "FIRSTNAME"}]},
        {"text": "Rome", "entities": [{"start": 0, "end": 4, "label": "NEVER"}]},
        {"text": "Ann 1", "entities": []},
    ],
    "annotators": [
        {"text": f"Ann {n // 2}", "answer": "accept", "_session_id": f"p{n % 2}", "_input_hash": n, "spans": []}
        for n in range(8)
    ],
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_read_twice_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in FILES[case]))

    def read() -> tuple[Any, ...]:
        errors: list[RecordError] = []
        report = ImportReport()
        samples = list(import_files([path], LABELS, ImportOptions(language="en"), errors.append, report))
        return samples, [str(error) for error in errors], report

    held = read()
    monkeypatch.setattr(importing, "_HELD", 2)
    again = read()
    assert again == held
    samples, errors, report = held
    assert samples
    assert report.rows == len(FILES[case]) == len(samples) + report.joined + len(errors)
    assert [int(error.split(":")[1].split(" ")[0]) for error in errors] == sorted(
        int(error.split(":")[1].split(" ")[0]) for error in errors
    )
