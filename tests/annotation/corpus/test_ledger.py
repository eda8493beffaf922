from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.corpus.ledger import SplitLedger, choose_protected, read_ledger, write_ledger
from goldspan.annotation.errors import RecordError
from tests.annotation.corpora import make_unrelated

NAMES = ("train", "validation", "test")


def test_a_ledger_is_read_as_it_was_written(tmp_path: Path) -> None:
    outlines = make_unrelated(9)
    ledger = SplitLedger().record(outlines, ["train", "validation", "test"] * 3, "v1")
    write_ledger(tmp_path / "ledger.jsonl", ledger)
    assert read_ledger(tmp_path / "ledger.jsonl") == ledger
    assert read_ledger(tmp_path / "none.jsonl") == SplitLedger()
    content = (tmp_path / "ledger.jsonl").read_text()
    assert not any(outline.text[:20] in content for outline in outlines)


def test_the_first_version_of_a_sample_stays() -> None:
    outlines = make_unrelated(1)
    ledger = SplitLedger().record(outlines, ["train"], "v1").record(outlines, ["test"], "v2")
    (entry,) = ledger.entries.values()
    assert (entry.split, entry.version, len(entry.bands)) == ("test", "v1", 25)


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ([], "train"),
        (["train"], "train"),
        (["train", "validation"], "validation"),
        (["test", "validation", "train"], "test"),
        (["other", "validation"], "test"),
    ],
)
def test_the_most_protected_split_wins(splits: list[str], expected: str) -> None:
    assert choose_protected(splits, NAMES) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ('{"schema": "other", "format": 1}', "not a split ledger"),
        ('{"sample_id": "a", "split": "test", "version": "v1"}', "one header"),
        ('{"schema": "split-ledger", "format": 1}\n{"sample_id": "a", "split": "test"}', "not a split ledger"),
        ('{"schema": "split-ledger", "format": 1}\n{"schema": "split-ledger", "format": 1}', "one header"),
        (
            '{"schema": "split-ledger", "format": 1}\n{"sample_id":"a","split":"test","version":"1","bands":"AA=="}',
            "not a split ledger",
        ),
    ],
)
def test_a_broken_ledger_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(content)
    with pytest.raises(RecordError, match=message):
        read_ledger(path)
