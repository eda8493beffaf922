"""The pulled file: merged whole, edits of both sides kept apart, interruptions survived."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import StateError, TransientServiceError
from goldspan.annotation.labelstudio.pull.merge import find_conflict_file, merge_records, read_known_tasks
from goldspan.annotation.labelstudio.pull.record_file import RecordFile
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.labelstudio.pull.snapshot import iter_json_list
from goldspan.annotation.labelstudio.pull.state import PullState, RefusedTask, find_state_file, load_state, save_state
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.record import TEXT_FIELDS, pack_record


def make_record(task: int, note: str = "", stamp: str = "t0") -> dict[str, Any]:
    annotations = [{"id": task, "result": [], "note": note}]
    data = dict.fromkeys(TEXT_FIELDS, "") | {"text": f"text {task}", "sample_id": f"s{task}"}
    record: dict[str, Any] = {"id": task, "data": data}
    record |= {"predictions": [], "annotations": annotations}
    record["data"]["provenance"] = {"pull": {"sha256": digest_record(record), "stamp": stamp}}
    return record


def edit(record: dict[str, Any], note: str) -> dict[str, Any]:
    changed: dict[str, Any] = orjson.loads(orjson.dumps(record))
    changed["annotations"][0]["note"] = note
    return changed


def write(path: Path, *records: dict[str, Any]) -> None:
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))


def read(path: Path) -> list[dict[str, Any]]:
    return [record.value for record in read_records(path)]


def merge(path: Path, *fresh: dict[str, Any], gone: tuple[int, ...] = (), take_remote: bool = False) -> Any:
    records = RecordFile(path.with_suffix(".part.jsonl"))
    for record in fresh:
        records.add(record["id"], "t1", record)
    merged = merge_records(path, records, set(gone), take_remote=take_remote)
    records.close(finished=True)
    return merged


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "project.jsonl"


def test_new_changed_gone_and_unchanged(path: Path) -> None:
    write(path, *(make_record(number) for number in (1, 2, 3)))
    merged = merge(path, make_record(2, "new"), make_record(3), make_record(4), gone=(1,))
    assert (merged.added, merged.updated, merged.removed, merged.unchanged) == (["s4"], ["s2"], ["s1"], 1)
    assert [(record["id"], record["annotations"][0]["note"]) for record in read(path)] == [(2, "new"), (3, ""), (4, "")]
    assert merged.total == 3


def test_an_edit_on_disk_stays_while_the_other_side_is_quiet(path: Path) -> None:
    mine = edit(make_record(1), "mine")
    write(path, mine)
    merged = merge(path, make_record(1))
    assert (merged.unchanged, merged.conflicts, read(path)) == (1, [], [mine])


def test_the_same_edit_on_both_sides_is_no_conflict(path: Path) -> None:
    write(path, edit(make_record(1), "same"))
    assert merge(path, make_record(1, "same")).conflicts == []


@pytest.mark.parametrize("take_remote", [False, True])
def test_different_edits_are_a_conflict(path: Path, take_remote: bool) -> None:
    mine, theirs = edit(make_record(1), "mine"), make_record(1, "theirs")
    write(path, mine)
    merged = merge(path, theirs, take_remote=take_remote)
    assert merged.conflicts == ["s1"]
    assert read(path) == [theirs if take_remote else mine]
    kept = "remote" if take_remote else "local"
    entry = {"sample_id": "s1", "task": 1, "kept": kept, "local": mine, "remote": theirs}
    assert read(find_conflict_file(path)) == [entry]


def test_what_label_studio_overrules_is_in_the_conflict_file_first_and_stays_there(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is nowhere else once the file is written."""
    mine, theirs = edit(make_record(1), "mine"), make_record(1, "theirs")
    write(path, mine)

    def die(file: Path, data: bytes) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("goldspan.annotation.labelstudio.pull.merge.write_atomic", die)
        with pytest.raises(KeyboardInterrupt):
            merge(path, theirs, take_remote=True)
    assert read(path) == [mine]
    merge(path, theirs, take_remote=True)
    write(path, theirs, other := edit(make_record(2), "other"))
    merge(path, make_record(2, "theirs"), take_remote=True)
    assert [entry["local"] for entry in read(find_conflict_file(path))] == [mine, other]
    write(path, third := edit(make_record(3), "third"))
    for _ in range(2):
        merge(path, make_record(3, "theirs"))
        assert [entry["local"] for entry in read(find_conflict_file(path))] == [mine, other, third]


@pytest.mark.parametrize("resolved", ["edited here", "edited there", "taken", "deleted here"])
def test_a_conflict_leaves_the_file_once_it_is_resolved(path: Path, resolved: str) -> None:
    write(path, mine := edit(make_record(1), "mine"), other := edit(make_record(2), "other"))
    merge(path, make_record(1, "theirs"), make_record(2, "theirs"))
    merge(path, make_record(1, "theirs again"))
    entries = [(entry["task"], entry["local"], entry["remote"]) for entry in read(find_conflict_file(path))]
    assert entries == [(2, other, make_record(2, "theirs")), (1, mine, make_record(1, "theirs again"))]
    match resolved:
        case "edited here":
            write(path, edit(make_record(1), "theirs"), other)
            merge(path, make_record(1, "theirs"))
        case "edited there":
            merge(path, make_record(1, "mine"))
        case "taken":
            merge(path, make_record(1, "theirs"), take_remote=True)
        case "deleted here":
            write(path, other)
            merge(path)
    left = [(entry["task"], entry["kept"]) for entry in read(find_conflict_file(path))]
    assert left == [(2, "local"), *[(1, "remote")] * (resolved == "taken")]
    merge(path, make_record(2, "other"))
    assert find_conflict_file(path).exists() == (resolved == "taken")


def test_what_a_review_started_from_stays_when_label_studio_has_deleted_it(path: Path) -> None:
    def build(note: str, *predictions: int) -> dict[str, Any]:
        record = edit(make_record(1), note)
        record["annotations"][0]["parent_prediction"] = 7
        record["predictions"] = [{"id": number, "model_version": f"v{number}"} for number in predictions]
        record["data"]["provenance"]["pull"]["sha256"] = digest_record(record)
        return record

    write(path, build("", 5, 7))
    assert merge(path, build("corrected", 9)).updated == ["s1"]
    assert [item["id"] for item in read(path)[0]["predictions"]] == [7, 9]
    again = merge(path, build("corrected", 9))
    assert (again.unchanged, again.conflicts) == (1, [])


def test_an_edited_record_is_not_dropped(path: Path) -> None:
    mine = edit(make_record(1), "mine")
    write(path, mine, make_record(2))
    merged = merge(path, gone=(1, 2))
    assert (merged.conflicts, merged.removed, read(path)) == (["s1"], ["s2"], [mine])
    assert merge(path, gone=(1,), take_remote=True).removed == ["s1"]


def test_a_file_that_did_not_come_from_a_pull_is_not_lost(path: Path) -> None:
    stranger = {"data": {"text": "x", "sample_id": "mine"}, "annotations": []}
    write(path, stranger)
    merge(path, make_record(1))
    assert read(path) == [stranger, make_record(1)]
    path.write_bytes(pack_record(stranger) + pack_record(make_record(1)))
    assert set(read_known_tasks(path)) == {1}
    merge(path, make_record(2), gone=(1,))
    assert [record["data"]["sample_id"] for record in read(path)] == ["mine", "s2"]


def test_known_tasks_carry_stamp_and_drafts(path: Path) -> None:
    assert read_known_tasks(path) == {}
    write(path, make_record(1, stamp="t7"), {**make_record(2), "drafts": [{"id": 1, "result": []}]})
    assert read_known_tasks(path) == {1: ("t7", False, True), 2: ("t0", True, True)}


def test_an_interrupted_record_file_goes_on(tmp_path: Path) -> None:
    part = tmp_path / "x.part.jsonl"
    first = RecordFile(part)
    for number in (1, 2, 3):
        first.add(number, f"t{number}", make_record(number))
    first.close(finished=False)
    part.write_bytes(part.read_bytes()[:-20])
    again = RecordFile(part)
    assert set(again.places) == {1, 2}
    again.keep_only({1: "t1", 2: "changed since"})
    again.add(3, "t3", make_record(3, "new"))
    assert set(again.places) == {1, 3}
    assert again.read(again.places[3]) == make_record(3, "new")
    again.close(finished=True)
    assert not part.exists()


class Server:
    """A Label Studio that only knows some tasks."""

    def __init__(self, url: str = "http://127.0.0.1/", tasks: dict[int, str] | None = None) -> None:
        self.url = url
        self.tasks = tasks or {}

    def read_tasks(self, project: int, ids: list[int], include: str) -> list[dict[str, Any]]:
        return [{"id": number, "data": {"text": self.tasks[number]}} for number in ids if number in self.tasks]


CREATED = "2026-01-01T00:00:00.123456Z"


def project(number: int = 3, created_at: str = CREATED) -> dict[str, Any]:
    return {"id": number, "created_at": created_at}


def test_state_belongs_to_one_project(path: Path) -> None:
    server: Any = Server()
    state = load_state(path, server, project())
    assert state == PullState(server.url, 3, CREATED)
    refused = {"7": RefusedTask("t", "s", "why")}
    save_state(path, replace(state, watermark="2026-01-02T00:00:00.000000Z", refused=refused))
    assert load_state(path, server, project()).watermark == "2026-01-02T00:00:00.000000Z"
    assert load_state(path, server, project()).refused == refused
    assert find_state_file(path).stat().st_mode & 0o777 == 0o600
    with pytest.raises(StateError, match="--output"):
        load_state(path, server, project(4))
    find_state_file(path).write_text('{"url": "", "project": 3, "format": 99}')
    with pytest.raises(StateError, match="newer"):
        load_state(path, server, project())
    find_state_file(path).write_text("{")
    with pytest.raises(StateError, match="--full"):
        load_state(path, server, project())


def test_the_same_number_on_another_server_is_another_project(path: Path) -> None:
    one: Any = Server()
    two: Any = Server("http://127.0.0.1:8081/")
    save_state(path, load_state(path, one, project()))
    with pytest.raises(StateError, match="Nothing was changed"):
        load_state(path, two, project(created_at="2026-01-05T00:00:00.000001Z"))
    with pytest.raises(StateError, match="Nothing was changed"):
        load_state(path, one, project(created_at="2026-01-05T00:00:00.000001Z"))


def test_the_same_project_may_move_to_another_address(path: Path) -> None:
    one: Any = Server()
    two: Any = Server("http://localhost:8099/")
    save_state(path, load_state(path, one, project()))
    assert load_state(path, two, project()).url == two.url


@pytest.mark.parametrize(
    ("url", "watermark", "fits"),
    [
        ("http://127.0.0.1/", "2026-01-02T00:00:00.000000Z", True),
        ("http://127.0.0.1/", "", True),
        ("http://127.0.0.1/", "2025-12-31T00:00:00.000000Z", False),
        ("http://127.0.0.1:8081/", "2026-01-02T00:00:00.000000Z", False),
    ],
)
def test_states_of_the_first_format_are_compared_by_address_and_age(
    path: Path, url: str, watermark: str, fits: bool
) -> None:
    server: Any = Server()
    state = {"url": url, "project": 3, "watermark": watermark, "format": 1}
    find_state_file(path).write_bytes(orjson.dumps(state))
    if fits:
        assert load_state(path, server, project()).created_at == CREATED
    else:
        with pytest.raises(StateError, match="Nothing was changed"):
            load_state(path, server, project())


@pytest.mark.parametrize("tasks", [{}, {1: "other", 2: "texts"}])
def test_a_file_whose_state_is_gone_is_compared_by_its_texts(path: Path, tasks: dict[int, str]) -> None:
    write(path, make_record(1), make_record(2))
    ours: Any = Server(tasks={1: "text 1", 2: "text 2"})
    other: Any = Server(tasks=tasks)
    assert load_state(path, ours, project()).watermark == ""
    with pytest.raises(StateError, match="no state file"):
        load_state(path, other, project())


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(st.dictionaries(st.text(max_size=4), VALUES, max_size=3), max_size=6), st.integers(1, 30))
def test_a_list_is_read_in_pieces(items: list[Any], chunk: int) -> None:
    assert list(iter_json_list(io.BytesIO(orjson.dumps(items)), chunk)) == items


def test_a_list_that_breaks_off_is_noticed() -> None:
    with pytest.raises(TransientServiceError):
        list(iter_json_list(io.BytesIO(b'[{"id": 1}, {"id": 2'), 7))
