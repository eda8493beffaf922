"""Rules of a label migration, on one result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labelstudio.project.relabel import RelabelRules, build_rules, load_rules, relabel_result
from tests.strategies import LABELS

TEXT = "Ann van Dam lives in Lyon."


def region(region_id: str, surface: str, label: str, control: str = "label") -> dict[str, Any]:
    start = TEXT.index(surface)
    value = {"start": start, "end": start + len(surface), "text": surface, "labels": [label]}
    return {"id": region_id, "from_name": control, "to_name": "text", "type": "labels", "value": value}


def relation(source: str, target: str) -> dict[str, Any]:
    return {"type": "relation", "from_id": source, "to_id": target, "direction": "right", "labels": ["refers-to"]}


def list_labels(result: list[dict[str, Any]] | None) -> list[tuple[str, str]]:
    assert result is not None
    return [(item["id"], item["value"]["labels"][0]) for item in result if item["type"] != "relation"]


def test_nothing_to_do_is_none() -> None:
    assert relabel_result(TEXT, [region("a", "Lyon", "CITY")], RelabelRules({"TOWN": "CITY"}), LABELS) is None


def test_rename_and_merge_leave_one_region_for_one_place() -> None:
    rules = build_rules({"TOWN": "CITY", "VILLAGE": "CITY"}, {}, (), LABELS)
    result = [region("a", "Lyon", "CITY"), region("b", "Lyon", "TOWN"), region("c", "Ann", "VILLAGE")]
    after = relabel_result(TEXT, [*result, relation("c", "b"), relation("c", "a")], rules, LABELS)
    assert list_labels(after) == [("a", "CITY"), ("c", "CITY")]
    assert after is not None
    assert after[2:] == [relation("c", "a")]


def test_split_takes_the_first_pattern_that_is_found() -> None:
    rules = build_rules({}, {"NAME": {"SURNAME": "^van ", "otherwise": "FIRSTNAME"}}, (), LABELS)
    result = [region("a", "Ann", "NAME"), region("b", "van Dam", "NAME")]
    assert list_labels(relabel_result(TEXT, result, rules, LABELS)) == [("a", "FIRSTNAME"), ("b", "SURNAME")]


def test_what_no_pattern_finds_keeps_its_label() -> None:
    rules = build_rules({}, {"NAME": {"SURNAME": "^van "}}, (), LABELS)
    assert relabel_result(TEXT, [region("a", "Ann", "NAME")], rules, LABELS) is None


def test_removed_regions_take_their_relations_along() -> None:
    rules = build_rules({}, {}, ("SHOE",), LABELS)
    result = [region("a", "Ann", "FIRSTNAME"), region("b", "Dam", "SHOE"), relation("b", "a")]
    assert list_labels(relabel_result(TEXT, result, rules, LABELS)) == [("a", "FIRSTNAME")]


def test_a_label_that_changes_layer_changes_control() -> None:
    rules = build_rules({"PERSON": "MENTION"}, {}, (), LABELS)
    after = relabel_result(TEXT, [region("a", "Ann", "PERSON")], rules, LABELS)
    assert after is not None
    assert after[0]["from_name"] == "mention"


def test_rules_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text('[rename]\nTOWN = "CITY"\n[split.NAME]\notherwise = "FIRSTNAME"\n[remove]\nlabels = ["SHOE"]\n')
    assert load_rules(file, LABELS).sources == {"TOWN", "NAME", "SHOE"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[rename]\nTOWN = "NOWHERE"', "NOWHERE"),
        ('[rename]\nTOWN = "CITY"\n[remove]\nlabels = ["TOWN"]', "more than one rule"),
        ('[split.NAME]\nCITY = "("', "pattern"),
        ("[renames]\n", "is unknown"),
        ("[rename", "is not readable TOML"),
    ],
)
def test_broken_rules_are_explained(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words):
        load_rules(file, LABELS)
