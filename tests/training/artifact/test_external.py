from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import RecordError
from goldspan.training.artifact.external import read_external
from tests.training.tiny_model import make_labels


def write(path: Path, **row: Any) -> Path:
    path.write_text(json.dumps({"text": "Ann from Rome", **row}))
    return path


@pytest.mark.parametrize(
    ("span", "message"),
    [
        ({"start": True, "end": 3, "label": "CITY"}, "no start and end"),
        ({"start": 9, "end": 14, "label": "CITY"}, "no start and end"),
        ({"start": 9, "end": 13, "label": ["CITY"]}, r'no label or group \["CITY"\]'),
        ({"start": 9, "end": 13, "group": ""}, "no label or group"),
    ],
)
def test_a_span_that_cannot_be_read_is_refused_by_its_line(tmp_path: Path, span: object, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        read_external(write(tmp_path / "gold.jsonl", spans=[span]), make_labels())


def test_a_text_without_entities_or_language_is_gold_too(tmp_path: Path) -> None:
    gold = read_external(write(tmp_path / "gold.jsonl", spans=[], language=None), make_labels())
    assert [(one.language, one.best and one.best.entities) for one in gold.samples] == [("", ())]
