from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.generators.journal.erasing import erase_items, finish_erasing, list_erased, read_item_texts, strip_tags
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import Row, RowKey
from goldspan.generators.runs.progress import read_progress

SECRET = "Zanzibarine"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three items: done, dead, and one whose request is at a provider."""
    folder = tmp_path / "run"
    with Journal(folder, create=True) as journal:
        journal.write_settings({"settings": {"samples": 3}, "written": 3})
        for number in range(3):
            journal.add_item(number, {"language": "en", "values": [f"{SECRET}{number}"]}, "draft")
            journal.add_row(f"id-{number}", RowKey(number, "draft", 1))
        for number, state in ((0, "ok"), (1, "invalid")):
            result = {"tagged_text": f"<FIRSTNAME>{SECRET}{number}</FIRSTNAME> &lt;left"} if state == "ok" else None
            reason = "" if result else f"no tag around {SECRET}1"
            journal.decide_row(Row(f"id-{number}", number, "draft", 1, state, reason=reason, cost=1.0, result=result))
        journal.update_item(0, state="done", stage="draft")
        journal.update_item(1, state="dead", stage="draft", reason=f"invalid: {SECRET}1")
        journal.set_submitted(["id-2"])
        journal.write_event("note", f"saw {SECRET}0")
    return folder


def test_everything_of_an_item_is_read(folder: Path) -> None:
    items = {item.number: item for item in read_item_texts(folder)}
    assert items[0].samples == [f"{SECRET}0 <left"]
    assert [SECRET in str(item.values) for item in items.values()] == [True, True, True]


def test_erased_items_leave_no_byte_and_keep_their_cost(folder: Path) -> None:
    erase_items(folder, {0, 1, 2}, lambda message: SECRET in message)
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    with Journal(folder) as journal:
        progress = read_progress(journal)
        assert (progress.state, progress.cost, progress.submitted, progress.pending) == ("finished", 2.0, 0, 0)
        assert [row.state for number in range(3) for row in journal.rows_of_item(number)] == [
            "ok",
            "invalid",
            "missing",
        ]
    assert list_erased(folder) == {"id-0", "id-1", "id-2"}
    assert list(read_item_texts(folder)) == []


def test_other_items_stay_byte_for_byte(folder: Path) -> None:
    def read() -> list[tuple[object, ...]]:
        with sqlite3.connect(folder / "journal.db") as journal:
            return journal.execute("SELECT item.*, row.* FROM item JOIN row USING (item) WHERE item != 1").fetchall()

    before = read()
    erase_items(folder, {1})
    assert read() == before


def test_a_reader_that_holds_back_erased_texts_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goldspan.generators.journal.store._PATIENCE", 0.01)
    reader = sqlite3.connect(folder / "journal.db", isolation_level=None)
    with closing(reader):
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM row").fetchall()
        with pytest.raises(StateError, match="End it, and erase again"):
            erase_items(folder, {0, 1, 2}, lambda message: SECRET in message)
    finish_erasing(folder)
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_run_that_runs_is_left_alone(folder: Path) -> None:
    with Journal(folder, lock=True), pytest.raises(StateError, match="Another process"):
        erase_items(folder, {0})


def test_tags_are_stripped_as_they_are_read() -> None:
    assert strip_tags('<m c="1"><CITY>Ly&amp;on</CITY></m> a < b <script>') == "Ly&on a < b <script>"


def test_what_a_killed_erasure_left_in_the_file_is_finished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(journal: Journal) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("goldspan.generators.journal.erasing._compact", stop)
    with pytest.raises(KeyboardInterrupt):
        erase_items(folder, {0, 1, 2}, lambda message: SECRET in message)
    monkeypatch.undo()
    finish_erasing(folder)
    assert not any(SECRET.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())
