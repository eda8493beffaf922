"""`goldspan loop simulate`: what cannot have an effect is refused before work; results on stdout, advice on stderr."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import write_samples
from tests.cli.training.command import run
from tests.training.tiny_model import make_sample

pytest.importorskip("pycrfsuite")


def test_options_without_effect_and_impossible_ones_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_samples(place / "few.jsonl", [make_sample(number) for number in range(3)], load_labels(place / "labels.toml"))
    cases = {
        "--encoder is for --method token-classifier": ("--encoder", "tiny"),
        "--tokens is for --method token-classifier": ("--tokens", "5"),
        "--skewed is for documents of the offline author": ("few.jsonl", "--skewed"),
        "--languages is for documents": ("few.jsonl", "--languages", "de"),
        "--rounds takes rising whole numbers": ("--rounds", "20,x"),
        "Rounds are rising": ("--rounds", "20,20"),
        "3 reviewed samples": ("few.jsonl",),
        "Unknown order": ("--orders", "best"),
        "needs a method": ("--orders", ","),
    }
    for message, arguments in cases.items():
        code, _, err = run(capsys, "loop", "simulate", *arguments)
        assert code == 1, arguments
        assert message in err, err


def test_an_order_named_twice_is_replayed_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ("--pool", "12", "--door", "10", "--test", "10", "--rounds", "5,9", "--seeds", "1", "--target", "0.1")
    code, out, err = run(capsys, "loop", "simulate", *sizes, "--orders", "random,random", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert [(one["seed"], one["order"]) for one in document["replays"]] == [(1, "random")]
    assert [row[0] for row in document["tables"][1]["rows"]][-2:] == ["own, after 5 reviews", "own, after 9 reviews"]
    assert json.loads((place / "data" / "loop" / "simulation.json").read_text()) == document
