"""What `gate.toml` asks of a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import InputError, SchemaError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.gate.model import judge_model, read_model_requirements
from goldspan.training.gate.thresholds import load_thresholds


def make_row(gold: str, system: str, f1: float, **changes: Any) -> dict[str, Any]:
    interval = [f1 - 0.05, f1 + 0.05]
    figures = {"f1": f1, "f1_interval": interval, "recall": 0.7, "character_f2": 0.8, "missed": 0.3, "documents": 50}
    return {"gold": gold, "system": system, "level": "label", **figures, **changes}


ROWS = [
    make_row("test", "model", 0.9),
    make_row("outside", "model", 0.6),
    make_row("outside", "regex+model", 0.65),
    make_row("outside", "regex+rampart", 0.62),
]


def judge(folder: Path, toml: str, rows: list[dict[str, Any]] = ROWS) -> dict[str, bool]:
    (folder / "gate.toml").write_text(toml)
    (folder / "outside.jsonl").touch()
    return {one.name: one.passed for one in judge_model(rows, read_model_requirements(Workspace(folder)))}


@pytest.mark.parametrize(
    ("table", "passed"),
    [
        ("f1 = 0.84", True),
        ("f1 = 0.86", False),  # the lower end of the interval counts
        ('file = "outside.jsonl"\nmissed = 0.3', True),
        ('file = "outside.jsonl"\nmissed = 0.29', False),
        ('file = "outside.jsonl"\nsystem = "regex+model"\nahead_of = "regex+rampart"', True),
        ('file = "outside.jsonl"\nahead_of = "regex+rampart"', False),
        ('file = "outside.jsonl"\nahead_of = "rampart"', False),  # was not evaluated
        ('system = "regex+model"\nrecall = 0.1', False),
    ],
)
def test_a_bound_opens_or_closes_the_gate(tmp_path: Path, table: str, passed: bool) -> None:
    assert list(judge(tmp_path, f"[[model]]\n{table}\n").values()) == [passed]


@pytest.mark.parametrize("bound", ["missed = 0.1", 'ahead_of = "regex+rampart"'])
def test_gold_without_an_entity_keeps_no_bound(tmp_path: Path, bound: str) -> None:
    """Nothing is missed where there is nothing, and nobody is ahead."""
    nothing = {"f1_interval": None, "recall": 0.0, "character_f2": 0.0, "missed": 0.0, "entities": 0}
    rows = [make_row("outside", system, 0.0, **nothing) for system in ("model", "regex+rampart")]
    assert list(judge(tmp_path, f'[[model]]\nfile = "outside.jsonl"\n{bound}\n', rows).values()) == [False]


def test_every_bound_of_every_table_is_a_criterion(tmp_path: Path) -> None:
    toml = '[[model]]\nf1 = 0.1\nrecall = 0.1\n[[model]]\nfile = "outside.jsonl"\nmissed = 0.9\n'
    assert judge(tmp_path, toml) == {
        "model.test.model.f1": True,
        "model.test.model.recall": True,
        "model.outside.model.missed": True,
    }
    assert not any(judge(tmp_path, toml, []).values())


def test_the_data_are_judged_without_the_tables_of_models(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[samples]\nreviewed = 3\n[[model]]\nf1 = 0.5\n")
    assert load_thresholds(Workspace(tmp_path)) == {"samples": {"reviewed": 3}}


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[model]\nf1 = 0.5\n", "/model"),
        ("[[model]]\nf1 = 1.5\n", "/model/0/f1"),
        ("[[model]]\nf2 = 0.5\n", "f2"),
        ("[[model]]\nf1 = inf\n", "finite"),
        ('[[model]]\nsystem = "regex"\n', "/model/0/system"),
        ("[[model]]\n", "/model/0"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "gate.toml").write_text(toml)
    with pytest.raises(SchemaError, match=said):
        read_model_requirements(Workspace(tmp_path))


def test_a_file_that_is_not_there_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text('[[model]]\nfile = "gone.jsonl"\nf1 = 0.5\n')
    with pytest.raises(InputError, match=r"gone\.jsonl"):
        read_model_requirements(Workspace(tmp_path))
