"""ClassLabel numbers become the names of their own column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.formats.class_labels import decode_row, find_features, find_tag_names
from goldspan.annotation.formats.importing import ImportOptions, import_files
from tests.strategies import LABELS


def label(*names: str) -> dict[str, Any]:
    return {"names": list(names), "_type": "ClassLabel"}


WORD = {"dtype": "string", "_type": "Value"}
FEATURES = {
    "tokens": {"feature": WORD, "_type": "List"},
    "pos_tags": {"feature": label("NNP", "VBD"), "_type": "Sequence"},
    "ner_tags": {"feature": label("O", "B-FIRSTNAME"), "_type": "Sequence"},
}
INFO = {"description": "", "features": FEATURES}


def test_names_are_found_at_any_depth_and_by_column() -> None:
    assert find_features({"default": INFO}) == FEATURES
    assert find_features([1]) == {}
    assert find_tag_names(FEATURES, ("labels", "ner_tags")) == ("O", "B-FIRSTNAME")
    assert find_tag_names(FEATURES, ("tokens",)) == ()


def test_a_column_that_configurations_describe_differently_has_no_names() -> None:
    other = {"features": {**FEATURES, "ner_tags": {"feature": label("O", "B-CITY")}, "more": WORD}}
    found = find_features({"one": INFO, "other": other})
    assert found == {name: feature for name, feature in {**FEATURES, "more": WORD}.items() if name != "ner_tags"}


@pytest.mark.parametrize(
    ("value", "feature", "expected"),
    [
        (1, label("a", "b"), "b"),
        (-1, label("a"), -1),
        (7, label("a"), 7),
        (True, label("a", "b"), True),
        ([[0]], {"feature": {"feature": label("a")}}, [["a"]]),
        ([{"label": 0, "start": 0}], [{"label": label("a"), "start": WORD}], [{"label": "a", "start": 0}]),
        (
            {"label": [0], "start": [0]},
            {"feature": {"label": label("a"), "start": WORD}},
            {"label": ["a"], "start": [0]},
        ),
        ({"label": 0}, {"label": label("a")}, {"label": "a"}),
        ({"feature": 0, "label": 1}, {"feature": label("a"), "label": label("b", "c")}, {"feature": "a", "label": "c"}),
        ("x", None, "x"),
    ],
)
def test_numbers_are_named_at_any_depth(value: Any, feature: Any, expected: Any) -> None:
    assert decode_row({"x": value}, {"x": feature}) == {"x": expected}


ROW = {"tokens": ["Ann", "ran"], "pos_tags": [0, 1], "ner_tags": [1, 0]}


def write_jsonl(folder: Path) -> Path:
    (folder / "dataset_info.json").write_text(json.dumps(INFO))
    (folder / "a.jsonl").write_text(json.dumps(ROW))
    return folder / "a.jsonl"


def write_table(folder: Path) -> Path:
    (folder / "dataset_info.json").write_text(json.dumps(INFO))
    (folder / "a.csv").write_text('tokens,pos_tags,ner_tags\n"[\'Ann\', \'ran\']","[0, 1]","[1, 0]"\n')
    return folder / "a.csv"


def write_parquet(folder: Path) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.Table.from_pylist([ROW]).replace_schema_metadata({"huggingface": json.dumps({"info": INFO})})
    parquet.write_table(table, folder / "a.parquet")
    return folder / "a.parquet"


@pytest.mark.parametrize("write", [write_jsonl, write_table, write_parquet])
def test_tags_have_the_names_of_their_own_column(tmp_path: Path, write: Any) -> None:
    (sample,) = import_files([write(tmp_path)], LABELS, ImportOptions(language="en"))
    assert [(sample.text[e.start : e.end], e.label) for a in sample.annotations for e in a.entities] == [
        ("Ann", "FIRSTNAME")
    ]
